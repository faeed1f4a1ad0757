import type { DataKind } from "./contract.js";

/** What people are told of data of their own. */
interface OwnData {
  /** Whether it may be a table that is dropped onto a page. */
  readonly isTable: boolean;
  /** Whether it has words, which become a vocabulary. */
  readonly hasWords: boolean;
  /** How it is to look. */
  readonly hint: string;
}

/** How people bring data of their own, by its kind. */
export const OWN_DATA: Readonly<Record<DataKind, OwnData>> = {
  pairs: { isTable: true, hasWords: true, hint: "one pair a line: source, a tab, target" },
  talks: {
    isTable: false,
    hasWords: true,
    hint: "your own: a table of talks, one a line, its turns with tabs between, put into the studio's data folder",
  },
  captions: {
    isTable: false,
    hasWords: true,
    hint: "your own: a folder of images with a captions.csv (columns image, caption), put into the studio's data folder",
  },
  clips: {
    isTable: false,
    hasWords: true,
    hint: "your own: a folder of a folder of frames, or an .npy file of features, for each clip, with a captions.csv (columns video, caption), put into the studio's data folder",
  },
  bits: { isTable: false, hasWords: false, hint: "made as they are needed" },
  "labelled images": {
    isTable: false,
    hasWords: false,
    hint: "your own: a folder of images and labels as IDX files, put into the studio's data folder",
  },
  films: {
    isTable: false,
    hasWords: false,
    hint: "your own: a folder for each film, its frames as numbered images with the first box in box.txt (x, y, width, height), put into the studio's data folder",
  },
  drives: {
    isTable: false,
    hasWords: false,
    hint: "your own: a folder with a driving_log.csv (columns image, steering) and the images it names, put into the studio's data folder",
  },
  "visual questions": {
    isTable: false,
    hasWords: true,
    hint: "your own: a folder of images with a questions.csv (columns image, question, answer), put into the studio's data folder",
  },
  "sentence pairs": {
    isTable: false,
    hasWords: true,
    hint: "your own: a folder of tables with the columns sentence_A, sentence_B and relatedness_score, tabs between, put into the studio's data folder",
  },
  speech: {
    isTable: false,
    hasWords: true,
    hint: "your own: a folder of WAV files with a transcripts.csv (columns audio, transcript), put into the studio's data folder",
  },
  text: {
    isTable: false,
    hasWords: true,
    hint: "your own: a text file, or a folder of them, plain or gzip, put into the studio's data folder",
  },
};
