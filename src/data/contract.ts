import type { Random } from "../core/index.js";
import type { Passage } from "./passages.js";
import type { Sound } from "./sound.js";

/** A link between a source and a target word. Sure links are part of every right alignment, possible ones may be. */
export interface Link {
  readonly source: number;
  readonly target: number;
  readonly sure: boolean;
}

/** A sentence and its translation, in words. */
export interface Pair {
  readonly source: readonly string[];
  readonly target: readonly string[];
  /** The translation as its file has it, which translations are scored against; absent where the words are all there is. */
  readonly reference?: string;
  /** The gold alignment, where it is known. */
  readonly links?: readonly Link[];
}

/** Colours of an image, red, green and blue from 0 to 255: [row, column, 3]. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Which pixels show something, 1 or 0: [row, column]. */
export interface Mask {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Why a caption is wrong: it looked elsewhere, named what it looked at wrongly, left something out, or made it up. */
export const MISTAKES = ["wrong place", "wrong name", "missed", "invented"] as const;
/** Why a caption is wrong. */
export type MistakeKind = (typeof MISTAKES)[number];

/** A mistake of a caption. */
export interface Mistake {
  readonly kind: MistakeKind;
  /** The words that are wrong, by position; none where something was left out. */
  readonly words: readonly number[];
  readonly sentence: string;
}

/** What generated images and clips know of themselves. */
export interface CaptionGold {
  /** The pixels of each thing in the image; of a clip the frames of each event, [1, frames]. */
  masks(): readonly Mask[];
  /** For each word of a caption the index of the mask of what it tells of; undefined for words that tell of nothing. */
  referents(words: readonly string[]): readonly (number | undefined)[];
  /** Whether a caption says what is there, all of it and nothing else. */
  isTrue(words: readonly string[]): boolean;
  /**
   * What is wrong with a caption that is not true.
   * @param lookedAt the mask that some words of it, by position, looked at most; undefined where that was none
   */
  mistakes(
    words: readonly string[],
    lookedAt: (words: readonly number[]) => number | undefined,
  ): readonly Mistake[];
}

/**
 * Ways to change an image by chance without changing what it shows: a window of it at full size, another brightness and
 * strength of colour, or left and right exchanged, which captions that tell left from right do not bear.
 */
export const AUGMENTATIONS = ["crop", "shade", "flip"] as const;
/** A change that images of training may go through by chance. */
export type Augmentation = (typeof AUGMENTATIONS)[number];

/** What has captions, in words. */
export interface Captioned {
  readonly name: string;
  readonly captions: readonly (readonly string[])[];
  /** How many things are in it, or happen in it, where that is known. */
  readonly objects?: number;
  readonly gold?: CaptionGold;
}

/** An image that models read. */
export interface ReadableImage {
  readonly name: string;
  /** Reads the image, at the size the data has. @throws RegardError naming the image where it cannot be read */
  pixels(): Promise<Pixels>;
  /** The image changed a little by chance, as training may ask for; absent where it is not from a file. */
  augmented?(changes: readonly Augmentation[], random: Random): Promise<Pixels>;
  /** What an encoder that is not trained made of it, [row, column, channel]; absent where there is none. */
  encoded?(): Promise<{ readonly shape: readonly number[]; readonly data: Float32Array }>;
}

/** An image with its captions. */
export interface CaptionedImage extends Captioned, ReadableImage {}

/** What the frames of a clip hold: colours, [height, width, 3], or numbers that a network made of each, [features]. */
export type FrameShape = readonly [height: number, width: number, channels: 3] | readonly [features: number];

/** A clip with its captions. */
export interface CaptionedClip extends Captioned {
  readonly frame: FrameShape;
  /** How many frames it has. */
  readonly count: number;
  /**
   * Its frames one after another, [count, …frame]: colours from 0 to 255, or features as they are.
   * @throws RegardError naming the file that cannot be read
   */
  frames(): Promise<Uint8Array | Float32Array>;
}

/** Rows of bits, a step each; a row has a bit for every channel. Channels of their own may hold marks, and counts. */
export type BitRows = readonly (readonly number[])[];

/** Rows of bits to read, and the rows that are to be put out in return, step by step. */
export interface BitSequence {
  readonly name: string;
  /** What is read at each step. */
  readonly input: BitRows;
  /** What is to be put out at the same steps; zeros where nothing is asked for. */
  readonly output: BitRows;
  /** Whether something is asked for, of each step. */
  readonly counted: readonly boolean[];
  /** The id of the rule by which the output follows from the input (`bitRules`). */
  readonly rule: string;
}

/** Brightness of an image, 0 (black) to 255: [row, column, 1]. */
export interface GreyImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** A part of an image, in pixels from its left upper corner. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** An image, and which of a number of kinds it, or each thing in it, is. */
export interface LabelledImage {
  readonly name: string;
  /** Its kind, counted from 0; absent where it is only asked about, or things are named one after another. */
  readonly label?: number;
  /** The kind of each thing, from left to right, where each is asked for; as many for every image. */
  readonly labels?: readonly number[];
  /** What its kind is called, where that is not its number. */
  readonly called?: string;
  pixels(): Promise<GreyImage>;
  /** The same thing elsewhere, among other clutter, as training may ask for; absent where the image is as it is. */
  redrawn?(random: Random): Promise<GreyImage>;
  /** Where each thing is in what `pixels` gives; absent where that is not known. */
  boxes?(): readonly Box[];
}

/** Grey frames in order, one after another, and something in them to be followed. */
export interface Film {
  readonly name: string;
  /** How many frames it has. */
  readonly frames: number;
  /** Frame `index`, from 0. @throws RegardError naming the file where it cannot be read */
  frame(index: number): Promise<GreyImage>;
  /** Where the thing is in the first frame. */
  readonly first: Box;
  /** Where it is in each frame; absent where that is not known. */
  boxes?(): readonly Box[];
  /** The part of it that is seen in a frame while the rest is hidden; undefined while nothing is, absent where that is not known. */
  seen?(index: number): Box | undefined;
}

/** Colour frames of a road in order, one after another, and how the wheel was turned in each. */
export interface Drive {
  readonly name: string;
  /** How many frames it has. */
  readonly frames: number;
  /** Frame `index`, from 0. @throws RegardError naming the file where it cannot be read */
  frame(index: number): Promise<Pixels>;
  /** Steering of each frame, −1 (left) to 1 (right); absent where it is only asked about. */
  readonly steering?: readonly number[];
  /** What a generated road knows of itself. */
  readonly gold?: RoadGold;
}

/** A question about an image, and its answer. */
export interface VisualQuestion extends ReadableImage {
  /** The question in words, in lower case, without punctuation. */
  readonly question: readonly string[];
  /** Its answer, in lower case; absent where it is only asked. */
  readonly answer?: string;
  /** What kind of question it is, where the data says. */
  readonly kind?: string;
  /** Where one must look to answer, one place after the other: what the question names, then what it asks for; absent where that is not known. */
  readonly evidence?: readonly Box[];
}

/** Two sentences, and how alike people find what they say. */
export interface SentencePair {
  /** In lower case, without punctuation. */
  readonly first: readonly string[];
  readonly second: readonly string[];
  /** How alike they are, in the data's own measure; absent where it is only asked about. */
  readonly score?: number;
  /** What was changed from one to the other, where that is known. */
  readonly edit?: string;
}

/** A stretch of time, in seconds. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** Something that was said, and its words. */
export interface Utterance {
  readonly name: string;
  /** What was said, in lower case, without punctuation; none where it is only asked about. */
  readonly words: readonly string[];
  /** @throws UsageError naming the file where it cannot be read */
  sound(): Promise<Sound>;
  /** When each word is heard; absent where that is not known. */
  intervals?(): readonly Interval[];
}

/** What is on a generated road: lines that say where it goes, and a sign that does not. */
export const ROAD_THINGS = ["lane", "sign"] as const;
/** Something on a generated road. */
export type RoadThing = (typeof ROAD_THINGS)[number];

/** What lies where on a generated road. */
export interface RoadGold {
  /** Pixels of a thing in a frame. */
  mask(index: number, thing: RoadThing): Mask;
  /** The frame rendered anew without a thing. */
  without(index: number, thing: RoadThing): Pixels;
}

/**
 * Words or pieces a text may have where nothing else is asked for: memory grows with the longest, and with attention by its
 * square.
 */
export const MAX_LENGTH = 250;

/** Examples by split. `train` and `validation` are always there. */
export interface Splits<Example> {
  /** Height and width in pixels of the images, where it has images. */
  readonly size?: readonly [height: number, width: number];
  /** What kinds of images are called, where that is not their number. */
  readonly classes?: readonly string[];
  readonly train: readonly Example[];
  /** Examples of `train` that have all its words, where not all need be read to know them. */
  readonly wording?: readonly Example[];
  readonly validation: readonly Example[];
  /** Splits for scoring, such as `test`. */
  readonly tests: Readonly<Record<string, readonly Example[]>>;
  /** Words in one relation: the first is to the second as the third is to the fourth. */
  readonly analogies?: readonly Analogy[];
  /** What is to be known of it, a sentence each: what was left out and how much, and where splits overlap. */
  readonly notes?: readonly string[];
}

/** Four words, of which the first is to the second as the third is to the fourth. */
export interface Analogy {
  readonly words: readonly [string, string, string, string];
  /** What the relation is called. */
  readonly relation: string;
}

/** Pairs of sentences. */
export type ParallelData = Splits<Pair>;

/** Captioned images, all of one size. */
export interface CaptionData extends Splits<CaptionedImage> {
  readonly size: readonly [height: number, width: number];
}

/** Kinds of data, by what their examples are; one line each. */
export interface ExampleOf {
  readonly pairs: Pair;
  /** What was said, turn by turn, and the answer. */
  readonly talks: Pair;
  readonly captions: CaptionedImage;
  readonly clips: CaptionedClip;
  readonly bits: BitSequence;
  readonly "labelled images": LabelledImage;
  readonly films: Film;
  readonly drives: Drive;
  readonly "visual questions": VisualQuestion;
  readonly text: Passage;
  readonly "sentence pairs": SentencePair;
  readonly speech: Utterance;
}

/** What the examples of a dataset are. */
export type DataKind = keyof ExampleOf;

interface DatasetEntry<Kind extends DataKind> {
  readonly kind: Kind;
  readonly id: string;
  readonly title: string;
  /** Where it comes from and on what terms it may be used. */
  readonly origin: string;
  readonly splits: Readonly<Record<string, string>>;
  /** Height and width of its images, where it has images. */
  readonly size?: readonly [height: number, width: number];
  load(seed: number): Promise<Splits<ExampleOf[Kind]>>;
}

/** Sentences in two languages. */
export interface PairDataset extends DatasetEntry<"pairs"> {
  readonly languages: readonly [source: string, target: string];
  /** ISO 639-1 codes of the languages. */
  readonly codes: readonly [source: string, target: string];
}

/** Images with captions. */
export interface CaptionDataset extends DatasetEntry<"captions"> {
  readonly size: readonly [height: number, width: number];
  load(seed: number): Promise<CaptionData>;
}

/** Clips with captions. */
export type ClipDataset = DatasetEntry<"clips">;

/** Sequences of bits. */
export type BitDataset = DatasetEntry<"bits">;

/** Images by their kinds. */
export type LabelledDataset = DatasetEntry<"labelled images">;

/** Films of something that moves. */
export type FilmDataset = DatasetEntry<"films">;

/** Drives along a road. */
export type DriveDataset = DatasetEntry<"drives">;

/** Talks, turn by turn. */
export type TalkDataset = DatasetEntry<"talks">;

/** Images with questions. */
export type QuestionDataset = DatasetEntry<"visual questions">;

/** Running text. */
export type TextDataset = DatasetEntry<"text">;

/** Pairs of sentences that are more and less alike. */
export type SentencePairDataset = DatasetEntry<"sentence pairs">;

/** Recordings of speech. */
export type SpeechDataset = DatasetEntry<"speech">;

/** A dataset that comes with the package, of any kind. */
export type Dataset =
  | PairDataset
  | CaptionDataset
  | ClipDataset
  | LabelledDataset
  | BitDataset
  | FilmDataset
  | DriveDataset
  | TalkDataset
  | QuestionDataset
  | TextDataset
  | SentencePairDataset
  | SpeechDataset;
