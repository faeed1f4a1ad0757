import { describe, expect, test } from "vitest";
import { ints, normals, parametersOf, runOnce } from "../../../test/run.js";
import { gradient } from "../../autodiff/index.js";
import { Prober } from "../../explain/index.js";
import { Mode, Scope } from "../../nn/index.js";
import { input } from "../../ops/index.js";
import type { Value, Values } from "../../session/index.js";
import { nodeBackend } from "../../session/node.js";
import { askAttendAnswer } from "./model.js";

const LAST = "float64" as const;
/** Two questions of 3 and 2 words, about images of 2 × 3 patches of 2 pixels. */
const [B, T, L, N, A, V] = [2, 3, 6, 5, 4, 11];
const small = { patch: 2, features: 7, evidence: N };
const question = ints([T, B], [4, 9, 7, 5, 10, 0]);
const image = normals("images", [B, 4, 6, 3]);
const answer = ints([B], [3, 1]);
const sizes = { source: V, answers: A, longest: 5, image: [4, 6, 3] as const, encoded: false };

function build(options: object) {
  const scope = Scope.root(LAST);
  const model = askAttendAnswer.build(
    scope,
    askAttendAnswer.configuration.parse({ ...small, ...options }),
    sizes,
  );
  const inputs = {
    image: input("image", LAST, ["batch", 4, 6, 3]),
    question: input("question", "int32", ["question", "batch"]),
  };
  return { scope, model, inputs };
}

const cases = [
  {},
  { match: "max" },
  { match: "soft", words: "where" },
  { hops: 1 },
  { attention: "none" },
  { attention: "blind" },
  { encoder: "patches", patch: 1 },
];

/** Numbers of a row-major tensor by their indices. */
const reader =
  ({ shape, data }: Value) =>
  (...index: number[]): number =>
    data[index.reduce((at, i, axis) => at * shape[axis]! + i, 0)]!;

const sum = (count: number, of: (index: number) => number): number => {
  let total = 0;
  for (let index = 0; index < count; index++) total += of(index);
  return total;
};
const softmaxOf = (values: readonly number[]): number[] => {
  const shares = values.map(Math.exp);
  return shares.map((share) => share / shares.reduce((a, b) => a + b, 0));
};
const many = <Item>(count: number, of: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, index) => of(index));

/** The paper's equations in plain loops, from features of places that are given. */
function byHand(
  parameters: Values,
  features: readonly (readonly number[])[],
  words: readonly number[],
  match: "max" | "soft" | "sum",
  forced?: readonly number[],
) {
  const of = (name: string) => reader(parameters[name]!);
  const M = features[0]!.length;
  const affine = (name: string, x: readonly number[], size: number) =>
    many(size, (n) => of(`${name}.bias`)(n) + sum(x.length, (m) => x[m]! * of(`${name}.weight`)(m, n)));
  const S = features.map((row, l) =>
    row.map((value, m) => value + of("position.row")(Math.floor(l / 3), m) + of("position.column")(l % 3, m)),
  );
  const vectors = words.map((word) => many(N, (n) => of("words.table")(word, n)));
  const Q = many(
    N,
    (n) => of("question.bias")(n) + sum(words.length, (t) => of("question.weight")(t) * vectors[t]![n]!),
  );
  const dot = (a: readonly number[], b: readonly number[]) => sum(N, (n) => a[n]! * b[n]!) / Math.sqrt(N);
  const C = features.map((place) => vectors.map((vector) => dot(vector, affine("first", place, N))));
  const scoreOf = {
    max: (row: readonly number[]) => Math.max(...row),
    soft: (row: readonly number[]) => Math.log(sum(row.length, (t) => Math.exp(row[t]!))),
    sum: (row: readonly number[]) => sum(row.length, (t) => row[t]!),
  };
  const scores = C.map(scoreOf[match]);
  const first = forced ?? softmaxOf(scores);
  const evidence = S.map((place) => affine("evidence", place, N));
  const pooled = (weights: readonly number[], rows: readonly (readonly number[])[]) =>
    many(N, (n) => sum(rows.length, (l) => weights[l]! * rows[l]![n]!));
  const found = pooled(first, evidence).map((value, n) => value + Q[n]!);
  const second = softmaxOf(evidence.map((place) => dot(place, found)));
  const further = pooled(
    second,
    S.map((place) => affine("second", place, N)),
  );
  const logits = affine(
    "answer",
    found.map((value, n) => Math.max(0, value + further[n]!)),
    A,
  );
  const lift = C.map((row) =>
    row.map((value, t) => Math.max(0, value - sum(C.length, (l) => C[l]![t]!) / C.length)),
  );
  const shareOf = {
    max: (l: number, t: number) => (C[l]![t] === Math.max(...C[l]!) ? 1 : 0),
    soft: (l: number, t: number) => softmaxOf(C[l]!)[t]!,
    sum: (l: number, t: number) =>
      lift[l]![t]! /
      Math.max(
        1e-9,
        sum(words.length, (other) => lift[l]![other]!),
      ),
  };
  const decided = words.map((_, t) => sum(S.length, (l) => first[l]! * shareOf[match](l, t)));
  expect(M).toBe(small.features);
  return { first, second, logits, decided };
}

test.each(["max", "soft", "sum"] as const)(
  "two hops are the paper's equations, written as loops: %s",
  async (match) => {
    const { scope, model, inputs } = build({ match });
    const { outputs, looks } = model.once!(inputs, Mode.plain({ dtype: LAST }));
    // Biases begin with 0 and weights of positions with 1; here they are all different.
    const parameters = Object.fromEntries(
      Object.entries(parametersOf(scope)).map(([name, value]) => [
        name,
        value.shape.length === 1 ? normals(name, value.shape) : value,
      ]),
    );
    const found = await runOnce(
      { ...outputs, first: looks!.hop1!.value, second: looks!.hop2!.value },
      { ...parameters, image, question },
    );
    const placed = await featuresOf(parameters);
    for (let b = 0; b < B; b++) {
      const words = many(T, (t) => question.data[t * B + b]!).filter((word) => word !== 0);
      const right = byHand(parameters, placed[b]!, words, match);
      const row = (value: Value, size: number) => Array.from(value.data.subarray(b * size, b * size + size));
      expect(row(found.first!, L)).toBeAllClose(right.first, 1e-9);
      expect(row(found.second!, L)).toBeAllClose(right.second, 1e-9);
      expect(row(found.logits!, A)).toBeAllClose(right.logits, 1e-9);
      expect(row(found.decided!, T)).toBeAllClose(
        [...right.decided, ...many(T - words.length, () => 0)],
        1e-9,
      );
    }
  },
);

test("a first hop that is forced moves the second and the answer, as the equations have it", async () => {
  const { scope, model, inputs } = build({});
  const parameters = parametersOf(scope);
  const one = {
    image: { dtype: LAST, shape: [1, 4, 6, 3], data: image.data.slice(0, 72) } as Value,
    question: ints([T, 1], [4, 7, 10]),
  };
  const prober = await Prober.load(model, { kind: "once" }, inputs, undefined, nodeBackend);
  const [features] = await featuresOf(parameters);
  for (const place of [1, 4]) {
    const forced = many(L, (l) => (l === place ? 1 : 0));
    const found = await prober.run(parameters, one, { looks: { hop1: new Map([[0, forced]]) } });
    const right = byHand(parameters, features!, [4, 7, 10], "sum", forced);
    expect(Array.from(found.looks.hop1!.data)).toEqual(forced);
    expect(found.looks.hop2).toBeAllClose(right.second, 1e-9);
    expect(found.outputs.logits).toBeAllClose(right.logits, 1e-9);
    expect(found.outputs.decided).toBeAllClose(right.decided, 1e-9);
  }
  await prober.release();
});

/** Features of the patches of each image, in plain loops: two layers, and one scale. */
async function featuresOf(parameters: Values): Promise<number[][][]> {
  const of = (name: string) => reader(parameters[name]!);
  const pixel = reader(image);
  const F = small.features;
  return many(B, (b) =>
    many(L, (l) => {
      const [row, column] = [Math.floor(l / 3), l % 3];
      const seen = many(2, (y) =>
        many(2, (x) => many(3, (c) => 4 * (pixel(b, 2 * row + y, 2 * column + x, c) - 0.5))),
      ).flat(2);
      const layer = (name: string, x: readonly number[]) =>
        many(F, (f) =>
          Math.max(
            0,
            of(`encoder.${name}.bias`)(f) + sum(x.length, (i) => x[i]! * of(`encoder.${name}.weight`)(i, f)),
          ),
        );
      const values = layer("combine", layer("patch", seen));
      const mean = sum(F, (f) => values[f]!) / F;
      const variance = sum(F, (f) => (values[f]! - mean) ** 2) / F;
      return values.map(
        (value, f) =>
          of("normalised.bias")(f) +
          (of("normalised.scale")(f) * (value - mean)) / Math.sqrt(variance + 1e-5),
      );
    }),
  );
}

describe.each(cases)("%j", (options) => {
  test("gradients of every parameter agree with finite differences, and padding changes nothing", async () => {
    const { scope, model, inputs } = build(options);
    const { loss, losses } = model.objective(
      { ...inputs, answer: input("answer", "int32", ["batch"]) },
      Mode.plain({ dtype: LAST }),
    );
    const parameters = parametersOf(scope);
    const names = scope.parameters.map(({ name }) => name);
    const gradients = gradient(
      loss,
      scope.parameters.map(({ tensor }) => tensor),
    );
    const feeds = { ...parameters, image, question, answer };
    const found = await runOnce(
      Object.fromEntries(gradients.map((tensor, index) => [`gradient of ${names[index]}`, tensor])),
      feeds,
      nodeBackend,
    );
    const session = await nodeBackend.load({ loss, losses });
    // What the blind model does not read is not fed to it.
    const read = options.attention === "blind" ? (({ image: _, ...rest }) => rest)(feeds) : feeds;
    for (const name of names) {
      const value = parameters[name]!;
      const direction = normals(name, value.shape).data;
      const at = async (step: number) => {
        const data = value.data.map((element, index) => element + step * direction[index]!);
        return (await session.run({ ...read, [name]: { ...value, data } })).loss!.data[0]!;
      };
      const numeric = ((await at(1e-6)) - (await at(-1e-6))) / 2e-6;
      const analytic = sum(
        direction.length,
        (index) => found[`gradient of ${name}`]!.data[index]! * direction[index]!,
      );
      expect([analytic], name).toBeAllClose([numeric], 1e-5);
    }
    const longer = ints([T + 2, B], [...question.data, 0, 0, 0, 0]);
    const [plain, padded] = [await session.run(read), await session.run({ ...read, question: longer })];
    expect(padded.losses).toBeAllClose(plain.losses!, 1e-12);
    await session.release();
  });
});

test("without attention it knows nothing of where things are", async () => {
  const { scope, model, inputs } = build({ attention: "none" });
  const { outputs } = model.once!(inputs, Mode.plain({ dtype: LAST }));
  // The patches of each image in another order.
  const order = [4, 2, 5, 0, 3, 1];
  const moved = Float64Array.from(image.data);
  const at = (b: number, patch: number, y: number, x: number) =>
    ((b * 4 + 2 * Math.floor(patch / 3) + y) * 6 + 2 * (patch % 3) + x) * 3;
  for (let b = 0; b < B; b++)
    order.forEach((from, to) => {
      for (const y of [0, 1])
        for (const x of [0, 1])
          for (let c = 0; c < 3; c++) moved[at(b, to, y, x) + c] = image.data[at(b, from, y, x) + c]!;
    });
  const feeds = { ...parametersOf(scope), question };
  const [plain, other] = [
    await runOnce(outputs, { ...feeds, image }),
    await runOnce(outputs, { ...feeds, image: { ...image, data: moved } }),
  ];
  expect(moved).not.toEqual(image.data);
  expect(other.logits).toBeAllClose(plain.logits!, 1e-12);
});

test("images that patches do not fill are refused", () => {
  expect(() => build({ patch: 4 })).toThrow(
    "images of 6 × 4 pixels do not divide into patches of 4; set patch to a side that divides both, or encoder to convolutions.",
  );
});
