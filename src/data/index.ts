import type { Dataset } from "./contract.js";
import { agreement } from "./generate/agreement/index.js";
import { bilingual, bilingualReversed } from "./generate/bilingual/index.js";
import { associativeRecallData, copyData, repeatCopyData } from "./generate/bits/index.js";
import { clips } from "./generate/clips/index.js";
import { digits } from "./generate/digits/index.js";
import { edits } from "./generate/edits/index.js";
import { films } from "./generate/films/index.js";
import { questions } from "./generate/questions/index.js";
import { relations } from "./generate/relations/index.js";
import { road } from "./generate/road/index.js";
import { scenes } from "./generate/scenes/index.js";
import { stories } from "./generate/stories/index.js";
import { talk } from "./generate/talk/index.js";
import { tones } from "./generate/tones/index.js";

export { pngUrl } from "../core/index.js";
export * from "./batch.js";
export { joinPieces } from "./byte-pairs.js";
export * from "./contract.js";
export * from "./expression.js";
export * from "./fingerprint.js";
export { DEMONSTRATION } from "./generate/bilingual/index.js";
export { type BitRule, bitRules, rowLabel } from "./generate/bits/index.js";
export * as scene from "./generate/scenes/index.js";
export * from "./image.js";
export * from "./overlap.js";
export * from "./passages.js";
export { boxAround } from "./placing.js";
export * from "./reading.js";
export * from "./sound.js";
export * from "./spelling.js";
export { detokenise, normalised, plainWords, readingOf, surfaceOf, tokenise, wordsAlone } from "./text.js";
export * from "./tokenizer.js";
export { TURN } from "./turns.js";
export type { WordVectors } from "./vectors/contract.js";
export * from "./vocabulary.js";

/** Every dataset that needs no download. */
export const datasets: readonly Dataset[] = [
  bilingual,
  bilingualReversed,
  scenes,
  clips,
  ...digits,
  copyData,
  repeatCopyData,
  associativeRecallData,
  films,
  road,
  ...questions,
  talk,
  relations,
  edits,
  tones,
  agreement,
  stories,
];

/** Whether data is named that needs no download, and is no file or folder. */
export const isEmbedded = (data: string): boolean => datasets.some(({ id }) => id === data);
