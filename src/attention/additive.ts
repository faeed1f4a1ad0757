import { glorotUniform, linear } from "../nn/index.js";
import { add, matmul, squeeze, tanh, unsqueeze } from "../ops/index.js";
import { mechanism } from "./mechanism.js";

/** vᵀ tanh(W query + U key) (Bahdanau et al. 2015, appendix A.1.2). */
export const additive = mechanism("additive", (scope, { query, key, hidden }) => {
  const queryOf = linear(scope.at("query"), { input: query, output: hidden, bias: false });
  const keyOf = linear(scope.at("key"), { input: key, output: hidden, bias: false });
  const vector = scope.parameter("vector", [hidden, 1], glorotUniform);
  return {
    keys: keyOf,
    scores: (state, keys) => squeeze(matmul(tanh(add(unsqueeze(queryOf(state), 1), keys)), vector), -1),
  };
});
