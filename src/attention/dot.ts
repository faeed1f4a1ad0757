import { UsageError } from "../core/index.js";
import { mul } from "../ops/index.js";
import { type AttentionSizes, mechanism, products, type Score } from "./mechanism.js";

function dotScore(name: string, scale: (features: number) => number) {
  return (_: unknown, { query, key }: AttentionSizes): Score => {
    if (query !== key)
      throw new UsageError(
        `${name} attention: the query has ${query} features but the keys have ${key}; make them equal, or use general attention.`,
      );
    const factor = scale(key);
    return {
      keys: (values) => values,
      scores: (state, keys) => (factor === 1 ? products(state, keys) : mul(products(state, keys), factor)),
    };
  };
}

/** query · key (Luong et al. 2015, section 3.1). */
export const dot = mechanism(
  "dot",
  dotScore("dot", () => 1),
);

/** query · key / √features (Vaswani et al. 2017, equation 1). */
export const scaledDot = mechanism(
  "scaled-dot",
  dotScore("scaled-dot", (features) => 1 / Math.sqrt(features)),
);
