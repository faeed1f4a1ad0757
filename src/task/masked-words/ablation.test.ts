import { expect, test } from "vitest";
import { normals, parametersOf } from "../../../test/run.js";
import { Passage } from "../../data/index.js";
import { bert } from "../../models/index.js";
import { Scope } from "../../nn/index.js";
import { nodeBackend } from "../../session/node.js";
import { Evaluator } from "../evaluator.js";
import { lostWithoutHeads } from "./ablation.js";
import { maskedWords } from "./task.js";

const FEATURES = 6;
const HEADS = 3;

// Lengths differ, so that what is forced is padded.
const passages = [
  "the key near the <mask> is old . the key is red .",
  "ana lives in <mask> . she is glad .",
  "one <mask> three four five",
].map((text) => Passage.of(text.split(" ")));

async function loaded() {
  const prepared = maskedWords.prepare({ train: passages, validation: [], tests: {} }, { vocabulary: {} });
  const sizes = maskedWords.sizes(prepared, undefined);
  const scope = Scope.root();
  const options = bert.configuration.parse({
    features: FEATURES,
    inner: 5,
    heads: HEADS,
    layers: 2,
    dropout: 0,
  });
  const model = bert.build(scope, options, sizes);
  const parameters = Object.fromEntries(
    Object.entries(parametersOf(scope)).map(([name, { shape }]) => [name, normals(name, shape, "float32")]),
  );
  const evaluator = await Evaluator.load(maskedWords, model, sizes, prepared, nodeBackend, { beam: 1 });
  return { evaluator, parameters };
}

test("a head that is off is one whose rows of the last projection are 0", async () => {
  const { evaluator, parameters } = await loaded();
  const width = FEATURES / HEADS;
  for (const [layer, head] of [
    [1, 2],
    [2, 0],
  ] as const) {
    const look = `layer ${layer}`;
    const whole = await evaluator.predict(parameters, passages);
    const forced = await evaluator.predict(parameters, passages, {
      forced: {
        look,
        of(index) {
          const { shape, data } = whole[index]!.looks[look]!;
          const size = data.length / shape[0]!;
          return Float32Array.from(data).fill(0, head * size, (head + 1) * size);
        },
      },
    });
    const name = Object.keys(parameters).find(
      (one) => one.includes(`attention.${layer}.output`) && parameters[one]!.shape.length === 2,
    )!;
    const weight = parameters[name]!;
    const without = {
      ...weight,
      data: Float32Array.from(weight.data).fill(0, head * width * FEATURES, (head + 1) * width * FEATURES),
    };
    const cut = await evaluator.predict({ ...parameters, [name]: without }, passages);
    for (const index of passages.keys()) {
      const [own, other, expected] = [whole, forced, cut].map((found) =>
        Array.from(found[index]!.outputs.logits!.data),
      );
      other!.forEach((value, at) => {
        expect(value).toBeCloseTo(expected![at]!, 4);
      });
      expect(Math.max(...own!.map((value, at) => Math.abs(value - other![at]!)))).toBeGreaterThan(0.01);
    }
  }
  await evaluator.release();
});

test("what is lost is told of every head, and is what the answers say", async () => {
  const { evaluator, parameters } = await loaded();
  const asked = passages.map((passage) => ({ passage }));
  const best = ({ outputs }: { outputs: { [name: string]: { data: ArrayLike<number> } } }) => {
    const logits = Array.from(outputs.logits!.data);
    return logits.indexOf(Math.max(...logits));
  };
  const whole = await evaluator.predict(parameters, passages);
  const answers = new Map(whole.map((one) => [one.example, best(one)]));
  // All are right with every head, so what is lost is how many change.
  const lost = await lostWithoutHeads(
    { evaluator, parameters },
    asked,
    (found, { passage }) => best(found) === answers.get(passage),
  );
  expect(Object.keys(lost)).toEqual(
    [1, 2].flatMap((layer) => [1, 2, 3].map((head) => `layer ${layer}, head ${head}`)),
  );
  const shares = Object.values(lost);
  expect(shares.every((share) => share >= 0 && share <= 1)).toBe(true);
  expect(shares.some((share) => share > 0)).toBe(true);
  expect(await lostWithoutHeads({ evaluator, parameters }, [], () => true)).toEqual({});
  await evaluator.release();
});
