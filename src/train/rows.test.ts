import { expect, test } from "vitest";
import { ints, normals } from "../../test/run.js";
import { Random } from "../core/index.js";
import { tokenLoss } from "../models/index.js";
import { embedding, linear, Mode, Scope } from "../nn/index.js";
import { input } from "../ops/index.js";
import { nodeBackend } from "../session/node.js";
import { adam, adamw, makeOptimizer, type OptimizerOptions, sgd } from "./optimizer.js";
import { TrainingState, trainingStep } from "./step.js";

const [V, E] = [37, 19];

/** Trains words that predict others for some steps, each of which reads and scores some; gives the state after each. */
async function trained(byRows: boolean, options: OptimizerOptions, steps: number, clip?: number) {
  const scope = Scope.root();
  const words = embedding(scope.at("words"), { vocabulary: V, size: E });
  const output = linear(scope.at("output"), { input: E, output: V });
  const mode = Mode.training({ someWords: true });
  const read = input("read", "int32", ["steps", "batch"]);
  const { loss } = tokenLoss(output, words(read), input("written", "int32", ["steps", "batch"]), mode);
  const { parameters } = scope;
  const program = trainingStep({ loss, parameters, byRows });
  const state = TrainingState.initial(parameters, makeOptimizer(options), 3, [], { program });
  const session = await nodeBackend.load(program);
  const snapshots = [];
  const random = new Random(5, "rows");
  for (let step = 1; step <= steps; step++) {
    const candidates = random.shuffle(Array.from({ length: V }, (_, word) => word)).slice(0, 11);
    const places = new Array<number>(V).fill(0);
    for (const [place, word] of candidates.entries()) places[word] = place;
    const draw = () => Array.from({ length: 6 }, () => candidates[random.integer(11)]!);
    const feeds = {
      read: ints([3, 2], draw()),
      written: ints([3, 2], draw()),
      candidates: ints([11], candidates),
      "candidates.corrections": normals(`corrections ${step}`, [11], "float32"),
      "candidates.places": ints([V], places),
    };
    const results = await session.run({ ...state.feeds, ...feeds }, state.into);
    const before = snapshotOf(state);
    const now = { loss: results.loss!.data[0]!, step, learningRate: 0.1, clip, results };
    const { gradientNorm, skipped } = state.update(now);
    expect(skipped).toBe(false);
    snapshots.push({
      before,
      after: snapshotOf(state),
      gradientNorm,
      candidates,
      read: [...feeds.read.data],
    });
  }
  await session.release();
  return snapshots;
}

const snapshotOf = ({ tensors }: TrainingState) =>
  Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, Float64Array.from(data)]));

test.each([undefined, 0.05])("gradient descent by rows is gradient descent (clipped at %s)", async (clip) => {
  const [whole, rows] = [await trained(false, sgd(), 4, clip), await trained(true, sgd(), 4, clip)];
  for (const [step, { after, gradientNorm }] of whole.entries()) {
    expect(rows[step]!.gradientNorm).toBeCloseTo(gradientNorm, 5);
    for (const [name, values] of Object.entries(after))
      expect(rows[step]!.after[name], `${name} after step ${step}`).toBeAllClose(values, 1e-6);
  }
});

test("what a step neither reads nor scores stays as it was, and so does what is remembered of it", async () => {
  // The first step of a rule that remembers is the same for rows and for all.
  const [whole, rows] = [await trained(false, adamw(), 5), await trained(true, adamw(), 5)];
  for (const { before, after, candidates, read } of rows)
    for (const [name, values] of Object.entries(after)) {
      const touched = new Set(name.includes("words") ? read : candidates);
      for (const [index, value] of values.entries()) {
        const row = name.includes("words") ? Math.floor(index / E) : index % V;
        if (!touched.has(row)) expect(value, `${name} ${row}`).toBe(before[name]![index]);
      }
      expect(values.some((value, index) => value !== before[name]![index])).toBe(true);
    }
  for (const [name, values] of Object.entries(whole[0]!.after)) {
    const touched = new Set(name.includes("words") ? rows[0]!.read : rows[0]!.candidates);
    for (const [index, value] of values.entries())
      if (touched.has(name.includes("words") ? Math.floor(index / E) : index % V))
        expect(rows[0]!.after[name]![index], name).toBeCloseTo(value, 6);
  }
});

test("a rule by rows is the rule of each row on its own", async () => {
  const steps = await trained(true, adam(), 5);
  // Moments after a step are those before it, moved by one gradient: m' − β1 m = (1 − β1) g, v' − β2 v = (1 − β2) g².
  for (const [step, { before, after, read }] of steps.entries())
    for (const row of new Set(read))
      for (let index = row * E; index < (row + 1) * E; index++) {
        const of = (kind: string, when: Record<string, Float64Array>) => when[`${kind}words.table`]![index]!;
        const [m, v] = [of("optimizer.first.", after), of("optimizer.second.", after)];
        const slope = (m - 0.9 * of("optimizer.first.", before)) / 0.1;
        expect(v - 0.999 * of("optimizer.second.", before)).toBeCloseTo(0.001 * slope ** 2, 7);
        const moved =
          (0.1 * (m / (1 - 0.9 ** (step + 1)))) / (Math.sqrt(v / (1 - 0.999 ** (step + 1))) + 1e-8);
        expect(of("", before) - of("", after)).toBeCloseTo(moved, 5);
      }
});
