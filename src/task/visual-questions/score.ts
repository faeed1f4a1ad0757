import type { Box, Mask, VisualQuestion } from "../../data/index.js";
import {
  addPointing,
  countPointing,
  type Grid,
  NO_POINTING,
  type PointingCounts,
} from "../../explain/index.js";
import type { Value } from "../../session/index.js";

/** The pixels of a box in an image. */
export function maskOf(box: Box, [height, width]: readonly [height: number, width: number]): Mask {
  const data = new Uint8Array(width * height);
  const [right, bottom] = [Math.min(width, box.x + box.width), Math.min(height, box.y + box.height)];
  for (let y = Math.max(0, Math.floor(box.y)); y < bottom; y++)
    for (let x = Math.max(0, Math.floor(box.x)); x < right; x++) data[y * width + x] = 1;
  return { width, height, data };
}

/** How questions were answered and looked at, one after another. */
export class Tally {
  #questions = 0;
  #right = 0;
  #loss = 0;
  readonly #kinds = new Map<string, { right: number; questions: number }>();
  /** Of each hop in order, by its name. */
  readonly #hops = new Map<string, PointingCounts>();
  /** The same by kind of question, by both names. */
  readonly #byKind = new Map<string, PointingCounts>();

  /** @param probability of the right answer */
  add({ kind }: VisualQuestion, right: boolean, probability: number): void {
    this.#questions++;
    this.#loss -= Math.log(Math.max(Number.MIN_VALUE, probability));
    if (right) this.#right++;
    if (kind === undefined) return;
    const known = this.#kinds.get(kind) ?? { right: 0, questions: 0 };
    this.#kinds.set(kind, { right: known.right + (right ? 1 : 0), questions: known.questions + 1 });
  }

  /** Where one looked by hops in order, [place] each, beside where one must. */
  look(
    { kind, evidence = [] }: VisualQuestion,
    looks: Readonly<Record<string, Value>>,
    size: readonly [height: number, width: number],
    grid: Grid,
  ): void {
    Object.entries(looks).forEach(([name, { data }], hop) => {
      const box = evidence[hop];
      if (!box) return;
      const counted = countPointing(data, maskOf(box, size), grid);
      this.#hops.set(name, addPointing(this.#hops.get(name) ?? NO_POINTING, counted));
      if (kind === undefined) return;
      const ofKind = `${name} ${kind}`;
      this.#byKind.set(ofKind, addPointing(this.#byKind.get(ofKind) ?? NO_POINTING, counted));
    });
  }

  /** Shares of questions; of each hop, how often its greatest weight is where it should be. */
  get scores() {
    const questions = Math.max(1, this.#questions);
    return {
      loss: this.#loss / questions,
      accuracy: this.#right / questions,
      ...Object.fromEntries([...this.#hops].map(([name, { hits, words }]) => [name, hits / words])),
    };
  }

  /** By kind of question, and what else there is to know of hops: what places at random and the middle of the image would reach. */
  get details(): Record<string, number> {
    return {
      ...Object.fromEntries(
        [...this.#kinds]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([kind, { right, questions }]) => [`accuracy ${kind}`, right / questions]),
      ),
      ...Object.fromEntries(
        [...this.#byKind]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, { hits, words }]) => [name, hits / words]),
      ),
      ...Object.fromEntries(
        [...this.#hops].flatMap(([name, { words, mass, uniform, centre }]) => [
          [`${name}Mass`, mass / words],
          [`${name}Random`, uniform / words],
          [`${name}Centre`, centre / words],
        ]),
      ),
    };
  }
}
