import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { normals, parametersOf, runOnce } from "../../../test/run.js";
import { gradient } from "../../autodiff/index.js";
import { readSentencePairs, splitsOfSentencePairs } from "../../data/format/sentence-pairs.node.js";
import { siameseLstm } from "../../models/index.js";
import { Mode, Scope } from "../../nn/index.js";
import { input } from "../../ops/index.js";
import { calibrated, risingSteps } from "./calibration.js";
import { sentencePairs } from "./task.js";

const pair = (first: string, second: string, score: number) => ({
  first: first.split(" "),
  second: second.split(" "),
  score,
});
const pairs = [pair("a b c d e", "a b", 1), pair("b", "c d a", 4.5), pair("e e a", "e e a", 5)];
const prepared = sentencePairs.prepare({ train: pairs, validation: pairs, tests: {} }, { vocabulary: {} });

test("steps rise, are the nearest by squares, and lie on lines between", () => {
  const steps = risingSteps([
    [0.1, 1],
    [0.4, 3],
    [0.3, 4],
    [0.9, 5],
    [0.4, 2],
  ]);
  // 4 at 0.3 is above 2.5 at 0.4: both are 3.
  expect(steps).toEqual({ at: [0.1, 0.3, 0.9], values: [1, 3, 5] });
  expect([0, 0.2, 0.3, 0.6, 1].map((place) => calibrated(steps, place))).toEqual(
    [1, 2, 3, 4, 5].map((x) => expect.closeTo(x, 12)),
  );
});

describe("the siamese LSTM", () => {
  const scope = Scope.root("float64");
  const options = siameseLstm.configuration.parse({ embedding: 5, hidden: 3 });
  const model = siameseLstm.build(scope, options, { words: prepared.words.size });
  const parameters = Object.fromEntries(
    Object.entries(parametersOf(scope)).map(([name, value]) => {
      const { data, ...rest } = normals(name, value.shape);
      return [name, { ...rest, data: (data as Float64Array).map((x) => 0.4 * x) }];
    }),
  );
  const mode = Mode.plain({ dtype: "float64" });
  const inputs = sentencePairs.inputs({ words: 9 });
  const { outputs } = model.once!(inputs, mode);
  const ask = async (asked: readonly (typeof pairs)[number][]) => {
    const { values } = await sentencePairs.collate(asked, prepared, { kind: "ask" });
    return Array.from((await runOnce(outputs, { ...parameters, ...values })).similarity!.data);
  };

  test("gives 1 for one sentence twice, the same both ways, whatever is beside it", async () => {
    const all = await ask(pairs);
    expect(all[2]).toBe(1);
    for (const [index, one] of pairs.entries()) {
      // Alone there is less padding.
      expect((await ask([one]))[0]).toBeCloseTo(all[index]!, 12);
      expect((await ask([{ ...one, first: one.second, second: one.first }]))[0]).toBeCloseTo(all[index]!, 12);
    }
    expect(all[0]).toBeGreaterThan(0);
    expect(all[0]).toBeLessThan(1);
  });

  test("has the gradient of its loss, by finite differences", async () => {
    const { values } = await sentencePairs.collate(pairs.slice(0, 2), prepared, { kind: "score" });
    const batch = { ...inputs, score: input("score", "float64", ["batch"]) };
    const { loss } = model.objective(batch, mode);
    const names = scope.parameters.map(({ name }) => name);
    const program = {
      loss,
      ...Object.fromEntries(
        gradient(
          loss,
          scope.parameters.map(({ tensor }) => tensor),
        ).map((slope, index) => [names[index]!, slope]),
      ),
    };
    const score = {
      ...values.score!,
      dtype: "float64" as const,
      data: Float64Array.from(values.score!.data),
    };
    const run = (changed: typeof parameters) => runOnce(program, { ...changed, ...values, score });
    const found = await run(parameters);
    for (const name of names) {
      const value = parameters[name]!;
      const index = name.includes("table") ? 4 * 5 + 1 : Math.floor(value.data.length / 2);
      const at = async (by: number) => {
        const data = (value.data as Float64Array).slice();
        data[index]! += by;
        return (await run({ ...parameters, [name]: { ...value, data } })).loss!.data[0]!;
      };
      expect(found[name]!.data[index]).toBeCloseTo(((await at(1e-5)) - (await at(-1e-5))) / 2e-5, 5);
    }
  });

  test("is asked again without each word of both sentences", async () => {
    const { values } = await sentencePairs.collate([pairs[0]!], prepared, { kind: "ask" });
    const { count, values: without } = sentencePairs.variants(values, model);
    expect(count).toBe(7);
    const [, size] = without.first!.shape as [number, number];
    const column = (name: string, variant: number) =>
      Array.from({ length: 5 }, (_, row) => without[name]!.data[row * size + variant]);
    expect(column("first", 0)).toEqual(Array.from(values.first!.data));
    expect(column("first", 3)[2]).toBe(3);
    expect(column("second", 3)).toEqual(column("second", 0));
    expect(column("second", 7)).toEqual([values.second!.data[0], 3, 0, 0, 0]);
  });
});

describe("tables of sentence pairs", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "regard-sick-"));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const HEADER = "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment\n";
  const write = (name: string, lines: string, header = HEADER) =>
    writeFile(join(folder, name), header + lines);

  test("are read by the split their names say, without punctuation", async () => {
    await write(
      "SICK_train.txt",
      "1\tA man's dog.\tThe Dog, barks\t3.5\tNEUTRAL\n2\tx y\ty x\t1\tENTAILMENT\n",
    );
    await write("SICK_trial.txt", "3\ta\tb\t2\tNEUTRAL\n");
    await write("SICK_test_annotated.txt", "4\tc\td\t4\tNEUTRAL\n");
    expect(await splitsOfSentencePairs(folder)).toEqual(["test", "validation"]);
    const { train, validation, tests } = await readSentencePairs(folder, {});
    expect(train[0]).toEqual({ first: ["a", "man's", "dog"], second: ["the", "dog", "barks"], score: 3.5 });
    expect([train.length, validation.length, tests.test!.length]).toEqual([2, 1, 1]);
  });

  test.each([
    ["a score that is none", "5\ta\tb\tgood\tx\n", 'the score is "good", which is no number'],
    ["a sentence without words", "5\t...\tb\t3\tx\n", "a sentence has no word"],
    ["one pair", "5\ta\tb\t3\tx\n", "1 pair to train on and 0 to validate on"],
  ])("with %s are refused", async (_, lines, sentence) => {
    await write("one.tsv", lines);
    await expect(readSentencePairs(join(folder, "one.tsv"), {})).rejects.toThrow(sentence);
    expect(await splitsOfSentencePairs(join(folder, "none.tsv"))).toBeUndefined();
  });
});
