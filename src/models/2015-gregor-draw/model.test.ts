import { describe, expect, test } from "vitest";
import { ints, normals, parametersOf, runOnce } from "../../../test/run.js";
import { gradient } from "../../autodiff/index.js";
import { Random } from "../../core/index.js";
import { unrolled } from "../../decode/index.js";
import { Mode, Scope } from "../../nn/index.js";
import { input } from "../../ops/index.js";
import type { Value, Values } from "../../session/index.js";
import { drawClassifier } from "./classifier.js";
import { draw } from "./model.js";

const [B, HEIGHT, WIDTH, C, T, Z, H] = [2, 7, 5, 3, 3, 2, 5];
const DTYPE = "float64" as const;
const random = new Random(1, "images");
const pixels: Value = {
  dtype: DTYPE,
  shape: [B, HEIGHT, WIDTH, C],
  data: Float64Array.from({ length: B * HEIGHT * WIDTH * C }, () => Math.round(random.uniform())),
};
const flags = (prior: number): Value => ({ dtype: DTYPE, shape: [B], data: new Float64Array(B).fill(prior) });

const inputs = {
  image: input("image", DTYPE, ["batch", HEIGHT, WIDTH, C]),
  prior: input("prior", DTYPE, ["batch"]),
};
const target = input("target", DTYPE, ["batch", HEIGHT, WIDTH, C]);

function build(attention: string) {
  const scope = Scope.root(DTYPE);
  const options = { steps: T, attention, read: 3, write: 2, hidden: H, latent: Z };
  const model = draw.build(scope, draw.configuration.parse(options), { image: [HEIGHT, WIDTH, C] });
  const parameters = Object.fromEntries(
    Object.entries(parametersOf(scope)).map(([name, { shape, dtype }]) => [
      name,
      { dtype, shape, data: normals(name, shape).data.map((value) => 0.3 * value) },
    ]),
  ) as Values;
  const feeds = {
    ...parameters,
    image: pixels,
    target: pixels,
    prior: flags(0),
    latent: normals("latent", [T, B, Z]),
  };
  return { scope, model, feeds };
}

describe.each(["windows", "none"])("with attention %s", (attention) => {
  test("the bound is what its steps say: the pixels' cross-entropy and the divergence of every step", async () => {
    const { model, feeds } = build(attention);
    const { losses, report } = model.objective({ ...inputs, target }, Mode.training({ dtype: DTYPE }));
    const found = await runOnce({ losses, ...report }, feeds);
    const { outputs } = unrolled(model, { kind: "free" }, inputs, Mode.sampling({ dtype: DTYPE }));
    const { canvas, divergence } = await runOnce({ ...outputs }, feeds);
    expect(canvas!.shape).toEqual([T, B, HEIGHT, WIDTH, C]);
    const each = HEIGHT * WIDTH * C;
    for (let b = 0; b < B; b++) {
      let nats = 0;
      for (let pixel = 0; pixel < each; pixel++) {
        const p = 1 / (1 + Math.exp(-canvas!.data[((T - 1) * B + b) * each + pixel]!));
        nats -= Math.log(pixels.data[b * each + pixel] === 1 ? p : 1 - p);
      }
      for (let step = 0; step < T; step++) nats += divergence!.data[step * B + b]!;
      expect(found.losses!.data[b]).toBeCloseTo(nats, 8);
    }
    const sum = found.divergence!.data[0]! + found.reconstruction!.data[0]!;
    expect(sum).toBeCloseTo((found.losses!.data[0]! + found.losses!.data[1]!) / B, 8);
  });

  test("gradients are those of finite differences", async () => {
    const { scope, model, feeds } = build(attention);
    const { loss } = model.objective({ ...inputs, target }, Mode.training({ dtype: DTYPE }));
    const { parameters } = scope;
    const slopes = gradient(
      loss,
      parameters.map(({ tensor }) => tensor),
    );
    const found = await runOnce(
      Object.fromEntries(parameters.map(({ name }, index) => [`slope ${name}`, slopes[index]!])),
      feeds,
    );
    for (const { name } of parameters) {
      const value = (feeds as Values)[name]!;
      const index = value.data.length >> 1;
      const moved = async (by: number) => {
        const data = Float64Array.from(value.data);
        data[index]! += by;
        return (await runOnce({ loss }, { ...feeds, [name]: { ...value, data } })).loss!.data[0]!;
      };
      const expected = ((await moved(1e-5)) - (await moved(-1e-5))) / 2e-5;
      expect(found[`slope ${name}`]!.data[index], name).toBeCloseTo(expected, 4);
    }
  });

  test("what is drawn from the prior does not depend on the image; without chance it is the likeliest", async () => {
    const { model, feeds } = build(attention);
    const drawn = async (mode: Mode, more: Values) =>
      (await runOnce({ ...unrolled(model, { kind: "free" }, inputs, mode).outputs }, { ...feeds, ...more }))
        .canvas!;
    const black = { image: { ...pixels, data: new Float64Array(pixels.data.length) } };
    const sampling = () => Mode.sampling({ dtype: DTYPE });
    const fromPrior = await drawn(sampling(), { prior: flags(1) });
    expect(await drawn(sampling(), { prior: flags(1), ...black })).toBeAllClose(fromPrior, 1e-12);
    expect([...(await drawn(sampling(), black)).data]).not.toEqual([...fromPrior.data]);
    const nothing = { latent: { ...feeds.latent, data: new Float64Array(T * B * Z) } };
    const likeliest = await drawn(Mode.plain({ dtype: DTYPE }), {});
    expect(await drawn(sampling(), nothing)).toBeAllClose(likeliest, 1e-12);
  });
});

test("windows that are forced are read and written by", async () => {
  const { model, feeds } = build("windows");
  const run = unrolled(model, { kind: "free" }, inputs, Mode.plain({ dtype: DTYPE }), { probed: true });
  expect(Object.keys(run.looks)).toEqual(["read", "write"]);
  const zeros = (shape: readonly number[]): Value => ({
    dtype: DTYPE,
    shape,
    data: new Float64Array(shape.reduce((a, b) => a * b, 1)),
  });
  const idle = Object.fromEntries(
    ["read", "write"].flatMap((name) => [
      [`force.${name}`, zeros([T])],
      [`forced.${name}`, zeros([T, B, 1, 4])],
      [`nudge.${name}`, zeros([T, B, 1, 4])],
    ]),
  );
  const left = {
    ...zeros([T, B, 1, 4]),
    data: Float64Array.from({ length: T * B * 4 }, (_, i) => [0.1, 0.5, 0.1, 0.5][i % 4]!),
  };
  const forced = {
    "force.write": { ...zeros([T]), data: new Float64Array(T).fill(1) },
    "forced.write": left,
  };
  const program = { canvas: run.outputs.canvas!, write: run.looks.write!.value };
  const free = await runOnce(program, { ...feeds, ...idle });
  const found = await runOnce(program, { ...feeds, ...idle, ...forced });
  expect(found.write).toBeAllClose(left, 1e-12);
  expect([...found.canvas!.data]).not.toEqual([...free.canvas!.data]);
});

test("the classifier's steps end in what it is trained by, and its gradients are those of finite differences", async () => {
  const scope = Scope.root(DTYPE);
  const classes = 7;
  const configuration = drawClassifier.configuration.parse({ glimpses: T, read: 3, hidden: H });
  const model = drawClassifier.build(scope, configuration, { classes, image: [HEIGHT, WIDTH, C] });
  const label = input("label", "int32", ["batch"]);
  const feeds: Values = {
    ...Object.fromEntries(
      Object.entries(parametersOf(scope)).map(([name, { shape }]) => [name, normals(name, shape)]),
    ),
    image: pixels,
    label: ints([B], [6, 0]),
  };
  const { loss, losses, looks } = model.objective(
    { image: inputs.image, label },
    Mode.training({ dtype: DTYPE }),
  );
  const run = unrolled(model, { kind: "free" }, { image: inputs.image }, Mode.plain({ dtype: DTYPE }));
  const found = await runOnce(
    { losses, trained: looks!.glimpse!.value, logits: run.outputs.logits!, used: run.looks.glimpse!.value },
    feeds,
  );
  expect(found.used).toBeAllClose(found.trained!, 1e-12);
  for (let b = 0; b < B; b++) {
    const start = ((T - 1) * B + b) * classes;
    const logits = Array.from(found.logits!.data.subarray(start, start + classes));
    const sum = Math.log(logits.reduce((total, logit) => total + Math.exp(logit), 0));
    expect(found.losses!.data[b]).toBeCloseTo(sum - logits[[6, 0][b]!]!, 9);
  }
  const [slope] = gradient(loss, [scope.parameters.find(({ name }) => name === "read.weight")!.tensor]);
  const { slope: slopes } = await runOnce({ slope: slope! }, feeds);
  for (const index of [0, 7, 13]) {
    const moved = async (by: number) => {
      const data = Float64Array.from(feeds["read.weight"]!.data);
      data[index]! += by;
      const changed = { ...feeds, "read.weight": { ...feeds["read.weight"]!, data } };
      return (await runOnce({ loss }, changed)).loss!.data[0]!;
    };
    expect(slopes!.data[index]).toBeCloseTo(((await moved(1e-5)) - (await moved(-1e-5))) / 2e-5, 5);
  }
});
