import { goodnessOf, primaryOf, type Score, type Validation } from "../task/index.js";

/** The best validation of a run so far, by its task's primary score. */
export class Best {
  readonly score: Score;
  #goodness: number;
  #step: number;

  /**
   * @param scores of the task
   * @param metadata of the checkpoint from which a run goes on
   */
  constructor(scores: readonly Score[], metadata?: Readonly<Record<string, string>>) {
    this.score = primaryOf(scores);
    this.#goodness = metadata ? Number(metadata.best) : Number.NEGATIVE_INFINITY;
    this.#step = metadata ? Number(metadata.bestStep) : 0;
  }

  /** The step that validated best; 0 where none has yet. */
  get step(): number {
    return this.#step;
  }

  /** What a checkpoint says of it; a better validation has a greater `best`. */
  get metadata(): { readonly best: string; readonly bestStep: string } {
    return { best: String(this.#goodness), bestStep: String(this.#step) };
  }

  /** Takes a validation into account. */
  hear(validation: Validation, step: number): void {
    const goodness = goodnessOf(validation, this.score);
    if (goodness <= this.#goodness) return;
    this.#goodness = goodness;
    this.#step = step;
  }
}
