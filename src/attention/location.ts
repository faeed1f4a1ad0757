import type { Tensor } from "../core/index.js";
import { glorotUniform, linear, normal, type Scope, zeros } from "../nn/index.js";
import {
  abs,
  add,
  and,
  cast,
  concat,
  div,
  expand,
  fill,
  gather,
  greaterEqual,
  less,
  lessEqual,
  matmul,
  mul,
  range,
  reduceSum,
  reshape,
  sigmoid,
  softmax,
  squeeze,
  stopGradient,
  sub,
  tanh,
  unsqueeze,
  where,
} from "../ops/index.js";
import type { Attended, AttentionSizes } from "./mechanism.js";

/** How attention that sees where it looked before is built. */
export interface LocationOptions {
  /** Filters that go over what was weighed before; 0 for attention to contents alone. */
  readonly filters: number;
  /** Places that a filter sees, an odd number. */
  readonly taps: number;
  /** Whether places share their weights more evenly, by σ in place of exp. */
  readonly smooth: boolean;
  /** Places on each side of where it looked before that can be looked at; 0 for all. */
  readonly window: number;
}

/** Location-aware attention with its parameters in place. Axes: B batch, S places, Q query features, D value features, K compared. */
export interface LocationAttend {
  /** The part of scoring that depends on the values alone, [B, S, K]. */
  keys(values: Tensor): Tensor;
  /**
   * @param query [B, Q]
   * @param values [B, S, D]
   * @param mask bool [B, S]
   * @param keys `keys(values)`
   * @param before what was weighed at the step before, [B, S]
   */
  (query: Tensor, values: Tensor, mask: Tensor, keys: Tensor, before: Tensor): Attended;
}

/** What is added to a sum of shares, so that none is divided by none. */
const TINY = 1e-30;

/** All weight on the first place, [B, S]: what was weighed before the first step. */
export function firstPlace(mask: Tensor, dtype: Tensor["dtype"]): Tensor {
  const [, places] = mask.shape;
  return expand(unsqueeze(cast(less(range(places!, "int32"), 1), dtype), 0), mask.shape);
}

/**
 * Attention that sees what it looked at before (Chorowski et al. 2015, equations 6 to 9): e_j = wᵀ tanh(W s + V h_j + U f_j + b), where
 * f = F ∗ α of the step before; α is a softmax of e, or σ(e) / Σ σ(e) (Section 2.3).
 */
export function locationAware(
  scope: Scope,
  { query, key, hidden }: AttentionSizes,
  { filters, taps, smooth, window }: LocationOptions,
): LocationAttend {
  const queryOf = linear(scope.at("query"), { input: query, output: hidden, bias: false });
  const keyOf = linear(scope.at("key"), { input: key, output: hidden });
  const vector = scope.parameter("vector", [hidden, 1], glorotUniform);
  // Only with σ does adding to every score change a weight.
  const bias = smooth ? scope.parameter("bias", [1], zeros) : undefined;
  const filter = filters > 0 ? scope.parameter("filter", [taps, filters], normal(1 / taps)) : undefined;
  const placeOf = linear(scope.at("place"), { input: Math.max(1, filters), output: hidden, bias: false });
  const middle = (taps - 1) / 2;

  /**
   * F as a matrix that a row of weights [B, S] is multiplied by to be convolved with: [S, S · filters]. A product is the same for
   * every batch and step, so its gradient is one product too.
   */
  const band = (places: Tensor["shape"][number], dtype: Tensor["dtype"]): Tensor => {
    const at = range(places, "int32");
    const offset = add(sub(unsqueeze(at, 0), unsqueeze(at, 1)), middle); // [from, to]
    const inside = and(greaterEqual(offset, 0), less(offset, taps));
    const none = fill(0, { dtype, shape: [1, filters] });
    const all = gather(concat([filter!, none], 0), where(inside, offset, taps)); // [S, S, filters]
    return reshape(all, [places, `${places}*${filters}`]);
  };

  const attend = (state: Tensor, values: Tensor, mask: Tensor, keys: Tensor, before: Tensor): Attended => {
    const [batch, places] = mask.shape as [Tensor["shape"][number], Tensor["shape"][number]];
    let compared = add(unsqueeze(queryOf(state), 1), keys); // [B, S, K]
    if (filter) {
      const seen = reshape(matmul(before, band(places, before.dtype)), [batch, places, filters]);
      compared = add(compared, placeOf(seen));
    }
    const raw = squeeze(matmul(tanh(compared), vector), -1);
    const scores = bias ? add(raw, bias) : raw;
    let seen = mask;
    if (window > 0) {
      // Around where it looked before, on the average.
      const at = cast(range(places, "int32"), before.dtype);
      const centre = stopGradient(reduceSum(mul(before, at), { axes: 1, keep: true })); // [B, 1]
      seen = and(mask, lessEqual(abs(sub(unsqueeze(at, 0), centre)), window));
    }
    const shares = smooth ? where(seen, sigmoid(scores), 0) : undefined;
    const weights = shares
      ? div(shares, add(reduceSum(shares, { axes: 1, keep: true }), TINY))
      : softmax(scores, { mask: seen });
    return { context: squeeze(matmul(unsqueeze(weights, 1), values), 1), weights, scores };
  };
  return Object.assign(attend, { keys: keyOf });
}
