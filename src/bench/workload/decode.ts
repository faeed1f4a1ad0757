import { typedArray } from "../../core/index.js";
import { GreedyDecoder } from "../../decode/index.js";
import { initialValues, Mode } from "../../nn/index.js";
import { input } from "../../ops/index.js";
import { constants, type Value } from "../../session/index.js";
import type { WorkloadKind } from "../contract.js";
import { flopsOf, heldBytesOf, someTokens } from "../training.js";
import { buildRnnsearch } from "./rnnsearch.js";

/** Sentences that are decoded together. */
const TOGETHER = 50;

export const decoding: WorkloadKind = {
  id: "decode",
  description: "greedy decoding of sentences by a translator with attention",
  sizes: { sentences: 1000, length: 20, hidden: 256, vocabulary: 4000 },
  usual: [
    [1000, 20, 256, 4000],
    [1, 20, 256, 4000],
  ],
  make(given) {
    const [sentences, length, hidden, vocabulary] = given as [number, number, number, number];
    const { scope, model } = buildRnnsearch(hidden, vocabulary);
    const parameters = Object.fromEntries(
      scope.parameters.map((parameter) => [
        parameter.name,
        { dtype: "float32" as const, shape: parameter.shape, data: initialValues(parameter, 1) },
      ]),
    );
    // A network that was not trained would stop anywhere: END and the marks are made so unlikely that none does.
    const bias = parameters["output.vocabulary.bias"]!;
    bias.data.fill(-1e4, 0, 4);
    const source = input("source", "int32", ["source", "batch"]);
    const all = someTokens([length, sentences], vocabulary, 1);
    const parts: Value[] = [];
    for (let start = 0; start < sentences; start += TOGETHER) {
      const count = Math.min(TOGETHER, sentences - start);
      const data = typedArray("int32", length * count) as Int32Array;
      for (let row = 0; row < length; row++)
        data.set(all.data.subarray(row * sentences + start, row * sentences + start + count), row * count);
      parts.push({ dtype: "int32", shape: [length, count], data });
    }
    const mode = Mode.plain();
    const encoded = model.steps!.begin({ source }, mode);
    const previous = input("previous", "int32", ["batch"]);
    const step = model.steps!.step(encoded.memory, encoded.state, { previous }, mode);
    const bound = new Map([
      ["source", length],
      ["batch", sentences],
    ]);
    const written = { ...step.state, ...step.outputs };
    return {
      title: `greedy decoding of ${sentences} ${sentences === 1 ? "sentence" : "sentences"}, length ${length}, hidden ${hidden}, vocabulary ${vocabulary}`,
      unit: sentences === 1 ? "sentence" : `${sentences} sentences`,
      tensors: { ...parameters, source: all },
      // A contestant needs neither.
      get flops() {
        const reading = flopsOf({ ...encoded.memory, ...encoded.state }, bound);
        return reading + (flopsOf(written, bound) - reading) * length;
      },
      get heldBytes() {
        return heldBytesOf(written, new Map([...bound, ["batch", Math.min(TOGETHER, sentences)]]));
      },
      async start(backend, threads) {
        const begun = performance.now();
        const decoder = await GreedyDecoder.load(model, { source }, "source", backend, {
          threads,
          values: constants(parameters),
        });
        const loadMs = performance.now() - begun;
        return {
          loadMs,
          async run(count) {
            const [ms, losses]: [number[], number[]] = [[], []];
            for (let again = 0; again < count; again++) {
              const started = performance.now();
              let sum = 0;
              for (const part of parts)
                for (const { logProbability } of await decoder.decode(
                  parameters,
                  { source: part },
                  { longest: length },
                ))
                  sum += logProbability;
              ms.push(performance.now() - started);
              losses.push(-sum / (sentences * length));
            }
            return { ms, losses };
          },
          release: () => decoder.release(),
        };
      },
    };
  },
};
