import { linear, normal, zeros } from "../nn/index.js";
import { add, matmul, squeeze, tanh, unsqueeze } from "../ops/index.js";
import { mechanism } from "./mechanism.js";

/** vᵀ tanh(W query + U key) (Bahdanau et al. 2015, appendix A.1.2), with the paper's first values. */
export const additive = mechanism("additive", (scope, { query, key, hidden }) => {
  const initialise = normal(0.001);
  const queryOf = linear(scope.at("query"), { input: query, output: hidden, bias: false, initialise });
  const keyOf = linear(scope.at("key"), { input: key, output: hidden, bias: false, initialise });
  const vector = scope.parameter("vector", [hidden, 1], zeros);
  return {
    keys: keyOf,
    scores: (state, keys) => squeeze(matmul(tanh(add(unsqueeze(queryOf(state), 1), keys)), vector), -1),
  };
});
