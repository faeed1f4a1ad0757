import { linear } from "../nn/index.js";
import { mul } from "../ops/index.js";
import { mechanism, products } from "./mechanism.js";

/**
 * (W query + b) · (U key) / √hidden: one head of a Transformer (Vaswani et al. 2017, section 3.2.2). Query and key meet as a
 * product, so what one asks for can be told from what another does from the first step of training on.
 */
export const projectedDot = mechanism("projected-dot", (scope, { query, key, hidden }) => {
  const queryOf = linear(scope.at("query"), { input: query, output: hidden });
  const keyOf = linear(scope.at("key"), { input: key, output: hidden, bias: false });
  return {
    keys: keyOf,
    scores: (state, keys) => mul(products(queryOf(state), keys), 1 / Math.sqrt(hidden)),
  };
});
