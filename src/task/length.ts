import { UsageError } from "../core/index.js";
import { MAX_LENGTH, type Splits } from "../data/index.js";
import type { Task } from "./contract.js";

/** Examples that are short enough, with a sentence on those that are not, where there are any. */
export interface Fitting<Example> {
  readonly fitting: readonly Example[];
  readonly notes: readonly string[];
}

/**
 * The examples none of whose texts has more than `most` tokens as the vocabularies part them: a word may be many pieces.
 */
export function fittingExamples<Example, Prepared>(
  task: Task<Example, Prepared>,
  examples: readonly Example[],
  prepared: Prepared,
  most: number = MAX_LENGTH,
): Fitting<Example> {
  if (!task.longest) return { fitting: examples, notes: [] };
  let longest = 0;
  const fitting = examples.filter((example) => {
    const length = task.longest!(example, prepared);
    longest = Math.max(longest, length);
    return length <= most;
  });
  const left = examples.length - fitting.length;
  return {
    fitting,
    notes:
      left > 0
        ? [
            `${left} of ${examples.length} ${task.examples} ${left === 1 ? "has" : "have"} more than ${most} tokens and ${left === 1 ? "is" : "are"} left out; the longest has ${longest}; --max-length keeps longer ones.`,
          ]
        : [],
  };
}

/** Data without what is too long to be trained on. @throws UsageError where nothing is left to train or to validate on */
export function fittingData<Example, Prepared>(
  task: Task<Example, Prepared>,
  data: Splits<Example>,
  prepared: Prepared,
  most?: number,
): Splits<Example> {
  const [train, validation] = [data.train, data.validation].map((examples) =>
    fittingExamples(task, examples, prepared, most),
  ) as [Fitting<Example>, Fitting<Example>];
  const notes = [...(data.notes ?? []), ...train.notes, ...validation.notes];
  for (const [role, { fitting }] of [
    ["training", train],
    ["validation", validation],
  ] as const)
    if (fitting.length === 0)
      throw new UsageError(
        `no ${task.examples} are left for ${role}: ${notes.join(" ")} Raise --max-length, or give more data.`,
      );
  return { ...data, train: train.fitting, validation: validation.fitting, notes };
}
