import { expect, test } from "vitest";
import { normals, runOnce } from "../../../test/run.js";
import { Passage } from "../../data/index.js";
import { glove, skipGram } from "../../models/index.js";
import { Mode, Scope } from "../../nn/index.js";
import { wordVectors } from "./task.js";

const words = ["red", "green", "blue", "cyan", "pink"];
const passages = [Passage.of(["red", "blue", "unseen", "cyan", "red", "pink"]), Passage.of(["green"])];
const train = [Passage.of([...words, "red", "blue", "red"])];
const prepared = wordVectors.prepare({ train, validation: passages, tests: {} }, { vocabulary: {} });
const D = 3;

/** A model with parameters that are nowhere as their first values are. */
function built(card: typeof skipGram | typeof glove) {
  const scope = Scope.root("float32");
  const configuration = { ...card.configuration.parse({}), size: D };
  const sizes = wordVectors.sizes(prepared, undefined);
  const model = card.build(scope, configuration as never, sizes);
  const parameters = Object.fromEntries(
    scope.parameters.map(({ name, shape }) => [name, normals(name, shape as number[], "float32")]),
  );
  const row = (table: string, token: number) =>
    Array.from(parameters[table]!.data.subarray(token * D, (token + 1) * D));
  return { model, parameters, sizes, row };
}
const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, x, index) => sum + x * b[index]!, 0);

test("each is scored by pairs of its own text, the same whenever it is", async () => {
  const { values, decisions } = await wordVectors.collate(passages, prepared, { kind: "score" });
  expect(await wordVectors.collate(passages, prepared, { kind: "score" })).toEqual({ values, decisions });
  // One word has none beside it.
  expect(decisions).toEqual([16, 0]);
  const { vocabulary } = prepared;
  const known = vocabulary.segment(["red", "blue", "cyan", "pink"]).tokens;
  for (let pair = 0; pair < 16; pair++) {
    expect(known).toContain(values.centre!.data[2 * pair]);
    expect(known).toContain(values.contexts!.data[12 * pair]);
    expect(values.counted!.data[2 * pair + 1]).toBe(0);
  }
});

test.each([skipGram, glove])(
  "$id scores pairs as its equation says, and finds words by their angle",
  async (card) => {
    const { model, parameters, sizes, row } = built(card);
    const { values } = await wordVectors.collate(passages, prepared, { kind: "score" });
    const tensors = { ...wordVectors.inputs(sizes), ...wordVectors.targets(sizes, "batch") };
    const { losses } = await runOnce(
      { losses: model.objective(tensors, Mode.plain()).losses },
      { ...parameters, ...values },
    );
    for (const pair of [0, 5, 15]) {
      const centre = row("input.table", values.centre!.data[2 * pair]!);
      const contexts = Array.from(values.contexts!.data.subarray(12 * pair, 12 * pair + 6));
      const scores = contexts.map((token) => dot(centre, row("output.table", token)));
      const expected =
        card.id === "skip-gram"
          ? scores.reduce((sum, score, index) => sum + Math.log1p(Math.exp(index === 0 ? -score : score)), 0)
          : (() => {
              const logs = scores.map(
                (score, index) => score + parameters["output.bias"]!.data[contexts[index]!]!,
              );
              return Math.log(logs.reduce((sum, log) => sum + Math.exp(log), 0)) - logs[0]!;
            })();
      expect(losses!.data[2 * pair]).toBeCloseTo(expected, 4);
      expect(losses!.data[2 * pair + 1]).toBe(0);
    }
    const example = wordVectors.example({ text: "red − green + Blue" }, prepared, undefined);
    const asked = await wordVectors.collate([example, Passage.of(["cyan"])], prepared, { kind: "ask" });
    const { similarities } = await runOnce(model.once!(wordVectors.inputs(sizes), Mode.plain()).outputs, {
      ...parameters,
      ...asked.values,
    });
    const vector = (word: string) => {
      const [token] = prepared.vocabulary.segment([word]).tokens as [number];
      const both = card.id === "glove" ? ["input.table", "output.table"] : ["input.table"];
      const sum = both.map((table) => row(table, token)).reduce((a, b) => a.map((x, index) => x + b[index]!));
      return sum.map((x) => x / Math.hypot(...sum));
    };
    const sum = vector("red").map((x, index) => x - vector("green")[index]! + vector("blue")[index]!);
    for (const word of words) {
      const [token] = prepared.vocabulary.segment([word]).tokens as [number];
      expect(similarities!.data[token]).toBeCloseTo(dot(sum, vector(word)) / Math.hypot(...sum), 4);
    }
    const found = wordVectors.read!(
      { similarities: { ...similarities!, data: similarities!.data.subarray(0, 9) } },
      example,
      prepared,
    );
    expect(found.map(({ word }) => word).sort()).toEqual(["cyan", "pink"]);
  },
);
