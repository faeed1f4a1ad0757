import { functionsOver, MOST_BYTES, memoryOf, RegardError, type WebAssemblyMemory } from "../core/index.js";
import { kernelBytes } from "./kernels.generated.js";

/**
 * Update rules and the norm, compiled from kernels/optimizer.ts, where they are described. Addresses are bytes
 * (`byteOffset` of the arrays that `kernelArrays` made), counts are elements and multiples of `GRAIN`.
 */
export interface Kernels {
  norm(from: number, count: number): number;
  sgd(
    parameter: number,
    gradient: number,
    velocity: number,
    count: number,
    scale: number,
    rate: number,
    momentum: number,
  ): void;
  adam(
    parameter: number,
    gradient: number,
    first: number,
    second: number,
    count: number,
    scale: number,
    rate: number,
    beta1: number,
    beta2: number,
    correction: number,
    epsilon: number,
    decay: number,
  ): void;
  adadelta(
    parameter: number,
    gradient: number,
    gradients: number,
    updates: number,
    count: number,
    scale: number,
    rate: number,
    rho: number,
    epsilon: number,
  ): void;
  rmsprop(
    parameter: number,
    gradient: number,
    second: number,
    velocity: number,
    count: number,
    scale: number,
    rate: number,
    rho: number,
    epsilon: number,
    momentum: number,
  ): void;
  adagrad(
    parameter: number,
    gradient: number,
    sum: number,
    count: number,
    scale: number,
    rate: number,
    epsilon: number,
  ): void;
}

/** Elements in a cache line. Stretches that kernels are given begin and end at multiples of it. */
export const GRAIN = 16;

/**
 * `count` arrays of zeros, `length` elements each, in a memory of their own, and the kernels that work on it.
 * @param workspace bytes behind them that others work in
 * @throws RegardError where they need more memory than there is
 */
export function kernelArrays(
  count: number,
  length: number,
  workspace = 0,
): { kernels: Kernels; arrays: Float32Array[]; memory: WebAssemblyMemory; workspace: number } {
  const bytes = count * length * Float32Array.BYTES_PER_ELEMENT;
  const problem = (limit: string) =>
    new RegardError(
      `${length} parameters, their gradient and what the optimizer remembers of them take ${((bytes + workspace) / 2 ** 30).toFixed(1)} GiB, more than ${limit}; make the model smaller or choose an optimizer that remembers less, such as sgd.`,
    );
  if (bytes + workspace > MOST_BYTES) throw problem("the 4 GiB that WebAssembly reaches");
  let memory: WebAssemblyMemory;
  try {
    memory = memoryOf(bytes + workspace);
  } catch {
    throw problem("there is room for");
  }
  return {
    kernels: functionsOver<Kernels>(kernelBytes, memory),
    arrays: Array.from(
      { length: count },
      (_, index) => new Float32Array(memory.buffer, index * length * Float32Array.BYTES_PER_ELEMENT, length),
    ),
    memory,
    workspace: bytes,
  };
}
