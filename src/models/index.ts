import { rnnsearch } from "./2015-bahdanau-rnnsearch/model.js";
import type { ModelCard } from "./contract.js";

export * from "./contract.js";
export * from "./loss.js";
export { rnnsearch };

/** Every model, in the order of the papers. */
// biome-ignore lint/suspicious/noExplicitAny: each model has a configuration of its own.
export const models: readonly ModelCard<any>[] = [rnnsearch];
