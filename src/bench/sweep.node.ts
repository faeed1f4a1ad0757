import { UsageError } from "../core/index.js";
import { type CompareOptions, compare } from "./compare.node.js";
import type { Comparison } from "./contract.js";
import { exponentOf } from "./spread.js";
import { readWork } from "./workload/index.js";

/** How the cost of work grows with one of its sizes. */
export interface Growth {
  readonly work: string;
  readonly size: string;
  readonly series: readonly {
    readonly name: string;
    /** Of the power law that fits the medians best. */
    readonly exponent: number;
    readonly points: readonly { readonly x: number; readonly y: number }[];
  }[];
  readonly comparisons: readonly Comparison[];
}

/** A size and the values it takes, from a text such as "length=20,40,80". @throws UsageError where it is none */
function readSweep(text: string, names: readonly string[]): { index: number; values: number[] } {
  const [name, numbers = ""] = text.split("=") as [string, string?];
  const values = numbers.split(",").map(Number);
  const index = names.indexOf(name);
  if (index < 0)
    throw new UsageError(`the workload has no size "${name}"; its sizes are ${names.join(", ")}.`);
  if (values.length < 2 || !values.every((value) => Number.isSafeInteger(value) && value >= 1))
    throw new UsageError(`"${text}" should give two or more whole numbers from 1, such as ${name}=20,40,80.`);
  return { index, values };
}

/**
 * Measures work at several values of one size.
 * @param sweep such as "length=20,40,80"
 * @throws UsageError where work or size are not known
 */
export async function measureGrowth(
  text: string,
  sweep: string,
  options: CompareOptions & { onComparison?: (found: Comparison) => void },
): Promise<Growth> {
  const { kind, sizes } = readWork(text);
  const names = Object.keys(kind.sizes);
  const { index, values } = readSweep(sweep, names);
  const comparisons: Comparison[] = [];
  for (const value of values) {
    const at = sizes.map((size, position) => (position === index ? value : size));
    const found = await compare(`${kind.id}:${at.join(",")}`, options);
    options.onComparison?.(found);
    comparisons.push(found);
  }
  const everywhere = comparisons[0]!.measured.filter(({ name }) =>
    comparisons.every(({ measured }) => measured.some((each) => each.name === name)),
  );
  return {
    work: `${kind.id}:${sizes.map((size, position) => (position === index ? names[index] : size)).join(",")}`,
    size: names[index]!,
    comparisons,
    series: everywhere.map(({ name }) => {
      const points = comparisons.map(({ measured }, position) => ({
        x: values[position]!,
        y: measured.find((each) => each.name === name)!.ms.median,
      }));
      return { name, exponent: exponentOf(points), points };
    }),
  };
}
