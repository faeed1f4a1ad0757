import {
  attentionCoverage,
  attentionEntropy,
  attentionMovement,
  attentionUniformity,
} from "../explain/index.js";

/** Means over examples of how attention is spread. */
export interface Spread {
  /** In nats. */
  readonly entropy: number;
  /** Share of the source's places that are looked at. */
  readonly coverage: number;
  /** Share of the greatest possible entropy. */
  readonly uniformity: number;
  /** How far attention moves from one word to the next, 0 to 1. */
  readonly movement: number;
}

/** Gathers the spread of the attention of many examples. */
export class SpreadMeter {
  #examples = 0;
  #sum: Spread = { entropy: 0, coverage: 0, uniformity: 0, movement: 0 };

  /** @param weights [target, place] of one example, of which the first `places` are of the source */
  add(weights: readonly ArrayLike<number>[], places: number): void {
    this.#examples++;
    const { entropy, coverage, uniformity, movement } = this.#sum;
    this.#sum = {
      entropy: entropy + attentionEntropy(weights),
      coverage: coverage + attentionCoverage(weights, places),
      uniformity: uniformity + attentionUniformity(weights),
      movement: movement + attentionMovement(weights),
    };
  }

  /** The means; undefined where there was no attention. */
  get mean(): Spread | undefined {
    if (this.#examples === 0) return undefined;
    const share = (value: number) => value / this.#examples;
    const { entropy, coverage, uniformity, movement } = this.#sum;
    return {
      entropy: share(entropy),
      coverage: share(coverage),
      uniformity: share(uniformity),
      movement: share(movement),
    };
  }
}
