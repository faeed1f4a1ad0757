import { formatShape, ShapeError, type Tensor, UsageError } from "../core/index.js";
import { linear, type Scope } from "../nn/index.js";
import { matmul, mul, reshape, softmax, squeeze, transpose, unsqueeze } from "../ops/index.js";

// Attention in several subspaces at once. Axes: B batch, H heads, T places that look, S places that are looked at, F features.

/** What is kept of the places that are looked at, [B, H, S, F / H] each. */
export interface KeysAndValues {
  readonly keys: Tensor;
  readonly values: Tensor;
}

/** What an attention with heads returns; without T where there was one query. */
export interface HeadsAttended {
  /** What the heads found, put together, [B, T, F]. */
  readonly context: Tensor;
  /** How much of each place went into each head's, [B, H, T, S]; distributions over unmasked places, 0 elsewhere. */
  readonly weights: Tensor;
  /** What the weights were made from, before mask and softmax, [B, H, T, S]. */
  readonly scores: Tensor;
}

/** An attention with heads and its parameters in place. */
export interface MultiHead {
  /**
   * @param queries [B, T, F], or one a row, [B, F]
   * @param mask bool, broadcast to [B, H, T, S] or [B, H, S]: true where a place may be looked at
   */
  (queries: Tensor, kept: KeysAndValues, mask?: Tensor): HeadsAttended;
  /** Keys and values of places [B, S, F], or of one a row, [B, F]. */
  keep(places: Tensor): KeysAndValues;
}

/**
 * Multi-head attention (Vaswani et al. 2017, section 3.2.2): each head projects queries, keys and values to F / H features,
 * weighs by softmax(Q Kᵀ / √(F / H)), and a last projection puts the heads together.
 * @throws UsageError where the features do not divide into heads
 */
export function multiHead(
  scope: Scope,
  { features, heads }: { readonly features: number; readonly heads: number },
): MultiHead {
  if (features % heads !== 0)
    throw new UsageError(
      `multi-head attention: ${features} features do not divide into ${heads} heads; make the features a multiple of the heads.`,
    );
  const width = features / heads;
  const projection = (name: string) => linear(scope.at(name), { input: features, output: features });
  const [queryOf, keyOf, contentOf, together] = ["query", "key", "value", "output"].map(projection) as [
    ReturnType<typeof projection>,
    ReturnType<typeof projection>,
    ReturnType<typeof projection>,
    ReturnType<typeof projection>,
  ];
  /** [B, N, F] or [B, F] to [B, H, N, F / H] */
  const apart = (x: Tensor): Tensor => {
    const [batch, places] = x.shape.length === 2 ? [x.shape[0], 1] : x.shape;
    return transpose(reshape(x, [batch!, places!, heads, width]), [0, 2, 1, 3]);
  };
  /** @throws ShapeError where something has other features or axes */
  const checked = (x: Tensor): Tensor => {
    if ((x.shape.length !== 2 && x.shape.length !== 3) || x.shape.at(-1) !== features)
      throw new ShapeError(
        `multi-head attention: ${formatShape(x.shape)} should be [batch, places, ${features}] or [batch, ${features}]; give the features that the scope was made with.`,
      );
    return x;
  };
  const attend = (queries: Tensor, { keys, values }: KeysAndValues, mask?: Tensor): HeadsAttended => {
    const one = queries.shape.length === 2;
    // The query is the smaller of what might be scaled.
    const scaled = mul(apart(queryOf(checked(queries))), 1 / Math.sqrt(width));
    const products = matmul(scaled, keys, { transposeRight: true });
    const scores = one ? squeeze(products, 2) : products;
    const weights = softmax(scores, mask ? { mask } : {});
    const found = matmul(one ? unsqueeze(weights, 2) : weights, values); // [B, H, T, F / H]
    return { context: together(reshape(transpose(found, [0, 2, 1, 3]), queries.shape)), weights, scores };
  };
  return Object.assign(attend, {
    keep: (places: Tensor): KeysAndValues => ({
      keys: apart(keyOf(checked(places))),
      values: apart(contentOf(places)),
    }),
  });
}
