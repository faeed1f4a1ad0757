// The optimizers' update rules, each in one pass over memory: parameters and what an optimizer remembers of them change in
// place. AssemblyScript; `scripts/kernels.mjs` compiles it to WebAssembly with SIMD.
//
// Elements are float32. Addresses are bytes and multiples of 16, counts are multiples of 8. Numbers come in double precision
// and are rounded once, after what is computed of them. `scale` is what the gradient is multiplied by (clipping).

/** Bytes of four elements. */
const VECTOR: usize = 16;

function all(value: f64): v128 {
  return f32x4.splat(<f32>value);
}

/** Numbers that are too small to be held in full precision become 0: most processors are many times slower with them. */
function settled(x: v128): v128 {
  return v128.and(x, f32x4.ge(f32x4.abs(x), f32x4.splat(f32.MIN_NORMAL_VALUE)));
}

function squares(x: v128): v128 {
  const low = f64x2.promote_low_f32x4(x);
  const high = f64x2.promote_low_f32x4(v128.shuffle<u64>(x, x, 1, 0));
  return f64x2.add(f64x2.mul(low, low), f64x2.mul(high, high));
}

/** The Euclidean norm of `count` elements, summed in double precision. */
export function norm(from: usize, count: usize): f64 {
  let even = f64x2.splat(0);
  let odd = f64x2.splat(0);
  const end = from + (count << 2);
  for (let at = from; at < end; at += 2 * VECTOR) {
    even = f64x2.add(even, squares(v128.load(at)));
    odd = f64x2.add(odd, squares(v128.load(at, VECTOR)));
  }
  const sums = f64x2.add(even, odd);
  return sqrt(f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1));
}

/** v ← momentum · v + g, p ← p − rate · v; p ← p − rate · g where `velocity` is 0. */
export function sgd(
  parameter: usize,
  gradient: usize,
  velocity: usize,
  count: usize,
  scale: f64,
  rate: f64,
  momentum: f64,
): void {
  const scales = all(scale);
  const rates = all(rate);
  const momenta = all(momentum);
  const bytes = count << 2;
  for (let at: usize = 0; at < bytes; at += VECTOR) {
    let change = f32x4.mul(v128.load(gradient + at), scales);
    if (velocity) {
      change = settled(f32x4.add(f32x4.mul(v128.load(velocity + at), momenta), change));
      v128.store(velocity + at, change);
    }
    v128.store(parameter + at, f32x4.sub(v128.load(parameter + at), f32x4.mul(change, rates)));
  }
}

/**
 * m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², p ← p − (rate · m / (√v · correction + ε) + decay · p), where `rate` holds
 * the correction of m for its start at 0 and `correction` that of √v.
 */
export function adam(
  parameter: usize,
  gradient: usize,
  first: usize,
  second: usize,
  count: usize,
  scale: f64,
  rate: f64,
  beta1: f64,
  beta2: f64,
  correction: f64,
  epsilon: f64,
  decay: f64,
): void {
  const scales = all(scale);
  const rates = all(rate);
  const kept1 = all(beta1);
  const taken1 = all(1 - beta1);
  const kept2 = all(beta2);
  const taken2 = all(1 - beta2);
  const corrections = all(correction);
  const epsilons = all(epsilon);
  const decays = all(decay);
  const bytes = count << 2;
  for (let at: usize = 0; at < bytes; at += VECTOR) {
    const g = f32x4.mul(v128.load(gradient + at), scales);
    const m = settled(f32x4.add(f32x4.mul(v128.load(first + at), kept1), f32x4.mul(g, taken1)));
    const v = settled(
      f32x4.add(f32x4.mul(v128.load(second + at), kept2), f32x4.mul(f32x4.mul(g, g), taken2)),
    );
    v128.store(first + at, m);
    v128.store(second + at, v);
    const p = v128.load(parameter + at);
    const change = f32x4.div(f32x4.mul(m, rates), f32x4.add(f32x4.mul(f32x4.sqrt(v), corrections), epsilons));
    v128.store(parameter + at, f32x4.sub(p, f32x4.add(change, f32x4.mul(p, decays))));
  }
}

/** s ← ρ s + (1 − ρ) g², d = √(u + ε) / √(s + ε) · g, u ← ρ u + (1 − ρ) d², p ← p − rate · d. */
export function adadelta(
  parameter: usize,
  gradient: usize,
  gradients: usize,
  updates: usize,
  count: usize,
  scale: f64,
  rate: f64,
  rho: f64,
  epsilon: f64,
): void {
  const scales = all(scale);
  const rates = all(rate);
  const kept = all(rho);
  const taken = all(1 - rho);
  const epsilons = all(epsilon);
  const bytes = count << 2;
  for (let at: usize = 0; at < bytes; at += VECTOR) {
    const g = f32x4.mul(v128.load(gradient + at), scales);
    const s = settled(
      f32x4.add(f32x4.mul(v128.load(gradients + at), kept), f32x4.mul(f32x4.mul(g, g), taken)),
    );
    const u = v128.load(updates + at);
    const change = f32x4.mul(
      f32x4.div(f32x4.sqrt(f32x4.add(u, epsilons)), f32x4.sqrt(f32x4.add(s, epsilons))),
      g,
    );
    v128.store(gradients + at, s);
    v128.store(
      updates + at,
      settled(f32x4.add(f32x4.mul(u, kept), f32x4.mul(f32x4.mul(change, change), taken))),
    );
    v128.store(parameter + at, f32x4.sub(v128.load(parameter + at), f32x4.mul(change, rates)));
  }
}

/** s ← ρ s + (1 − ρ) g², d = g / (√s + ε), v ← momentum · v + d, p ← p − rate · v; p ← p − rate · d where `velocity` is 0. */
export function rmsprop(
  parameter: usize,
  gradient: usize,
  second: usize,
  velocity: usize,
  count: usize,
  scale: f64,
  rate: f64,
  rho: f64,
  epsilon: f64,
  momentum: f64,
): void {
  const scales = all(scale);
  const rates = all(rate);
  const kept = all(rho);
  const taken = all(1 - rho);
  const epsilons = all(epsilon);
  const momenta = all(momentum);
  const bytes = count << 2;
  for (let at: usize = 0; at < bytes; at += VECTOR) {
    const g = f32x4.mul(v128.load(gradient + at), scales);
    const s = settled(f32x4.add(f32x4.mul(v128.load(second + at), kept), f32x4.mul(f32x4.mul(g, g), taken)));
    v128.store(second + at, s);
    let change = f32x4.div(g, f32x4.add(f32x4.sqrt(s), epsilons));
    if (velocity) {
      change = settled(f32x4.add(f32x4.mul(v128.load(velocity + at), momenta), change));
      v128.store(velocity + at, change);
    }
    v128.store(parameter + at, f32x4.sub(v128.load(parameter + at), f32x4.mul(change, rates)));
  }
}

/** s ← s + g², p ← p − rate · g / (√s + ε). */
export function adagrad(
  parameter: usize,
  gradient: usize,
  sum: usize,
  count: usize,
  scale: f64,
  rate: f64,
  epsilon: f64,
): void {
  const scales = all(scale);
  const rates = all(rate);
  const epsilons = all(epsilon);
  const bytes = count << 2;
  for (let at: usize = 0; at < bytes; at += VECTOR) {
    const g = f32x4.mul(v128.load(gradient + at), scales);
    const s = f32x4.add(v128.load(sum + at), f32x4.mul(g, g));
    v128.store(sum + at, s);
    v128.store(
      parameter + at,
      f32x4.sub(
        v128.load(parameter + at),
        f32x4.mul(f32x4.div(g, f32x4.add(f32x4.sqrt(s), epsilons)), rates),
      ),
    );
  }
}
