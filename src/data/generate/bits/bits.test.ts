import { expect, test } from "vitest";
import type { BitDataset, BitSequence } from "../../contract.js";
import { associativeRecallData, bitRules, copyData, repeatCopyData } from "./index.js";

const text = (rows: BitSequence["input"]): string[] => rows.map((row) => row.join(""));
const plain = ({ input, output, counted }: BitSequence) => ({ input, output, counted });

test("copying asks for the rows again, after a mark", () => {
  const { input, output, counted } = bitRules.copy!.sequence([
    [1, 0, 0, 0, 0, 0, 0, 1],
    [0, 1, 1, 0, 0, 0, 0, 0],
  ]);
  const nothing = "000000000";
  expect(text(input)).toEqual(["100000010", "011000000", "000000001", nothing, nothing]);
  expect(text(output)).toEqual(["00000000", "00000000", "00000000", "10000001", "01100000"]);
  expect(counted).toEqual([false, false, false, true, true]);
});

test("repeated copying asks for them as often as its last channel says, and for an end", () => {
  const { input, output, counted } = bitRules["repeat-copy"]!.sequence(
    [
      [1, 0, 0, 0, 0, 0, 0, 1],
      [0, 1, 0, 0, 0, 0, 0, 0],
    ],
    3,
  );
  expect(input).toHaveLength(2 + 1 + 3 * 2 + 1);
  expect(input[2]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0.3]);
  const [first, second] = ["100000010", "010000000"];
  expect(text(output.slice(3))).toEqual([first, second, first, second, first, second, "000000001"]);
  expect(counted.filter(Boolean)).toHaveLength(7);
});

test("recalling asks for the item after the one that stands between the last two marks", () => {
  const rows = Array.from({ length: 9 }, (_, row) => Array.from({ length: 6 }, (_, bit) => (row >> bit) & 1));
  const { input, output, counted } = bitRules["associative-recall"]!.sequence(rows, 2);
  const item = (index: number) => text(rows.slice(3 * index, 3 * index + 3)).map((bits) => `${bits}00`);
  const [mark, query, nothing] = ["00000010", "00000001", "00000000"];
  expect(text(input)).toEqual([
    ...[0, 1, 2].flatMap((index) => [mark, ...item(index)]),
    query,
    ...item(1),
    query,
    ...[nothing, nothing, nothing],
  ]);
  expect(text(output.slice(-3)).map((bits) => `${bits}00`)).toEqual(item(2));
  expect(counted.map(Number).join("")).toBe("00000000000000000111");
});

test("rows that do not fit a rule are named", () => {
  const { copy, "repeat-copy": repeat, "associative-recall": recall } = bitRules;
  const row = (width: number) => new Array<number>(width).fill(0);
  expect(() => copy!.sequence([])).toThrow(
    "copy: there are 0 rows of bits but an item has 1; give at least one.",
  );
  expect(() => copy!.sequence([row(8), row(7)])).toThrow(
    "copy: row 2 has 7 bits but the model reads 8; give every row 8.",
  );
  expect(() => copy!.sequence([[...row(7), 0.5]])).toThrow(
    "copy: 0.5 is among the bits that are given; give 0 and 1 alone.",
  );
  expect(() => repeat!.sequence([row(8)], 1.5)).toThrow(
    "repeat-copy: the number of times is 1.5 but must be a whole number from 1 to 20.",
  );
  expect(() => recall!.sequence([row(6), row(6)], 1)).toThrow(
    "associative-recall: there are 2 rows of bits but an item has 3; give a multiple of 3.",
  );
  expect(() => recall!.sequence([row(6), row(6), row(6)], 1)).toThrow(
    "associative-recall: there is 1 item but nothing follows it; give at least two.",
  );
});

/** The rows and the number that a sequence was made of. */
function given({ input, counted, rule }: BitSequence): { rows: number[][]; number?: number } {
  const { width } = bitRules[rule!]!;
  const read = input.slice(0, counted.indexOf(true));
  const bits = (row: readonly number[]) => row.slice(0, width);
  if (rule === "copy") return { rows: read.slice(0, -1).map(bits) };
  if (rule === "repeat-copy")
    return { rows: read.slice(0, -1).map(bits), number: Math.round(read.at(-1)![width]! * 10) };
  const marks = read.flatMap((row, step) => (row[width]! + row[width + 1]! > 0 ? [step] : []));
  const itemAt = (step: number) => read.slice(step + 1, step + 4).map(bits);
  const items = marks.slice(0, -2).map(itemAt);
  const asked = text(itemAt(marks.at(-2)!)).join();
  return { rows: items.flat(), number: 1 + items.findIndex((item) => text(item).join() === asked) };
}

test.each<[BitDataset, Record<string, [number, number]>]>([
  [
    copyData,
    { train: [1, 20], test: [1, 20], "test-20": [20, 20], "test-40": [40, 40], "test-120": [120, 120] },
  ],
  [repeatCopyData, { train: [1, 10], test: [1, 10], "test-rows": [20, 20], "test-times": [10, 10] }],
  [associativeRecallData, { train: [6, 18], test: [6, 18], "test-6": [18, 18], "test-20": [60, 60] }],
])(
  "$id: an example is a function of seed, split and number, and follows the rule",
  async (dataset, ranges) => {
    const [one, again, other] = [await dataset.load(3), await dataset.load(3), await dataset.load(4)];
    expect(Object.keys(one.tests)).toEqual(Object.keys(dataset.splits));
    for (const [split, [least, most]] of Object.entries(ranges)) {
      const examples = split === "train" ? one.train : one.tests[split]!;
      const lengths = new Set<number>();
      for (const example of examples.slice(0, 100)) {
        const { rows, number } = given(example);
        lengths.add(rows.length);
        expect(plain(example)).toEqual(plain({ name: "", ...bitRules[dataset.id]!.sequence(rows, number) }));
      }
      expect([Math.min(...lengths), Math.max(...lengths)], split).toEqual([least, most]);
    }
    expect(plain(again.train[7]!)).toEqual(plain(one.train[7]!));
    expect(plain(other.train[7]!)).not.toEqual(plain(one.train[7]!));
    expect(one.validation.map(({ input }) => text(input).join())).not.toEqual(
      one.train.slice(0, one.validation.length).map(({ input }) => text(input).join()),
    );
  },
);
