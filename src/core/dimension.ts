import { RegardError } from "./errors.js";

/**
 * The size of one axis: a number, or a name that is bound when a program runs (`"batch"`).
 * Arithmetic on names yields polynomials in a canonical spelling, such as `"batch*source+1"`, so two
 * dimensions are equal exactly when they are `===`.
 */
export type Dimension = number | string;

type Polynomial = Map<string, number>;

function parse(dimension: Dimension): Polynomial {
  if (typeof dimension === "number") return new Map(dimension === 0 ? [] : [["", dimension]]);
  const terms: Polynomial = new Map();
  for (const [, sign, body] of dimension.matchAll(/([+-]?)([^+-]+)/g)) {
    let coefficient = sign === "-" ? -1 : 1;
    const names: string[] = [];
    for (const factor of body!.split("*")) {
      if (/^\d+$/.test(factor)) coefficient *= Number(factor);
      else names.push(factor);
    }
    const key = names.sort().join("*");
    terms.set(key, (terms.get(key) ?? 0) + coefficient);
  }
  return terms;
}

function format(terms: Polynomial): Dimension {
  const entries = [...terms].filter(([, coefficient]) => coefficient !== 0);
  if (entries.length === 0) return 0;
  if (entries.length === 1 && entries[0]![0] === "") return entries[0]![1];
  entries.sort(([a], [b]) => (a === "" ? 1 : b === "" ? -1 : a < b ? -1 : 1));
  return entries
    .map(([names, coefficient], index) => {
      const sign = coefficient < 0 ? "-" : index === 0 ? "" : "+";
      const size = Math.abs(coefficient);
      if (names === "") return `${sign}${size}`;
      return `${sign}${size === 1 ? "" : `${size}*`}${names}`;
    })
    .join("");
}

/** The sum of two dimensions. */
export function addDimensions(left: Dimension, right: Dimension): Dimension {
  if (typeof left === "number" && typeof right === "number") return left + right;
  const terms = parse(left);
  for (const [key, coefficient] of parse(right)) terms.set(key, (terms.get(key) ?? 0) + coefficient);
  return format(terms);
}

/** The product of any number of dimensions; 1 for none. */
export function multiplyDimensions(...dimensions: readonly Dimension[]): Dimension {
  return dimensions.reduce<Dimension>((left, right) => {
    if (typeof left === "number" && typeof right === "number") return left * right;
    const terms: Polynomial = new Map();
    for (const [a, x] of parse(left)) {
      for (const [b, y] of parse(right)) {
        const key = [...a.split("*"), ...b.split("*")]
          .filter((name) => name !== "")
          .sort()
          .join("*");
        terms.set(key, (terms.get(key) ?? 0) + x * y);
      }
    }
    return format(terms);
  }, 1);
}

/** `left - right`. */
export const subtractDimensions = (left: Dimension, right: Dimension): Dimension =>
  addDimensions(left, multiplyDimensions(-1, right));

/** A dimension as a sum of products, for lowering: `{ coefficient, names }` per term. */
export function dimensionTerms(dimension: Dimension): { coefficient: number; names: string[] }[] {
  return [...parse(dimension)].map(([names, coefficient]) => ({
    coefficient,
    names: names === "" ? [] : names.split("*"),
  }));
}

/** Sizes bound to names for one run. */
export type Bindings = ReadonlyMap<string, number>;

/** The number a dimension stands for under `bindings`. @throws RegardError where a name is not bound. */
export function resolveDimension(dimension: Dimension, bindings: Bindings): number {
  if (typeof dimension === "number") return dimension;
  let total = 0;
  for (const { coefficient, names } of dimensionTerms(dimension)) {
    total += names.reduce((product, name) => {
      const size = bindings.get(name);
      if (size === undefined)
        throw new RegardError(
          `dimension "${name}" is not the axis of any input of this program, so its size is unknown; add an input that has it.`,
        );
      return product * size;
    }, coefficient);
  }
  return total;
}
