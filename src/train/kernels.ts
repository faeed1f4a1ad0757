import { RegardError } from "../core/index.js";
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

/** What WebAssembly is called by here; the types of Node have none of it. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly env: { readonly memory: object } },
  ) => { readonly exports: unknown };
  readonly Memory: new (pages: {
    readonly initial: number;
    readonly maximum: number;
  }) => { readonly buffer: ArrayBuffer };
};

/** Elements in a cache line. Stretches that kernels are given begin and end at multiples of it. */
export const GRAIN = 16;

const PAGE = 65_536;
/** Pages that a 32-bit address reaches: 4 GiB. */
const MOST_PAGES = 65_536;

let module: object | undefined;

/**
 * `count` arrays of zeros, `length` elements each, in a memory of their own, and the kernels that work on it. The memory never
 * grows, since that would take it away from the arrays.
 * @throws RegardError where they need more memory than there is
 */
export function kernelArrays(count: number, length: number): { kernels: Kernels; arrays: Float32Array[] } {
  const bytes = count * length * Float32Array.BYTES_PER_ELEMENT;
  const pages = Math.max(1, Math.ceil(bytes / PAGE));
  const problem = (limit: string) =>
    new RegardError(
      `${length} parameters, their gradient and what the optimizer remembers of them take ${(bytes / 2 ** 30).toFixed(1)} GiB, more than ${limit}; make the model smaller or choose an optimizer that remembers less, such as sgd.`,
    );
  if (pages > MOST_PAGES) throw problem("the 4 GiB that WebAssembly reaches");
  let memory: { readonly buffer: ArrayBuffer };
  try {
    memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch {
    throw problem("there is room for");
  }
  module ??= new WebAssembly.Module(kernelBytes);
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return {
    kernels: exports as Kernels,
    arrays: Array.from(
      { length: count },
      (_, index) => new Float32Array(memory.buffer, index * length * Float32Array.BYTES_PER_ELEMENT, length),
    ),
  };
}
