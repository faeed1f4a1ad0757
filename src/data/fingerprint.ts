import { hashString } from "../core/index.js";
import type { Splits } from "./contract.js";

/** What an example says of itself without being drawn or decoded, which functions do. */
const textOf = (example: unknown): string => JSON.stringify(example);

/**
 * A short text that changes with the data: how many examples each split has, and a hash of their words and names. Not of pixels,
 * which may be many.
 */
export function fingerprintOf(data: Splits<unknown>): string {
  const parts = Object.entries({ train: data.train, validation: data.validation, ...data.tests });
  return parts
    .map(([name, examples]) => {
      let hash = 0;
      for (const example of examples) hash = hashString(`${hash} ${textOf(example)}`);
      return `${name} ${examples.length} ${hash.toString(16)}`;
    })
    .join(", ");
}

/** What is different between two fingerprints, in words; undefined where nothing is. */
export function changeOf(before: string, now: string): string | undefined {
  if (before === now) return undefined;
  const read = (text: string) =>
    new Map(
      text.split(", ").map((part) => {
        const [hash, count, ...name] = part.split(" ").reverse();
        return [name.reverse().join(" "), { count: Number(count), hash }] as const;
      }),
    );
  const [old, found] = [read(before), read(now)];
  return [...new Set([...old.keys(), ...found.keys()])]
    .flatMap((name) => {
      const [a, b] = [old.get(name), found.get(name)];
      if (a?.hash === b?.hash && a?.count === b?.count) return [];
      if (a?.count === b?.count) return [`other examples in ${name}`];
      return [`${b?.count ?? "no"} examples in ${name} in place of ${a?.count ?? "none"}`];
    })
    .join(", ");
}
