import { type AnyModelCard, modelById } from "../models/index.js";
import { bits } from "./bit-sequences/task.js";
import { captioning } from "./captioning/task.js";
import { classification } from "./classification/task.js";
import type { AnyTask } from "./contract.js";
import { conversation } from "./conversation/task.js";
import { generation } from "./generation/task.js";
import { maskedWords } from "./masked-words/task.js";
import { sentencePairs } from "./sentence-pairs/task.js";
import { sentenceVectors } from "./sentence-vectors/task.js";
import { speech } from "./speech-recognition/task.js";
import { steering } from "./steering/task.js";
import { tracking } from "./tracking/task.js";
import { translation } from "./translation/task.js";
import { videoCaptioning } from "./video-captioning/task.js";
import { visualQuestions } from "./visual-questions/task.js";
import { wordVectors } from "./word-vectors/task.js";

export * from "./bit-sequences/task.js";
export { LONGEST_CAPTION } from "./captioning/captioned.js";
export * from "./captioning/encoder.js";
export * from "./captioning/grid.js";
export * from "./captioning/task.js";
export * from "./classification/task.js";
export * from "./contract.js";
export * from "./conversation/task.js";
export * from "./evaluator.js";
export * from "./form.js";
export * from "./generation/task.js";
export * from "./images.js";
export * from "./length.js";
export * from "./masked-words/task.js";
export * from "./scores.js";
export * from "./sentence-pairs/task.js";
export * from "./sentence-vectors/task.js";
export * from "./speech-recognition/task.js";
export * from "./spread.js";
export * from "./steering/task.js";
export * from "./traced.js";
export * from "./tracking/task.js";
export * from "./translation/task.js";
export * from "./video-captioning/task.js";
export * from "./visual-questions/task.js";
export * from "./vocabularies.js";
export * from "./watch.js";
export * from "./word-vectors/task.js";

/** Every kind of model. */
export const tasks: readonly AnyTask[] = [
  translation,
  captioning,
  classification,
  bits,
  videoCaptioning,
  tracking,
  generation,
  steering,
  visualQuestions,
  conversation,
  wordVectors,
  sentencePairs,
  sentenceVectors,
  speech,
  maskedWords,
];

/** The task of a model. */
export const taskOf = (card: Pick<AnyModelCard, "task">): AnyTask =>
  tasks.find(({ id }) => id === card.task)!;

/** The task of the model that settings name. @throws UsageError where there is no such model */
export const taskOfModel = (model: string): AnyTask => taskOf(modelById(model));

/** What training a model begins with where nothing else is asked for. */
export const trainingDefaults = (card: AnyModelCard): AnyTask["defaults"] => ({
  ...taskOf(card).defaults,
  ...card.training,
});
