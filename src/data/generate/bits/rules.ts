import { UsageError } from "../../../core/index.js";
import type { BitRows, BitSequence } from "../../contract.js";

/** A range of whole numbers, both ends among them. */
export type Range = readonly [least: number, most: number];

/** How rows of bits become a sequence with an answer (Graves, Wayne & Danihelka 2014, sections 4.1 to 4.3). */
export interface BitRule {
  readonly id: string;
  readonly title: string;
  /** Bits of a row that is given. */
  readonly width: number;
  /** Rows that belong together as one item. */
  readonly itemRows: number;
  /** The number that goes with the rows, where there is one. */
  readonly number?: {
    readonly title: string;
    /** What it is where none is given. */
    readonly usual: number;
    /** The numbers that go with so many items. */
    range(items: number): Range;
  };
  /** Channels that are read and put out. */
  readonly channels: { readonly input: readonly string[]; readonly output: readonly string[] };
  /**
   * The sequence for rows, [items · itemRows][width].
   * @throws UsageError where rows or number do not fit the rule
   */
  sequence(rows: BitRows, number?: number): Omit<BitSequence, "name">;
}

const bitChannels = (count: number): string[] => Array.from({ length: count }, (_, bit) => `bit ${bit + 1}`);

/** What is read before anything is asked for, and what is to be put out then. */
function asked(
  rule: string,
  { input, output }: BitRule["channels"],
  read: BitRows,
  answer: BitRows,
): Omit<BitSequence, "name"> {
  const blank = (rows: BitRows, channels: readonly string[]) => rows.map(() => channels.map(() => 0));
  return {
    rule,
    input: [...read, ...blank(answer, input)],
    output: [...blank(read, output), ...answer],
    counted: [...read.map(() => false), ...answer.map(() => true)],
  };
}

/**
 * The number that goes with rows, 0 where none does.
 * @throws UsageError where there are no rows, not whole items, rows of another width, no bits, or a number out of range
 */
function checkedNumber(
  { id, width, itemRows, number: wanted }: BitRule,
  rows: BitRows,
  number?: number,
): number {
  if (rows.length === 0 || rows.length % itemRows !== 0)
    throw new UsageError(
      `${id}: there are ${rows.length} rows of bits but an item has ${itemRows}; give ${itemRows === 1 ? "at least one" : `a multiple of ${itemRows}`}.`,
    );
  const wrong = rows.findIndex((row) => row.length !== width);
  if (wrong >= 0)
    throw new UsageError(
      `${id}: row ${wrong + 1} has ${rows[wrong]!.length} bits but the model reads ${width}; give every row ${width}.`,
    );
  const none = rows.flat().find((bit) => bit !== 0 && bit !== 1);
  if (none !== undefined)
    throw new UsageError(`${id}: ${none} is among the bits that are given; give 0 and 1 alone.`);
  if (!wanted) return 0;
  const [least, most] = wanted.range(rows.length / itemRows);
  const given = number ?? wanted.usual;
  if (!Number.isInteger(given) || given < least || given > most)
    throw new UsageError(
      least > most
        ? `${id}: there is ${rows.length / itemRows} item but nothing follows it; give at least two.`
        : `${id}: ${wanted.title} is ${given} but must be a whole number from ${least} to ${most}.`,
    );
  return given;
}

const COPIED = 8;

/** Rows, a mark, and then the rows again. */
const copy: BitRule = {
  id: "copy",
  title: "put out again what was read",
  width: COPIED,
  itemRows: 1,
  channels: { input: [...bitChannels(COPIED), "end"], output: bitChannels(COPIED) },
  sequence(rows) {
    checkedNumber(copy, rows);
    return asked(
      copy.id,
      copy.channels,
      [...rows.map((row) => [...row, 0]), [...new Array<number>(COPIED).fill(0), 1]],
      rows,
    );
  },
};

/** The channel that a count is read in; 10, the most there are in training, is read as 1. */
const COUNT = "times";
const COUNT_SCALE = 10;

/** Rows, how often they are wanted, and then the rows as often, and a mark at the end. */
const repeatCopy: BitRule = {
  id: "repeat-copy",
  title: "put out what was read, as often as asked",
  width: COPIED,
  itemRows: 1,
  number: { title: "the number of times", usual: 3, range: () => [1, 20] },
  channels: { input: [...bitChannels(COPIED), COUNT], output: [...bitChannels(COPIED), "end"] },
  sequence(rows, number) {
    const times = checkedNumber(repeatCopy, rows, number);
    const nothing = new Array<number>(COPIED).fill(0);
    const once = rows.map((row) => [...row, 0]);
    return asked(
      repeatCopy.id,
      repeatCopy.channels,
      [...once, [...nothing, times / COUNT_SCALE]],
      [...Array.from({ length: times }, () => once).flat(), [...nothing, 1]],
    );
  },
};

const RECALLED = 6;
const ITEM = 3;

/** Items of three rows, each behind a mark; then one of them between marks of another kind; and then the item after it. */
const associativeRecall: BitRule = {
  id: "associative-recall",
  title: "put out the item that followed the one asked for",
  width: RECALLED,
  itemRows: ITEM,
  number: { title: "the number of the item asked for", usual: 1, range: (items) => [1, items - 1] },
  channels: { input: [...bitChannels(RECALLED), "item", "query"], output: bitChannels(RECALLED) },
  sequence(rows, number) {
    const asking = checkedNumber(associativeRecall, rows, number) - 1;
    const nothing = new Array<number>(RECALLED).fill(0);
    const itemAt = (index: number) =>
      rows.slice(index * ITEM, (index + 1) * ITEM).map((row) => [...row, 0, 0]);
    const query = [...nothing, 0, 1];
    return asked(
      associativeRecall.id,
      associativeRecall.channels,
      [
        ...Array.from({ length: rows.length / ITEM }, (_, index) => [
          [...nothing, 1, 0],
          ...itemAt(index),
        ]).flat(),
        query,
        ...itemAt(asking),
        query,
      ],
      rows.slice((asking + 1) * ITEM, (asking + 2) * ITEM),
    );
  },
};

/** Every rule, by its id. */
export const bitRules: Readonly<Record<string, BitRule>> = Object.fromEntries(
  [copy, repeatCopy, associativeRecall].map((rule) => [rule.id, rule]),
);

/** What a row of bits is called, of what is read or put out: the mark that it bears, or its bits. */
export function rowLabel({ width }: BitRule, channels: readonly string[], row: readonly number[]): string {
  const mark = row.findIndex((value, channel) => channel >= width && value !== 0);
  if (mark < 0) return row.slice(0, width).join("");
  return channels[mark] === COUNT ? `${Math.round(row[mark]! * COUNT_SCALE)} times` : channels[mark]!;
}
