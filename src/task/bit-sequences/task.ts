import { z } from "zod";
import { countOf, RegardError, UsageError } from "../../core/index.js";
import { type BitRows, type BitRule, type BitSequence, bitRules, rowLabel } from "../../data/index.js";
import { type BitsSizes, bitLosses } from "../../models/index.js";
import { input, neg } from "../../ops/index.js";
import type { Value } from "../../session/index.js";
import type { Task } from "../contract.js";
import type { Block } from "../form.js";
import { reportOf } from "./report.js";
import { bitsText, rowsRead } from "./rows.js";
import { askedRows, errorsIn, probabilitiesOf, rounded, scoreBits } from "./score.js";

/** Rows that people may give. */
const LONGEST_INPUT = 120;

/** The rule that the sequences of training follow, which says what channels there are. */
interface PreparedBits {
  readonly rule: string;
}

/** @throws RegardError where there is no such rule */
function ruleOf({ rule }: PreparedBits): BitRule {
  if (Object.hasOwn(bitRules, rule)) return bitRules[rule]!;
  throw new RegardError(
    `the run's sequences follow the rule "${rule}", which this version does not know; it knows ${Object.keys(bitRules).join(", ")}.`,
  );
}

/** Rows of several sequences side by side, [T, B, channels], 0 after the end of each. */
function rowsValue(sequences: readonly BitRows[], channels: number): Value {
  const shape = [Math.max(...sequences.map(({ length }) => length)), sequences.length, channels];
  const data = new Float32Array(countOf(shape));
  sequences.forEach((rows, column) => {
    rows.forEach((row, step) => {
      data.set(row, (step * sequences.length + column) * channels);
    });
  });
  return { dtype: "float32", shape, data };
}

/** What is to be put out, and where something is: targets of sequences. */
function targetValues(sequences: readonly Pick<BitSequence, "output" | "counted">[], channels: number) {
  const asked = rowsValue(
    sequences.map(({ counted }) => counted.map((one) => [one ? 1 : 0])),
    1,
  );
  return {
    target: rowsValue(
      sequences.map(({ output }) => output),
      channels,
    ),
    counted: { ...asked, shape: asked.shape.slice(0, 2) },
  };
}

/** Rows as a picture: steps from left to right, a channel a row. */
const gridBlock = (title: string, rows: BitRows, channels: readonly string[]): Block => ({
  kind: "grid",
  title,
  rows: channels.map((_, channel) => rows.map((row) => row[channel]!)),
  labels: channels,
});

/** Rows of bits from rows of bits. */
export const bits: Task<BitSequence, PreparedBits, BitsSizes, BitRows> = {
  id: "bit-sequences",
  examples: "sequences of bits",
  words: { example: "sequence", place: "row that is read", decision: "row", cause: "row that is read" },
  takes: "bits",
  defaults: {
    data: "copy",
    batch: 32,
    targets: 1,
    learningRate: 0.001,
    optimizer: { name: "adam" },
    clip: 10,
    labelSmoothing: 0,
  },
  scores: [
    { id: "bitErrors", title: "bit errors a sequence", unit: "bits", better: "lower" },
    { id: "exact", title: "without an error", unit: "share", better: "higher" },
  ],
  prepare({ train: [first] }) {
    if (!first) throw new UsageError("there are no sequences of bits to train on; give at least one.");
    return { rule: first.rule };
  },
  restored(stored) {
    const rule = (stored as Partial<PreparedBits> | undefined)?.rule;
    if (typeof rule !== "string")
      throw new RegardError("the run holds no rule that sequences of bits follow; it is of another task.");
    return { rule };
  },
  describe(prepared) {
    const { channels } = ruleOf(prepared);
    return `${channels.input.length} channels read and ${channels.output.length} put out`;
  },
  sizes(prepared) {
    const { channels } = ruleOf(prepared);
    return { source: channels.input.length, target: channels.output.length };
  },
  inputs: ({ source }) => ({ source: input("source", "float32", ["steps", "batch", source]) }),
  targets: ({ target }, batch) => ({
    target: input("target", "float32", ["steps", batch, target]),
    counted: input("counted", "float32", ["steps", batch]),
  }),
  sizing: {
    options: z.object({
      source: z.int().min(1).max(1024).default(9).describe("channels that are read"),
      target: z.int().min(1).max(1024).default(8).describe("channels that are put out"),
    }),
    of: (_, prepared) => ({ ...bits.sizes(prepared, undefined) }),
    sizes: ({ source, target }) => ({ source, target }),
    lengths: { steps: 21 },
  },
  length: ({ counted }) => counted.length,
  order: ({ counted }) => counted.length,
  async collate(sequences, prepared, use) {
    const { source, target } = bits.sizes(prepared, undefined);
    // Sequences are drawn whenever they are looked into.
    const drawn = sequences.map(({ input, output, counted }) => ({ input, output, counted }));
    const read = {
      source: rowsValue(
        drawn.map(({ input }) => input),
        source,
      ),
    };
    if (use.kind === "ask") return { values: read, decisions: [] };
    return {
      values: { ...read, ...targetValues(drawn, target) },
      decisions: drawn.map(({ counted }) => counted.filter(Boolean).length),
    };
  },
  drive: { kind: "rows", of: "source" },
  async validate(scoring, sequences) {
    const { loss, bitErrors, exact } = await scoreBits(scoring, sequences);
    return { loss, bitErrors, exact };
  },
  report: reportOf,
  form(prepared) {
    const { width, number } = ruleOf(prepared);
    return [
      { name: "rows", title: "Rows of bits", kind: "bits", width, longest: LONGEST_INPUT },
      ...(number
        ? [
            {
              name: "number",
              title: `${number.title}, ${number.usual} where none is given`,
              kind: "numbers",
              count: 1,
            } as const,
          ]
        : []),
    ];
  },
  example({ rows, number }, prepared) {
    if (!Array.isArray(rows) || !rows.every(Array.isArray))
      throw new UsageError("this run reads rows of bits; give it rows of 0 and 1.");
    if (rows.length > LONGEST_INPUT)
      throw new UsageError(`there are ${rows.length} rows of bits; give at most ${LONGEST_INPUT}.`);
    const [given] = Array.isArray(number) ? (number as readonly unknown[]) : [];
    if (given !== undefined && typeof given !== "number")
      throw new UsageError("the number that goes with the rows of bits is none; give a whole number.");
    return { name: "the rows given", ...ruleOf(prepared).sequence(rows as unknown as BitRows, given) };
  },
  async card(sequence) {
    const { name, output } = sequence;
    return { title: name, expected: [bitsText(askedRows(output, sequence))] };
  },
  title: ({ name }) => name,
  async places({ input }, prepared) {
    const rule = ruleOf(prepared);
    const labels = input.slice(0, rowsRead(input)).map((row) => rowLabel(rule, rule.channels.input, row));
    return { source: { kind: "tokens", labels } };
  },
  read: (outputs) => probabilitiesOf(outputs),
  async show({ input, output, counted }, probabilities, prepared) {
    const rule = ruleOf(prepared);
    const { channels } = rule;
    const put = rounded(probabilities);
    const [answer, right] = [put, output].map((rows) => askedRows(rows, { counted })) as [BitRows, BitRows];
    const wrong = answer.map((row, step) => row.map((bit, at) => (bit === right[step]![at] ? 0 : 1)));
    return {
      output: bitsText(answer),
      steps: input.map((row, step) => ({
        label: counted[step]
          ? rowLabel(rule, channels.output, put[step]!)
          : rowLabel(rule, channels.input, row),
      })),
      blocks: [
        gridBlock("Read", input.slice(0, rowsRead(input)), channels.input),
        gridBlock("Put out", askedRows(probabilities, { counted }), channels.output),
        gridBlock("Right", right, channels.output),
        ...(errorsIn(answer, right) > 0 ? [gridBlock("Wrong", wrong, channels.output)] : []),
      ],
      right: errorsIn(answer, right) === 0,
      references: [bitsText(right)],
    };
  },
  taken: (probabilities, { counted }, prepared) =>
    targetValues([{ output: rounded(probabilities), counted }], bits.sizes(prepared, undefined).target),
  likelihood: ({ logits }, { target, counted }) => neg(bitLosses(logits!, target!, counted!)),
  variants({ source }) {
    const [steps, , channels] = source!.shape as [number, number, number];
    const rows = Array.from({ length: steps }, (_, step) =>
      Array.from(source!.data.subarray(step * channels, (step + 1) * channels)),
    );
    const count = rowsRead(rows);
    const without = Array.from({ length: count }, (_, removed) =>
      rows.map((row, step) => (step === removed ? row.map(() => 0) : row)),
    );
    return { over: "source", count, values: { source: rowsValue([rows, ...without], channels) } };
  },
  without: "once a row that is read is zeros",
};
