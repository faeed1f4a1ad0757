import type { Scoring } from "./contract.js";
import type { Forced } from "./evaluator.js";
import { type Spread, SpreadMeter } from "./spread.js";

/** What teacher-forced scoring of any examples finds. */
export interface ForcedScores {
  /** Cross-entropy in nats a token. */
  readonly loss: number;
  /** Where the model has attention. */
  readonly attention?: Spread | undefined;
}

/**
 * Scores examples against their own first targets.
 * @param attended what the task makes of the attention over an example: its rows, and how many places are of the source; where it asks
 */
export async function scoreForced<Example, Prepared>(
  { evaluator, parameters }: Scoring<Example, Prepared>,
  examples: readonly Example[],
  attended?: (
    example: Example,
    weights: NonNullable<Forced<Example>["weights"]>,
  ) => { readonly rows: readonly ArrayLike<number>[]; readonly places: number },
): Promise<ForcedScores> {
  let [total, tokens] = [0, 0];
  const meter = new SpreadMeter();
  for await (const found of evaluator.force(parameters, examples)) {
    total += found.loss;
    tokens += found.decisions;
    if (!found.weights || !attended) continue;
    const { rows, places } = attended(found.example, found.weights);
    meter.add(rows, places);
  }
  return { loss: total / tokens, attention: meter.mean };
}
