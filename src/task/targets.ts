import { PAD, Random } from "../core/index.js";
import { type TokenBatch, tokenBatch } from "../data/index.js";
import { tokensValue } from "../decode/index.js";
import type { Value } from "../session/index.js";
import type { Use } from "./contract.js";

/** A function of objects whose results are kept as long as the objects are. */
export function remembered<Key extends object, Found>(find: (key: Key) => Found): (key: Key) => Found {
  const known = new WeakMap<Key, Found>();
  return (key) => {
    let found = known.get(key);
    if (found === undefined) {
      found = find(key);
      known.set(key, found);
    }
    return found;
  };
}

/**
 * What is written for examples. For training it is one target of every example, then another of each, as many as are asked
 * for; which ones is a function of (seed, step). Where an example has fewer, some come again.
 * @param targetsOf the targets of an example, each from START to END
 * @returns int32 [T, targets · B], and how many tokens each has, START not counted
 */
export function targetTokens<Example>(
  examples: readonly Example[],
  targetsOf: (example: Example) => readonly (readonly number[])[],
  use: Use,
): { target: Value; decisions: readonly number[] } {
  const chosen =
    use.kind === "train"
      ? chosenTargets(examples.map(targetsOf), use)
      : examples.map((one) => targetsOf(one)[0]!);
  const batch = tokenBatch(chosen);
  return { target: tokensValue(batch), decisions: countsOf(batch) };
}

function chosenTargets(
  targets: readonly (readonly (readonly number[])[])[],
  { seed, step, targets: count }: Use & { kind: "train" },
): (readonly number[])[] {
  const random = new Random(seed, "targets", step);
  const orders = targets.map((all) => (all.length === 1 ? all : random.shuffle([...all])));
  return Array.from({ length: count }, (_, round) =>
    orders.map((order) => order[round % order.length]!),
  ).flat();
}

/** Tokens of each column that are no padding, the first row not counted. */
function countsOf({ length, count, data }: TokenBatch): number[] {
  return Array.from({ length: count }, (_, column) => {
    let tokens = 0;
    for (let row = 1; row < length; row++) if (data[row * count + column] !== PAD) tokens++;
    return tokens;
  });
}
