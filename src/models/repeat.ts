import { type Dimension, multiplyDimensions, RegardError, type Tensor } from "../core/index.js";
import { concat } from "../ops/index.js";
import type { Tensors } from "./contract.js";

/** Targets an input may have. */
const MOST = 64;

/**
 * What was read of inputs as often as each has targets: [B, …] to [targets · B, …], all inputs, then all again.
 * @param rows targets · B, the batch of the targets
 * @throws RegardError where that is no multiple of the batch
 */
export function repeated<Read extends Tensors>(tensors: Read, rows: Dimension): Read {
  const names = Object.keys(tensors);
  const batch = names.length > 0 ? tensors[names[0]!]!.shape[0]! : rows;
  let targets = 1;
  while (multiplyDimensions(targets, batch) !== rows)
    if (++targets > MOST)
      throw new RegardError(
        `a batch of ${rows} targets is no multiple of the ${batch} inputs they are for; give every input as many.`,
      );
  if (targets === 1) return tensors;
  const repeat = (tensor: Tensor) => concat(new Array<Tensor>(targets).fill(tensor), 0);
  return Object.fromEntries(names.map((name) => [name, repeat(tensors[name]!)])) as Read;
}
