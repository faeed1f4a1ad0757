import { expect, test } from "vitest";
import { runOnce } from "../../../test/run.js";
import { type BitSequence, bitRules } from "../../data/index.js";
import { neuralTuringMachine } from "../../models/index.js";
import { initialValues, Scope } from "../../nn/index.js";
import { input } from "../../ops/index.js";
import type { Value, Values } from "../../session/index.js";
import { nodeBackend } from "../../session/node.js";
import { Evaluator } from "../evaluator.js";
import { bits } from "./task.js";

const copied = (...rows: string[]): BitSequence => ({
  name: rows.join(" "),
  ...bitRules.copy!.sequence(rows.map((row) => [...row].map(Number))),
});
const [one, two] = [copied("10000001"), copied("11000000", "00110000")];
const prepared = { rule: "copy" };
const float = (shape: readonly number[], data: readonly number[]): Value => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(data),
});

test("sequences lie side by side, the shorter with zeros after its end, where nothing counts", async () => {
  const { values, decisions } = await bits.collate([one, two], prepared, { kind: "score" });
  expect(values.source!.shape).toEqual([5, 2, 9]);
  expect(values.target!.shape).toEqual([5, 2, 8]);
  const rows = ({ shape: [, , size], data }: Value, column: number) =>
    Array.from({ length: 5 }, (_, step) =>
      data.slice((2 * step + column) * size!, (2 * step + column + 1) * size!).join(""),
    );
  const [nine, eight] = ["000000000", "00000000"];
  expect(rows(values.source!, 0)).toEqual(["100000010", "000000001", nine, nine, nine]);
  expect(rows(values.source!, 1)).toEqual(["110000000", "001100000", "000000001", nine, nine]);
  expect(rows(values.target!, 0)).toEqual([eight, eight, "10000001", eight, eight]);
  expect([...values.counted!.data].join("")).toBe("0000100101");
  expect(decisions).toEqual([1, 2]);
});

/** A model that has learnt nothing. */
function untrained() {
  const scope = Scope.root();
  const sizes = bits.sizes(prepared, undefined);
  const configuration = neuralTuringMachine.configuration.parse({ hidden: 5, places: 7, content: 3 });
  const model = neuralTuringMachine.build(scope, configuration, sizes);
  const parameters: Values = Object.fromEntries(
    scope.parameters.map((parameter) => [
      parameter.name,
      float(parameter.shape, [...initialValues(parameter, 1)] as number[]),
    ]),
  );
  return { model, sizes, parameters };
}

test("bit errors are counted where something is asked for, and told by the rows asked for", async () => {
  const { model, sizes, parameters } = untrained();
  // Its output is what the bias says alone: the first bit is 1, the others are 0.
  parameters["output.weight"]!.data.fill(0);
  parameters["output.bias"]!.data.set([Math.log(4), ...new Array<number>(7).fill(-Math.log(4))]);
  const evaluator = await Evaluator.load(bits, model, sizes, prepared, nodeBackend, { beam: 1 });
  const scoring = { evaluator, parameters, prepared };
  const right = copied("10000000");
  // 1 bit of 8 is wrong in `one`; in `two` 1 in the first row and 3 in the second.
  const { metrics, breakdown, outputs } = await bits.report(scoring, [two, one, right], { beam: 1 });
  const [good, bad] = [-Math.log(0.8), -Math.log(0.2)];
  expect(metrics).toMatchObject({ exact: 1 / 3, bitErrors: 5 / 3, bitErrorShare: 5 / 32 });
  expect([metrics.loss!]).toBeAllClose([(27 * good + 5 * bad) / 4], 1e-6);
  expect(breakdown).toMatchObject({
    ranges: [
      { from: 1, to: 1, examples: 2, score: 50 },
      { from: 2, to: 2, examples: 1, score: 0 },
    ],
  });
  expect(outputs[0]).toEqual({
    source: "110000000 001100000 000000001",
    output: "10000000 10000000",
    references: ["11000000 00110000"],
  });
  const { loss, bitErrors, exact } = await bits.validate(scoring, [two, one, right]);
  expect({ loss, bitErrors, exact }).toEqual({
    loss: metrics.loss,
    bitErrors: metrics.bitErrors,
    exact: metrics.exact,
  });
  await evaluator.release();
});

test("what people give becomes a sequence by the rule of the training data, or a sentence says why not", () => {
  const rows = [
    [1, 0, 0, 0, 0, 0, 0, 1],
    [0, 1, 0, 0, 0, 0, 0, 0],
  ];
  expect(bits.form(prepared, undefined)).toMatchObject([{ name: "rows", kind: "bits", width: 8 }]);
  const { name: _, ...made } = bits.example({ rows }, prepared, undefined);
  expect(made).toEqual(bitRules.copy!.sequence(rows));
  const repeat = { rule: "repeat-copy" };
  expect(bits.form(repeat, undefined)).toMatchObject([{ kind: "bits" }, { kind: "numbers", count: 1 }]);
  const times = (number: readonly number[]) => bits.example({ rows, number }, repeat, undefined).input.length;
  expect([times([5]), times([])]).toEqual([2 + 1 + 10 + 1, 2 + 1 + 6 + 1]);
  expect(() => bits.example({ rows: "10" }, prepared, undefined)).toThrow(
    "this run reads rows of bits; give it rows of 0 and 1.",
  );
  expect(() =>
    bits.example({ rows: new Array(121).fill(rows[0]) as number[][] }, prepared, undefined),
  ).toThrow("there are 121 rows of bits; give at most 120.");
  expect(() => bits.example({ rows, number: [0.5] }, repeat, undefined)).toThrow(
    "repeat-copy: the number of times is 0.5 but must be a whole number from 1 to 20.",
  );
  expect(() => bits.restored({ source: {} })).toThrow(
    "the run holds no rule that sequences of bits follow; it is of another task.",
  );
  expect(() => bits.sizes({ rule: "sort" }, undefined)).toThrow(
    'the run\'s sequences follow the rule "sort", which this version does not know; it knows copy, repeat-copy, associative-recall.',
  );
});

test("what is shown is what was read, put out and right, and every step by its bits or its mark", async () => {
  const example: BitSequence = {
    name: "three times",
    ...bitRules["repeat-copy"]!.sequence([[1, 0, 0, 0, 0, 0, 0, 1]], 2),
  };
  const repeat = { rule: "repeat-copy" };
  // It copies once, then misses the first bit, then marks the end.
  const put = [
    ...[0, 0].map(() => new Array<number>(9).fill(0.5)),
    [0.9, 0, 0, 0, 0, 0, 0, 0.8, 0.1],
    [0.4, 0, 0, 0, 0, 0, 0, 0.8, 0.1],
    [0.2, 0, 0, 0, 0, 0, 0, 0, 0.7],
  ];
  const shown = await bits.show(example, put, repeat, { model: {} });
  expect(shown.output).toBe("100000010 000000010 000000001");
  expect(shown.steps.map(({ label }) => label)).toEqual([
    "10000001",
    "2 times",
    "10000001",
    "00000001",
    "end",
  ]);
  expect(shown).toMatchObject({ right: false, references: ["100000010 100000010 000000001"] });
  const grids = Object.fromEntries(
    shown.blocks.map((block) => [block.title, block.kind === "grid" ? block.rows : []]),
  );
  expect(Object.keys(grids)).toEqual(["Read", "Put out", "Right", "Wrong"]);
  expect(grids.Read![8]).toEqual([0, 0.2]);
  expect(grids["Put out"]![0]).toEqual([0.9, 0.4, 0.2]);
  expect(grids.Wrong!.map((row) => row.join(""))).toEqual(["010", ...new Array<string>(8).fill("000")]);
  expect(await bits.places(example, repeat, {})).toEqual({
    source: { kind: "tokens", labels: ["10000001", "2 times"] },
  });
});

test("variants lack one row that is read each, and the likelihood is that of bits as they were put out", async () => {
  const { values } = await bits.collate([two], prepared, { kind: "ask" });
  const { over, count, values: variants } = bits.variants(values, {});
  expect({ over, count, shape: variants.source!.shape }).toEqual({
    over: "source",
    count: 3,
    shape: [5, 4, 9],
  });
  const column = (of: number) =>
    Array.from({ length: 5 }, (_, step) =>
      variants.source!.data.slice((4 * step + of) * 9, (4 * step + of + 1) * 9).some((bit) => bit !== 0),
    );
  expect([0, 1, 2, 3].map((of) => column(of).map(Number).join(""))).toEqual([
    "11100",
    "01100",
    "10100",
    "11000",
  ]);
  const probabilities = Array.from({ length: 5 }, (_, step) => [
    0.9,
    ...new Array<number>(7).fill(0.02 * (step + 1)),
  ]);
  const taken = bits.taken!(probabilities, two, prepared);
  expect([...taken.counted!.data]).toEqual([0, 0, 0, 1, 1]);
  const logits = input("logits", "float32", ["steps", "batch", 8]);
  const found = await runOnce(
    { said: bits.likelihood!({ logits }, bits.targets(bits.sizes(prepared, undefined), "batch")) },
    {
      logits: float(
        [5, 1, 8],
        probabilities.flat().map((p) => Math.log(p / (1 - p))),
      ),
      ...taken,
    },
  );
  const expected = [3, 4].map((step) => Math.log(0.9) + 7 * Math.log(1 - 0.02 * (step + 1)));
  expect([...found.said!.data]).toBeAllClose([0, 0, 0, ...expected], 1e-5);
});
