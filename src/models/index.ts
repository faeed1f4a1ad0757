import { rnnEncoderDecoder } from "./2014-cho-rnn-encoder-decoder/model.js";
import { seq2seq } from "./2014-sutskever-seq2seq/model.js";
import { rnnsearch } from "./2015-bahdanau-rnnsearch/model.js";
import type { ModelCard } from "./contract.js";

export * from "./contract.js";
export * from "./loss.js";
export { rnnEncoderDecoder, rnnsearch, seq2seq };

/** Every model, in the order of the papers. */
// biome-ignore lint/suspicious/noExplicitAny: each model has a configuration of its own.
export const models: readonly ModelCard<any>[] = [rnnEncoderDecoder, seq2seq, rnnsearch];
