import { typedArray } from "../core/index.js";
import type { Values } from "./contract.js";

/**
 * Arrays that a program reads and writes anew at every run, such as parameters. Each is kept twice: a run reads one
 * copy and writes the other, then they change places, so nothing is moved between runs.
 */
export class DoubleBuffer<Name extends string = string> {
  #current: Readonly<Record<Name, Values[string]>>;
  #next: Readonly<Record<Name, Values[string]>>;

  /** @param initial first values, by name; the arrays become the buffer's own */
  constructor(initial: Readonly<Record<Name, Values[string]>>) {
    this.#current = initial;
    this.#next = Object.fromEntries(
      Object.entries<Values[string]>(initial).map(([name, value]) => [
        name,
        { ...value, data: typedArray(value.dtype, value.data.length) },
      ]),
    ) as typeof initial;
  }

  /** What the next run reads. */
  get current(): Readonly<Record<Name, Values[string]>> {
    return this.#current;
  }

  /** What the next run writes. */
  get next(): Readonly<Record<Name, Values[string]>> {
    return this.#next;
  }

  /** Makes what was written what is read. */
  swap(): void {
    [this.#current, this.#next] = [this.#next, this.#current];
  }
}
