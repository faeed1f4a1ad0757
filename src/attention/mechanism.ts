import { formatShape, ShapeError, type Tensor } from "../core/index.js";
import type { Scope } from "../nn/index.js";
import { matmul, reshape, softmax, squeeze, unsqueeze } from "../ops/index.js";

/**
 * What every attention returns. Axes: B batch, S places attended to, Q query features, D value features.
 */
export interface Attended {
  /** The weighted sum of the values, [B, D]. */
  readonly context: Tensor;
  /** How much of each place went into it, [B, S]; a distribution over unmasked places, 0 elsewhere. */
  readonly weights: Tensor;
  /** What the weights were made from, before mask and softmax, [B, S]. */
  readonly scores: Tensor;
}

/** An attention with its parameters in place. */
export interface Attend {
  /**
   * @param query [B, Q]
   * @param values [B, S, D]: what is attended to
   * @param mask bool [B, S], true where there is something to attend to
   * @param keys `attend.keys(values)`, where a caller keeps them between calls
   */
  (query: Tensor, values: Tensor, mask?: Tensor, keys?: Tensor): Attended;
  /** The weighted sum of values [B, S, D] by weights [B, S] that a caller has, [B, D]. */
  pool(weights: Tensor, values: Tensor): Tensor;
  /** The part of scoring that does not depend on the query, [B, S, K]. In a scan it is computed once, before the loop. */
  keys(values: Tensor): Tensor;
}

/** Features of a query, of the values, and of what both are compared in. */
export interface AttentionSizes {
  readonly query: number;
  /** Features of the values. */
  readonly key: number;
  /** Features in which query and key are compared, where the mechanism has them. */
  readonly hidden: number;
}

/** A way to score places: what to keep of the values, and a score for a query, [B, Q] and [B, S, K] to [B, S]. */
export interface Score {
  keys(values: Tensor): Tensor;
  scores(query: Tensor, keys: Tensor): Tensor;
}

/** Makes an attention with its parameters in a scope. */
export type Mechanism = (scope: Scope, sizes: AttentionSizes) => Attend;

/** How places were scored, by the weights that came of it. */
const scorings = new WeakMap<Tensor, Scoring>();

/** How places were scored: the name of the mechanism, and the scores before mask and softmax, [B, S]. */
export interface Scoring {
  readonly mechanism: string;
  readonly scores: Tensor;
}

/** How weights of a mechanism came about; undefined of weights that none made. */
export const scoringOf = (weights: Tensor): Scoring | undefined => scorings.get(weights);

/** Turns a score into an attention: masked softmax over places, then the weighted sum of the values. */
export function mechanism(name: string, score: (scope: Scope, sizes: AttentionSizes) => Score): Mechanism {
  return (scope, sizes) => {
    const { keys, scores: scoreOf } = score(scope, sizes);
    const attend = (query: Tensor, values: Tensor, mask?: Tensor, known: Tensor = keys(values)): Attended => {
      if (query.shape.at(-1) !== sizes.query || values.shape.at(-1) !== sizes.key)
        throw new ShapeError(
          `${name} attention: the query ${formatShape(query.shape)} and values ${formatShape(values.shape)} should end in ${sizes.query} and ${sizes.key} features; give the sizes the scope was made with.`,
        );
      const scores = scoreOf(query, known);
      const weights = softmax(scores, mask ? { mask } : {});
      scorings.set(weights, { mechanism: name, scores });
      return { context: pool(weights, values), weights, scores };
    };
    return Object.assign(attend, { keys, pool });
  };
}

const pool = (weights: Tensor, values: Tensor): Tensor => squeeze(matmul(unsqueeze(weights, 1), values), 1);

/** A [B, K] and keys [B, S, K] to their products [B, S]. */
export const products = (query: Tensor, keys: Tensor): Tensor =>
  reshape(matmul(keys, unsqueeze(query, 2)), keys.shape.slice(0, 2));
