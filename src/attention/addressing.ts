import { ShapeError, type Tensor } from "../core/index.js";
import { add, concat, div, log, matmul, mul, reduceSum, slice, softmax, sqrt, square } from "../ops/index.js";

// How a head finds its places in a memory (Graves, Wayne & Danihelka 2014, section 3.3). Axes: B batch, H heads, N places of the
// memory, W features of a place. Numbers in brackets are the paper's equations.

/** Far below what any weight or length is that matters, and above what single precision loses. */
const TINY = 1e-12;

const unit = (x: Tensor): Tensor => div(x, sqrt(add(reduceSum(square(x), { axes: -1, keep: true }), TINY)));

/**
 * Places whose content is like the key: the softmax over places of strength × cosine of the angle between key and content. (5), (6)
 * @param keys [B, H, W]
 * @param strengths β, above 0, [B, H, 1]
 * @param memory [B, N, W]
 * @returns [B, H, N]
 */
export const contentWeights = (keys: Tensor, strengths: Tensor, memory: Tensor): Tensor =>
  softmax(mul(strengths, matmul(unit(keys), unit(memory), { transposeRight: true })));

/** A share `gates` [B, H, 1] of `weights`, and the rest of those before, [B, H, N] each. (7) */
export const interpolate = (weights: Tensor, gates: Tensor, before: Tensor): Tensor =>
  add(mul(gates, weights), mul(add(mul(gates, -1), 1), before));

/**
 * Weights moved along the places, which form a ring: a circular convolution. (8)
 * @param weights [B, H, N]
 * @param shifts how much of them moves by −R … R places, [B, H, 2R + 1]
 * @throws ShapeError where the places are fewer than the shifts, or the shifts no odd number
 */
export function circularShift(weights: Tensor, shifts: Tensor): Tensor {
  const places = weights.shape.at(-1);
  const count = shifts.shape.at(-1);
  if (typeof places !== "number" || typeof count !== "number" || count % 2 === 0 || count > places)
    throw new ShapeError(
      `circularShift: ${count} shifts over ${places} places; give an odd number of shifts, known and at most as many as places.`,
    );
  const range = (count - 1) / 2;
  const last = weights.shape.length - 1;
  if (range === 0) return mul(weights, shifts);
  const ring = concat(
    [slice(weights, last, places - range, range), weights, slice(weights, last, 0, range)],
    last,
  );
  // What moves by `shift` comes to a place from as far before it.
  return Array.from({ length: count }, (_, index) =>
    mul(slice(ring, last, 2 * range - index, places), slice(shifts, last, index, 1)),
  ).reduce((a, b) => add(a, b));
}

/** Weights [B, H, N] to a power γ ≥ 1, [B, H, 1], that add up to 1 again: wᵞ / Σ wᵞ, as a softmax of γ log w. (9) */
export const sharpen = (weights: Tensor, powers: Tensor): Tensor =>
  softmax(mul(powers, log(add(weights, TINY))));

/** What heads say of where they want to look. */
export interface Addressing {
  /** Keys k, [B, H, W], and their strengths β > 0, [B, H, 1]. */
  readonly keys: Tensor;
  readonly strengths: Tensor;
  /** How much is by content, in place of where the head was: g from 0 to 1, [B, H, 1]. */
  readonly gates: Tensor;
  /** Shares s of the shifts −R … R, which add up to 1, [B, H, 2R + 1]. */
  readonly shifts: Tensor;
  /** γ ≥ 1, [B, H, 1]. */
  readonly powers: Tensor;
}

/** Where heads look: by content, by where they were `before` [B, H, N], or both (figure 2). Weights over places, [B, H, N]. */
export function address(
  { keys, strengths, gates, shifts, powers }: Addressing,
  memory: Tensor,
  before: Tensor,
): Tensor {
  const content = contentWeights(keys, strengths, memory);
  return sharpen(circularShift(interpolate(content, gates, before), shifts), powers);
}

/** What heads read at weights [B, H, N] of a memory [B, N, W]: [B, H, W]. (2) */
export const readMemory = (memory: Tensor, weights: Tensor): Tensor => matmul(weights, memory);

/**
 * A memory after heads have written at weights [B, H, N]: all erase, then all add. (3), (4)
 * @param erase from 0 to 1, [B, H, W]
 * @param added [B, H, W]
 */
export function writeMemory(memory: Tensor, weights: Tensor, erase: Tensor, added: Tensor): Tensor {
  const heads = weights.shape[1] as number;
  const outer = (head: number): Tensor =>
    matmul(slice(weights, 1, head, 1), slice(erase, 1, head, 1), { transposeLeft: true }); // [B, N, W]
  let kept = memory;
  for (let head = 0; head < heads; head++) kept = mul(kept, add(mul(outer(head), -1), 1));
  return add(kept, matmul(weights, added, { transposeLeft: true }));
}
