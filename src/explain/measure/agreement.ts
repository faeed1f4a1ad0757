import { type Bounds, bootstrap } from "./bootstrap.js";

/** Ranks from 0, equal values sharing the mean of theirs. */
function ranks(values: readonly number[]): number[] {
  const order = values.map((_, index) => index).sort((a, b) => values[a]! - values[b]!);
  const result = new Array<number>(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end + 1 < order.length && values[order[end + 1]!] === values[order[start]!]) end++;
    for (let index = start; index <= end; index++) result[order[index]!] = (start + end) / 2;
    start = end + 1;
  }
  return result;
}

/** Pearson's correlation, −1 to 1; undefined where either side has fewer than two different values. */
export function correlation(a: readonly number[], b: readonly number[]): number | undefined {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanOfA, meanOfB] = [mean(a), mean(b)];
  let [xy, xx, yy] = [0, 0, 0];
  for (let index = 0; index < a.length; index++) {
    xy += (a[index]! - meanOfA) * (b[index]! - meanOfB);
    xx += (a[index]! - meanOfA) ** 2;
    yy += (b[index]! - meanOfB) ** 2;
  }
  return xx === 0 || yy === 0 ? undefined : xy / Math.sqrt(xx * yy);
}

/** Spearman's rank correlation, −1 to 1; undefined where either side has fewer than two different values. */
export const rankCorrelation = (a: readonly number[], b: readonly number[]): number | undefined =>
  correlation(ranks(a), ranks(b));

/** How two maps [target, source] of one example agree. */
export interface Agreement {
  /** The mean rank correlation of their rows; undefined where no row has one. */
  readonly correlation: number | undefined;
  /** The share of rows whose greatest place is the same. */
  readonly sameGreatest: number;
}

const greatest = (row: readonly number[]): number => row.indexOf(Math.max(...row));

/** How well two maps agree, row by row: the mean rank correlation of the rows that have one, and the share of rows whose greatest is at the same place. */
export function agreementOf(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): Agreement {
  const correlations = a.flatMap((row, index) => rankCorrelation(row, b[index]!) ?? []);
  const mean = (values: readonly number[]) => values.reduce((x, y) => x + y, 0) / values.length;
  return {
    correlation: correlations.length === 0 ? undefined : mean(correlations),
    sameGreatest:
      a.length === 0 ? 0 : a.filter((row, index) => greatest(row) === greatest(b[index]!)).length / a.length,
  };
}

/** A mean with the interval that holds 95 % of its bootstrap replicates. */
export interface Interval extends Bounds {
  readonly mean: number;
}

/** @param values one for each example; at least one */
export function meanInterval(values: readonly number[]): Interval {
  const mean = (numbers: readonly number[]) =>
    numbers.reduce((sum, number) => sum + values[number]!, 0) / numbers.length;
  return { mean: mean([...values.keys()]), ...bootstrap(values.length, mean) };
}

/** Whether attention explains an output, by the share of its words whose most attended word is also its cause. */
export type Verdict = "explains" | "partly" | "does not";

const EXPLAINS = 0.75;
const PARTLY = 0.4;

export const verdictOf = ({ sameGreatest }: Agreement): Verdict =>
  sameGreatest >= EXPLAINS ? "explains" : sameGreatest >= PARTLY ? "partly" : "does not";

/** A verdict as a sentence. `count` is how many decisions were compared, `cause` what each may be made by. */
export function verdictSentence(
  agreement: Agreement,
  count: number,
  { decision, cause }: { decision: string; cause: string },
): string {
  const same = Math.round(agreement.sameGreatest * count);
  const counted = `For ${same} of ${count} ${decision}s, the ${cause} that attention is greatest at is also the one whose removal hurts most`;
  switch (verdictOf(agreement)) {
    case "explains":
      return `${counted}: here the map explains the output.`;
    case "partly":
      return `${counted}: here the map explains the output in part.`;
    case "does not":
      return `${counted}: here the map does not explain the output.`;
  }
}
