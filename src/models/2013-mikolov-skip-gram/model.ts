import { z } from "zod";
import { cosinesOfSums, uniform, zeros } from "../../nn/index.js";
import { add, gather, mul, neg, reduceSum, slice, softplus, unsqueeze } from "../../ops/index.js";
import type { ModelCard, WordSizes } from "../contract.js";
import { skipGramLearner } from "./learner.js";

const configuration = z.object({
  size: z.int().min(1).max(4096).default(100).describe("numbers of a word's vector"),
  window: z.int().min(1).max(100).default(5).describe("words on each side that a word predicts, at most"),
  negatives: z.int().min(1).max(100).default(5).describe("words drawn against each that is right"),
  sample: z
    .number()
    .min(0)
    .max(1)
    .default(1e-4)
    .describe("share of all words above which a word is read less often; 0 reads all"),
});

/**
 * Skip-gram with negative sampling (Mikolov et al. 2013, "Distributed representations of words and phrases and their
 * compositionality"). Marks in comments are its equations; the card beside this file lists them with every departure. Axes: B batch,
 * N words of an expression, P pairs, C words of which one is right, V words, D numbers of a vector.
 */
export const skipGram: ModelCard<z.output<typeof configuration>, WordSizes> = {
  id: "skip-gram",
  title: "Skip-gram with negative sampling",
  paper: "Mikolov et al. 2013",
  year: 2013,
  task: "word-vectors",
  attention: ["none"],
  configuration,
  parts: [
    {
      id: "input",
      title: "Vectors of words",
      scopes: ["input"],
      equations: ["v_w"],
      from: ["words"],
      gives: "[V, size]",
    },
    {
      id: "output",
      title: "Vectors of words that are predicted",
      scopes: ["output"],
      equations: ["log σ(v'_wO · v_wI) + Σ_k E log σ(−v'_wk · v_wI)"],
      from: ["input"],
      gives: "[V, size]",
    },
    {
      id: "neighbours",
      title: "Nearest words",
      scopes: [],
      equations: ["cos(Σ ± v_w / |v_w|, v_w')"],
      from: ["input"],
      gives: "[B, V]",
    },
  ],
  build(scope, { size: D, ...options }, { counts }) {
    const V = counts.length;
    const input = scope.parameter("input.table", [V, D], uniform(0.5 / D), "table"); // v
    const output = scope.parameter("output.table", [V, D], zeros, "table"); // v'
    return {
      objective({ centre, contexts, counted }, mode) {
        const read = unsqueeze(gather(input, centre!), 2); // [P, B, 1, D]
        const scores = reduceSum(mul(read, gather(output, contexts!)), { axes: 3 }); // [P, B, C]
        const right = slice(scores, 2, 0, 1);
        const drawn = slice(scores, 2, 1, Number(scores.shape[2]) - 1);
        // Equation 4: −log σ(x) is softplus(−x).
        const losses = mul(
          add(reduceSum(softplus(neg(right)), { axes: 2 }), reduceSum(softplus(drawn), { axes: 2 })),
          counted!,
        );
        return { loss: mode.perToken(reduceSum(losses), reduceSum(counted!)), losses };
      },
      vectors: input,
      once: ({ words, signs }) => ({ outputs: { similarities: cosinesOfSums(input, words!, signs!) } }),
      learner: skipGramLearner(
        counts,
        { size: D, ...options },
        { input: "input.table", output: "output.table" },
      ),
    };
  },
};
