import type { Tensor } from "../core/index.js";
import { concat } from "../ops/index.js";
import type { BatchTensors } from "./contract.js";

/** What was read of sources as often as each has targets: [B, …] to [targets · B, …], all sources, then all again. */
export function repeated<Tensors extends BatchTensors>(tensors: Tensors, targets = 1): Tensors {
  if (targets === 1) return tensors;
  const repeat = (tensor: Tensor) => concat(new Array<Tensor>(targets).fill(tensor), 0);
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, repeat(tensor)]),
  ) as Tensors;
}
