import { z } from "zod";
import { RegardError, typedArray, UNKNOWN, UsageError } from "../../core/index.js";
import { pngUrl, tokenBatch, type VisualQuestion, Vocabulary, wordsAlone } from "../../data/index.js";
import { tokensValue } from "../../decode/index.js";
import type { QuestionSizes } from "../../models/index.js";
import { input, logSoftmax, squeeze, takeAlongAxis, unsqueeze } from "../../ops/index.js";
import type { Value, Values } from "../../session/index.js";
import { readImages } from "../captioning/task.js";
import type { Scoring, Task } from "../contract.js";
import { withoutCells } from "../cover.js";
import type { Predicted } from "../evaluator.js";
import { type FieldValue, pixelsOf } from "../form.js";
import { remembered } from "../targets.js";
import { Tally } from "./score.js";

/** The words of questions, and the answers that training has. */
export interface PreparedQuestions {
  readonly source: Vocabulary;
  /** The first stands for every answer that is not among them. */
  readonly answers: readonly string[];
  /** Tokens that a question may have. */
  readonly longest: number;
}

/** What a model says of one question. */
export interface Answered {
  /** Its number among the answers that are known, of which 0 is none. */
  readonly answer: number;
  /** Of each answer. */
  readonly probabilities: readonly number[];
  /** For how much of what was looked at each word of the question decided; absent where the model does not say. */
  readonly decided?: readonly number[];
}

/** What stands for answers that training lacks, or has too seldom. */
const OTHER = "another answer";
/** Answers that are told apart at most, the most frequent: as many as the paper has, about. */
const MOST_ANSWERS = 1000;
/** Tokens that a question may have at least: those of the paper. */
const LEAST_LONGEST = 25;
/** Answers that are shown. */
const SHOWN = 6;
/** Rows and columns of the parts of an image whose effect is measured, for models that look at none. */
const PARTS = [7, 7] as const;

const stored = z.object({
  source: z.union([
    z.array(z.string()),
    z.object({ pieces: z.array(z.string()), merges: z.array(z.tuple([z.string(), z.string()])) }),
  ]),
  answers: z.array(z.string()).min(2),
  longest: z.int().min(1),
});

const tokensOf = remembered((source: Vocabulary) =>
  remembered(({ question }: VisualQuestion) => source.segment(question).tokens),
);

/** The answers of training, the most frequent first, after what stands for all others. */
function answersOf(examples: readonly VisualQuestion[]): string[] {
  const counts = new Map<string, number>();
  for (const { answer } of examples)
    if (answer !== undefined) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  const ranked = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([answer]) => answer);
  return [OTHER, ...ranked.slice(0, MOST_ANSWERS)];
}

/** The number of an answer; 0 where training has none such. */
const numberOf = ({ answers }: PreparedQuestions, answer: string): number =>
  Math.max(0, answers.indexOf(answer, 1));

const answerValue = (numbers: readonly number[]): Value => ({
  dtype: "int32",
  shape: [numbers.length],
  data: Int32Array.from(numbers),
});

/** Words of questions as columns. @throws UsageError for a question without words, or with more than the model reads */
function questionValue(questions: readonly VisualQuestion[], { source, longest }: PreparedQuestions): Value {
  const tokens = questions.map((one) => {
    const found = tokensOf(source)(one);
    if (found.length === 0)
      throw new UsageError(`the question of "${one.name}" has no words; give a question.`);
    if (found.length > longest)
      throw new UsageError(
        `the question "${one.question.join(" ")}" has ${found.length} words but the model reads at most ${longest}; shorten it.`,
      );
    return found;
  });
  return tokensValue(tokenBatch(tokens));
}

/** What the outputs of one question say. Answers that training lacks are never given. */
export function answered({ logits, decided }: Values): Answered {
  const all = Array.from(logits!.data);
  const most = Math.max(...all);
  const shares = all.map((logit) => Math.exp(logit - most));
  const sum = shares.reduce((a, b) => a + b, 0);
  const probabilities = shares.map((share) => share / sum);
  const answer = 1 + probabilities.slice(1).indexOf(Math.max(...probabilities.slice(1)));
  return { answer, probabilities, ...(decided && { decided: Array.from(decided.data) }) };
}

const textOf = ({ question }: VisualQuestion): string => `${question.join(" ")}?`;

/** What the data says is right. */
const referencesOf = ({ answer }: VisualQuestion): string[] => (answer === undefined ? [] : [answer]);

async function tallied(
  { evaluator, parameters, prepared }: Scoring<VisualQuestion, PreparedQuestions>,
  questions: readonly VisualQuestion[],
  onProgress?: (done: number) => void,
): Promise<{ tally: Tally; said: Answered[] }> {
  const tally = new Tally();
  const grid = evaluator.grids.image;
  const found = await evaluator.predict(parameters, questions, onProgress ? { onProgress } : {});
  const add = async ({ example, outputs, looks }: Predicted<VisualQuestion>): Promise<Answered> => {
    const one = answered(outputs);
    const right = numberOf(prepared, answerOf(example));
    tally.add(example, right > 0 && right === one.answer, one.probabilities[right]!);
    if (grid && example.evidence) {
      const { width, height } = await example.pixels();
      tally.look(example, looks, [height, width], { rows: grid[0], columns: grid[1] });
    }
    return one;
  };
  const said: Answered[] = [];
  for (const one of found) said.push(await add(one));
  return { tally, said };
}

/** @throws UsageError where a question has no answer */
function answerOf({ name, question, answer }: VisualQuestion): string {
  if (answer === undefined)
    throw new UsageError(`the question "${question.join(" ")}" of "${name}" has no answer; give its answer.`);
  return answer;
}

/** The words of a question that was given. @throws UsageError where there is none */
function askedWords(text: FieldValue | undefined): string[] {
  if (typeof text !== "string") throw new UsageError("this run answers questions; give it a question.");
  const words = wordsAlone(text);
  if (words.length === 0)
    throw new UsageError(
      `the question is ${text.trim() === "" ? "empty" : `"${text}", without a word`}; give a question.`,
    );
  return words;
}

/** The answer to a question about an image. */
export const visualQuestions: Task<VisualQuestion, PreparedQuestions, QuestionSizes, Answered> = {
  id: "visual-questions",
  examples: "questions about images",
  words: { example: "question", place: "place of the image, row by row", decision: "answer", cause: "place" },
  takes: "visual questions",
  texts: true,
  images: true,
  defaults: {
    data: "questions",
    batch: 64,
    targets: 1,
    learningRate: 0.002,
    optimizer: { name: "adam" },
    clip: 5,
    labelSmoothing: 0,
  },
  scores: [
    { id: "accuracy", title: "accuracy", unit: "share", better: "higher", primary: true },
    { id: "hop1", title: "first hop on what is named", unit: "share", better: "higher" },
    { id: "hop2", title: "second hop on what is asked for", unit: "share", better: "higher" },
  ],
  prepare({ train, wording = train }, { vocabulary }) {
    const answers = answersOf(wording);
    if (answers.length < 3)
      throw new UsageError(
        `all ${wording.length} questions of training have ${answers.length === 2 ? `the answer "${answers[1]}"` : "no answer"}; there is nothing to tell apart.`,
      );
    const source = Vocabulary.of(
      wording.map(({ question }) => question),
      vocabulary,
    );
    if (source.size <= UNKNOWN + 1)
      throw new UsageError(
        `no word of a question occurs ${vocabulary.atLeast} times in the training data, so the vocabulary is empty; lower --min-count.`,
      );
    const longest = wording.reduce((most, one) => Math.max(most, tokensOf(source)(one).length), 0);
    return { source, answers, longest: Math.max(LEAST_LONGEST, 2 * longest) };
  },
  restored(given) {
    const { success, data } = stored.safeParse(given);
    if (!success) throw new RegardError("the run holds no answers to questions; it is of another task.");
    return { ...data, source: Vocabulary.from(data.source) };
  },
  describe: ({ source, answers }) =>
    `${source.size.toLocaleString("en")} ${source.kind === "word" ? "words" : "pieces"} of questions, ${(answers.length - 1).toLocaleString("en")} answers`,
  sizes({ source, answers, longest }, images) {
    if (!images)
      throw new RegardError(
        "the run does not say how large its images are; its run.json is of another task.",
      );
    const { size, encoder } = images;
    return {
      source: source.size,
      answers: answers.length,
      longest,
      image: encoder?.shape ?? [...size, 3],
      encoded: encoder !== undefined,
    };
  },
  inputs: ({ image }) => ({
    image: input("image", "float32", ["batch", ...image]),
    question: input("question", "int32", ["question", "batch"]),
  }),
  targets: (_, batch) => ({ answer: input("answer", "int32", [batch]) }),
  sizing: {
    options: z.object({
      source: z.int().min(4).max(1_000_000).default(36).describe("words of the vocabulary of questions"),
      answers: z.int().min(2).max(65_536).default(9).describe("answers that are told apart"),
      image: z
        .tuple([z.int().min(8).max(1024), z.int().min(8).max(1024)])
        .default([70, 70])
        .describe("height and width of the images"),
    }),
    of: ({ size }, { source, answers }) => ({
      source: source.size,
      answers: answers.length,
      ...(size && { image: [...size] }),
    }),
    sizes: ({ source, answers, image: [height, width] }) => ({
      source,
      answers,
      longest: LEAST_LONGEST,
      image: [height, width, 3],
      encoded: false,
    }),
    lengths: { question: 9 },
  },
  length: (one, { source }) => tokensOf(source)(one).length,
  longest: (one, { source }) => tokensOf(source)(one).length,
  async collate(questions, prepared, use) {
    const values = { image: await readImages(questions, use), question: questionValue(questions, prepared) };
    if (use.kind === "ask") return { values, decisions: [] };
    const numbers = questions.map((one) => numberOf(prepared, answerOf(one)));
    return { values: { ...values, answer: answerValue(numbers) }, decisions: numbers.map(() => 1) };
  },
  drive: { kind: "once" },
  async validate(scoring, questions) {
    return (await tallied(scoring, questions)).tally.scores;
  },
  async report(scoring, questions, { onProgress }) {
    const { prepared } = scoring;
    const { tally, said } = await tallied(scoring, questions, onProgress);
    return {
      metrics: { ...tally.scores, ...tally.details },
      outputs: questions.map((one, index) => ({
        source: `${one.name}: ${textOf(one)}`,
        output: prepared.answers[said[index]!.answer]!,
        references: referencesOf(one),
      })),
    };
  },
  form: ({ longest }, images) => [
    { name: "image", title: "Image", kind: "image", size: images!.size, channels: 3, drawn: true },
    {
      name: "question",
      title: "Question",
      kind: "text",
      longest,
      placeholder: "a question about the image",
    },
  ],
  example({ image, question }, _, images) {
    const words = askedWords(question);
    const pixels = pixelsOf(image, images!.size, 3);
    return { name: "the image", question: words, pixels: async () => pixels };
  },
  changed({ name, pixels, encoded }, { question }) {
    return { name, question: askedWords(question), pixels, ...(encoded && { encoded }) };
  },
  card: async (one) => ({
    title: textOf(one),
    url: pngUrl(await one.pixels()),
    expected: referencesOf(one),
    fields: { question: textOf(one) },
  }),
  title: (one) => `${one.name}: ${textOf(one)}`,
  async places({ pixels }, _, { grids = {} }) {
    const { width, height, ...data } = await pixels();
    const image = { width, height, url: pngUrl({ width, height, ...data }) };
    const [rows, columns] = grids.image ?? PARTS;
    return { image: { kind: "grid", image, rows, columns } };
  },
  read: (outputs) => answered(outputs),
  async show(one, { answer, probabilities, decided }, prepared) {
    const { tokens, pieces } = prepared.source.segment(one.question);
    const output = prepared.answers[answer]!;
    const right = one.answer;
    const likeliest = prepared.answers
      .map((label, number) => ({ label, probability: probabilities[number]!, number }))
      .filter(({ number, probability }) => number > 0 || probability > 0.5)
      .sort((a, b) => b.probability - a.probability)
      .slice(0, SHOWN);
    return {
      output,
      steps: [{ label: output, piece: output }],
      decisions: [output],
      blocks: [
        {
          kind: "classes",
          title: textOf(one),
          items: likeliest.map(({ label, probability }) => ({
            label,
            probability,
            ...(right !== undefined && { right: label === right }),
          })),
        },
        ...(decided
          ? [
              {
                kind: "classes" as const,
                title: "Words that decided where it looked first",
                items: pieces.map((label, place) => ({ label, probability: decided[place]! })),
              },
            ]
          : []),
      ],
      ...(right !== undefined && { right: output === right }),
      references: referencesOf(one),
      unknown: pieces.filter((_, place) => tokens[place] === UNKNOWN),
    };
  },
  taken: ({ answer }) => ({ answer: answerValue([answer]) }),
  likelihood: ({ logits }, { answer }) =>
    squeeze(takeAlongAxis(logSoftmax(logits!), unsqueeze(answer!, 1), 1), 1),
  variants({ image, question }, { grids = {} }) {
    const grid = grids.image ?? PARTS;
    const count = grid[0] * grid[1];
    const words = question!.shape[0]!;
    const tiled = typedArray("int32", words * (1 + count));
    for (let word = 0; word < words; word++)
      tiled.fill(question!.data[word]! as never, word * (1 + count), (word + 1) * (1 + count));
    return {
      over: "image",
      count,
      values: {
        image: withoutCells(image!, grid),
        question: { dtype: "int32", shape: [words, 1 + count], data: tiled } as Value,
      },
    };
  },
  without: "once a place of the image is covered with its mean",
};
