import { z } from "zod";
import { cosinesOfSums, uniform } from "../../nn/index.js";
import { add, gather, logSoftmax, mul, neg, reduceSum, slice, squeeze, unsqueeze } from "../../ops/index.js";
import type { ModelCard, WordSizes } from "../contract.js";
import { gloveLearner } from "./learner.js";

const configuration = z.object({
  size: z.int().min(1).max(4096).default(50).describe("numbers of a word's vector"),
  window: z.int().min(1).max(100).default(15).describe("words on each side that are counted"),
  most: z
    .number()
    .positive()
    .max(1e9)
    .default(10)
    .describe("the count from which a cell weighs as much as any"),
});

/**
 * GloVe: global vectors for word representation (Pennington, Socher & Manning 2014). Marks in comments are its equations; the card
 * beside this file lists them with every departure. Axes: B batch, P pairs, C words of which one is right, V words, D numbers of a
 * vector.
 */
export const glove: ModelCard<z.output<typeof configuration>, WordSizes> = {
  id: "glove",
  title: "GloVe: global vectors",
  paper: "Pennington et al. 2014",
  year: 2014,
  task: "word-vectors",
  attention: ["none"],
  configuration,
  training: { optimizer: { name: "adagrad" } },
  parts: [
    {
      id: "input",
      title: "Vectors of words",
      scopes: ["input"],
      equations: ["w_i, b_i"],
      from: ["words"],
      gives: "[V, size]",
    },
    {
      id: "output",
      title: "Vectors of words as contexts",
      scopes: ["output"],
      equations: ["J = Σ f(X_ij) (w_i · w̃_j + b_i + b̃_j − log X_ij)²", "f(x) = min(1, (x / x_max)^¾)"],
      from: ["input"],
      gives: "[V, size]",
    },
    {
      id: "neighbours",
      title: "Nearest words",
      scopes: [],
      equations: ["cos(Σ ± u_w / |u_w|, u_w'), u = w + w̃"],
      from: ["input", "output"],
      gives: "[B, V]",
    },
  ],
  build(scope, { size: D, ...options }, { counts }) {
    const V = counts.length;
    const first = uniform(0.5 / D);
    const input = scope.parameter("input.table", [V, D], first, "table"); // w
    const output = scope.parameter("output.table", [V, D], first, "table"); // w̃
    scope.parameter("input.bias", [V], first); // b
    const outputBias = scope.parameter("output.bias", [V], first); // b̃
    // Section 4.2: the sum of both vectors of a word.
    const vectors = add(input, output);
    return {
      objective({ centre, contexts, counted }, mode) {
        const read = unsqueeze(gather(input, centre!), 2); // [P, B, 1, D]
        // Equation 7: w · w̃ + b̃ is log X_ij but for what all contexts of a word share.
        const logs = add(
          reduceSum(mul(read, gather(output, contexts!)), { axes: 3 }),
          gather(outputBias, contexts!),
        ); // [P, B, C]
        const losses = mul(neg(squeeze(slice(logSoftmax(logs), 2, 0, 1), 2)), counted!);
        return { loss: mode.perToken(reduceSum(losses), reduceSum(counted!)), losses };
      },
      vectors,
      once: ({ words, signs }) => ({ outputs: { similarities: cosinesOfSums(vectors, words!, signs!) } }),
      learner: gloveLearner(
        V,
        { size: D, ...options },
        {
          input: "input.table",
          output: "output.table",
          inputBias: "input.bias",
          outputBias: "output.bias",
        },
      ),
    };
  },
};
