import type { BitSequence } from "../../data/index.js";
import type { RangeScore, Report, ReportOptions, Scoring } from "../contract.js";
import { shareOfRange } from "../ranges.js";
import { bitsText, rowsRead } from "./rows.js";
import { type Answered, scoreBits } from "./score.js";

/** Ranges that sequences are put together in by the rows asked for. */
const RANGES = 10;

/** Scores what is put out for sequences. */
export async function reportOf<Prepared>(
  scoring: Scoring<BitSequence, Prepared>,
  sequences: readonly BitSequence[],
  { onProgress }: ReportOptions,
): Promise<Report> {
  const { answered, ...scores } = await scoreBits(scoring, sequences, onProgress);
  const bits = answered.reduce((sum, { right }) => sum + right.flat().length, 0);
  return {
    metrics: { ...scores, bitErrorShare: (scores.bitErrors * answered.length) / bits },
    breakdown: { measure: "sequences without an error", by: "rows asked for", ranges: exactByRows(answered) },
    outputs: answered.map(({ answer, right }, index) => {
      const { input } = sequences[index]!;
      return {
        source: bitsText(input.slice(0, rowsRead(input))),
        output: bitsText(answer),
        references: [bitsText(right)],
      };
    }),
  };
}

/** The share of sequences without an error in per cent, by the rows that are asked for, in ranges where these are many. */
function exactByRows(answered: readonly Answered[]): RangeScore[] {
  const lengths = answered.map(({ right }) => right.length);
  const [least, most] = [Math.min(...lengths), Math.max(...lengths)];
  const width = Math.ceil((most - least + 1) / RANGES);
  return Array.from({ length: RANGES }, (_, range) => {
    const [from, to] = [least + range * width, Math.min(most, least + (range + 1) * width - 1)];
    const members = answered.filter(({ right: { length } }) => length >= from && length <= to);
    return { from, to, exact: members.map(({ errors }) => errors === 0) };
  }).flatMap(({ from, to, exact }) => (exact.length > 0 ? [shareOfRange(from, to, exact)] : []));
}
