/**
 * How much of each place reaches each place through layers of self-attention: the product of ½ A + ½ I over the layers, the lowest first, where
 * the half that is not attention is what goes round it (Abnar & Zuidema 2020, "Quantifying attention flow in transformers", section 3).
 * @param layers of each layer, the mean of its heads, [place that looks, place]
 * @returns [place that looks, place]; rows add up to 1
 */
export function rollout(layers: readonly (readonly ArrayLike<number>[])[]): number[][] {
  const [first] = layers;
  let flow = (first ?? []).map((_, row) => Array.from(first!, (_, place): number => (row === place ? 1 : 0)));
  for (const layer of layers)
    flow = layer.map((weights, row) =>
      flow.map((_, place) => {
        let sum = 0.5 * flow[row]![place]!;
        for (let through = 0; through < flow.length; through++)
          sum += 0.5 * weights[through]! * flow[through]![place]!;
        return sum;
      }),
    );
  return flow;
}

/** The mean over heads of weights [heads, places that look, places], by rows. */
export function meanOfHeads(shape: readonly number[], data: ArrayLike<number>): number[][] {
  const [heads, queries, places] = shape as [number, number, number];
  return Array.from({ length: queries }, (_, query) =>
    Array.from({ length: places }, (_, place) => {
      let sum = 0;
      for (let head = 0; head < heads; head++) sum += data[(head * queries + query) * places + place]!;
      return sum / heads;
    }),
  );
}
