import { expect, test } from "vitest";
import { normals, parametersOf, runOnce } from "../../test/run.js";
import { Random } from "../core/index.js";
import { input } from "../ops/index.js";
import type { Value, Values } from "../session/index.js";
import { gibbs, Mode, phase, restrictedBoltzmannMachine, Scope } from "./index.js";

// A machine that is small enough for every state of it to be listed.
const [B, V, H] = [7, 3, 5];
const DTYPE = "float64" as const;

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
/** Every row of so many bits. */
const states = (bits: number): number[][] =>
  Array.from({ length: 2 ** bits }, (_, state) =>
    Array.from({ length: bits }, (__, bit) => (state >> bit) & 1),
  );

const machine = (options: { drawn?: boolean } = {}) => {
  const scope = Scope.root(DTYPE);
  const rbm = restrictedBoltzmannMachine(scope.at("rbm"), { visible: V, hidden: H, ...options });
  const parameters: Values = Object.fromEntries(
    Object.entries(parametersOf(scope)).map(([name, { shape }]) => [name, normals(name, shape)]),
  );
  return { rbm, parameters };
};

const matrix = (rows: readonly (readonly number[])[]): Value => ({
  dtype: DTYPE,
  shape: [rows.length, rows[0]!.length],
  data: Float64Array.from(rows.flat()),
});

/** E(v, h) as the paper writes it. */
function energyOf(parameters: Values, v: readonly number[], h: readonly number[]): number {
  const [weight, b, c] = ["weight", "visible", "hidden"].map((name) => parameters[`rbm.${name}`]!.data);
  let sum = 0;
  v.forEach((on, i) => {
    sum -= b![i]! * on;
    h.forEach((also, j) => {
      sum -= weight![i * H + j]! * on * also;
    });
  });
  h.forEach((on, j) => {
    sum -= c![j]! * on;
  });
  return sum;
}

/** Σ_h exp(−E(v, h)) by listing all h. */
const unnormalised = (parameters: Values, v: readonly number[]): number =>
  states(H).reduce((sum, h) => sum + Math.exp(-energyOf(parameters, v, h)), 0);

test("energy and free energy are those of every state listed", async () => {
  const { rbm, parameters } = machine();
  const visible = input("v", DTYPE, ["batch", V]);
  const all = states(V);
  const hidden = all.map((_, row) => states(H)[(11 * row + 3) % 2 ** H]!);
  const found = await runOnce(
    { free: rbm.freeEnergy(visible), energy: rbm.energy(visible, input("h", DTYPE, ["batch", H])) },
    { ...parameters, v: matrix(all), h: matrix(hidden) },
  );
  expect(found.energy).toBeAllClose(
    all.map((v, row) => energyOf(parameters, v, hidden[row]!)),
    1e-12,
  );
  expect(found.free).toBeAllClose(
    all.map((v) => -Math.log(unnormalised(parameters, v))),
    1e-12,
  );
});

test("with every state, weighed as the machine has it, as the negative phase, gradients are those of −log p(v) by finite differences", async () => {
  const { rbm, parameters } = machine();
  const seen = Array.from({ length: B }, (_, row) => states(V)[(5 * row + 2) % 2 ** V]!);
  const likelihood = (changed: Values) => {
    const normaliser = states(V).reduce((sum, v) => sum + unnormalised(changed, v), 0);
    return seen.reduce((sum, v) => sum - Math.log(unnormalised(changed, v) / normaliser), 0) / B;
  };
  // A negative phase is a mean over its batch: states as often as they are likely, to one in 200,000.
  const many = 200_000;
  const normaliser = states(V).reduce((sum, v) => sum + unnormalised(parameters, v), 0);
  const dreamt = states(V).flatMap((v) =>
    new Array<number[]>(Math.round((many * unnormalised(parameters, v)) / normaliser)).fill(v),
  );
  const positive = phase(rbm, input("seen", DTYPE, ["batch", V]));
  const negative = phase(rbm, input("dreamt", DTYPE, ["dreams", V]));
  const found = await runOnce(rbm.gradients(positive, negative), {
    ...parameters,
    seen: matrix(seen),
    dreamt: matrix(dreamt),
  });
  expect(Object.keys(found).sort()).toEqual(Object.keys(parameters).sort());
  for (const [name, value] of Object.entries(parameters)) {
    const slopes = Array.from(value.data, (_, element) => {
      const moved = (by: number) => ({
        ...parameters,
        [name]: { ...value, data: value.data.map((one, index) => one + (index === element ? by : 0)) },
      });
      return (likelihood(moved(1e-5)) - likelihood(moved(-1e-5))) / 2e-5;
    });
    expect(found[name], name).toBeAllClose(slopes, 2e-5);
  }
});

test("a step of contrastive divergence draws hidden units by their probabilities and gives the means of visible ones", async () => {
  const { rbm, parameters } = machine();
  const seen = input("seen", DTYPE, [B, V]);
  const mode = Mode.training({ dtype: DTYPE });
  const { visible, hidden } = gibbs(rbm, seen, { steps: 1, mode, name: "dream" });
  expect([...mode.noise.keys()]).toEqual(["dream.hidden.0"]);
  const random = new Random(1, "uniform");
  const uniform = Array.from({ length: B }, () => Array.from({ length: H }, () => random.uniform()));
  const rows = Array.from({ length: B }, (_, row) => states(V)[(3 * row + 1) % 2 ** V]!);
  const found = await runOnce(
    { visible, hidden },
    { ...parameters, seen: matrix(rows), "dream.hidden.0": matrix(uniform) },
  );
  const [weight, b, c] = ["weight", "visible", "hidden"].map((name) => parameters[`rbm.${name}`]!.data);
  const on = (v: readonly number[]) =>
    Array.from({ length: H }, (_, j) =>
      sigmoid(v.reduce((sum, x, i) => sum + x * weight![i * H + j]!, c![j]!)),
    );
  const back = rows.map((v, row) => {
    const drawn = on(v).map((probability, j) => (uniform[row]![j]! < probability ? 1 : 0));
    return Array.from({ length: V }, (_, i) =>
      sigmoid(drawn.reduce((sum: number, x, j) => sum + x * weight![i * H + j]!, b![i]!)),
    );
  });
  expect(found.visible).toBeAllClose(back.flat(), 1e-12);
  expect(found.hidden).toBeAllClose(back.flatMap(on), 1e-12);
});

test("a long chain that draws all its units visits states as often as the machine has them", async () => {
  const { rbm, parameters } = machine({ drawn: true });
  const [chains, steps] = [4000, 23];
  const mode = Mode.training({ dtype: DTYPE });
  const { visible } = gibbs(rbm, input("start", DTYPE, [chains, V]), { steps, mode, name: "chain" });
  const noise = Object.fromEntries(
    [...mode.noise].map(([name, { shape }]) => {
      const random = new Random(1, name);
      const count = shape.reduce<number>((a, b) => a * (b as number), 1);
      return [
        name,
        {
          dtype: DTYPE,
          shape: shape as number[],
          data: Float64Array.from({ length: count }, () => random.uniform()),
        },
      ];
    }),
  );
  const start = matrix(new Array<number[]>(chains).fill([0, 0, 0]));
  const { visible: ended } = await runOnce({ visible }, { ...parameters, ...noise, start });
  const counts = new Array<number>(2 ** V).fill(0);
  for (let chain = 0; chain < chains; chain++)
    counts[[0, 1, 2].reduce((state, bit) => state + ended!.data[chain * V + bit]! * 2 ** bit, 0)]!++;
  const weights = states(V).map((v) => unnormalised(parameters, v));
  const whole = weights.reduce((a, b) => a + b, 0);
  // Three standard deviations of a share of 4000 are at most 0.024.
  expect(counts.map((count) => count / chains)).toBeAllClose(
    weights.map((weight) => weight / whole),
    0.024,
  );
});
