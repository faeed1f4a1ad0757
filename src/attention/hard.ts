import { RegardError, type Shape, type Tensor } from "../core/index.js";
import type { Mode } from "../nn/index.js";
import {
  argMax,
  cast,
  constant,
  lessEqual,
  matmul,
  minimum,
  mul,
  oneHot,
  reduceSum,
  slice,
  stopGradient,
  unsqueeze,
} from "../ops/index.js";

// Hard attention looks at one place: the context is that place's features. Axes: B batch, S places.

const placesOf = (operation: string, weights: Tensor): number => {
  const places = weights.shape[1];
  if (typeof places !== "number")
    throw new RegardError(
      `${operation}: the weights [${weights.shape.join(", ")}] should have a number of places that is known; give the size of the grid.`,
    );
  return places;
};

/**
 * One place for each row, drawn from its weights [B, S] by a number that is uniform in [0, 1), [B]: the place at which the
 * sum of the weights passes that number.
 * @returns 1 at the place and 0 elsewhere, [B, S]; no gradient passes
 * @throws RegardError where the number of places is not known
 */
export function samplePlace(weights: Tensor, uniform: Tensor): Tensor {
  const places = placesOf("samplePlace", weights);
  const upTo = constant(
    Array.from({ length: places * places }, (_, flat) =>
      Math.floor(flat / places) <= flat % places ? 1 : 0,
    ),
    { dtype: weights.dtype, shape: [places, places] },
  );
  const sums = matmul(stopGradient(weights), upTo); // [B, S]: of the weights up to each place
  // Rounding may leave the whole short of 1, so the number is a share of it.
  const mark = mul(slice(sums, 1, places - 1, 1), unsqueeze(uniform, 1));
  const passed = reduceSum(cast(lessEqual(sums, mark), weights.dtype), { axes: 1 });
  return oneHot(cast(minimum(passed, places - 1), "int32"), places, weights.dtype);
}

/**
 * The place of greatest weight of each row.
 * @returns 1 at the place and 0 elsewhere, [B, S]; no gradient passes
 * @throws RegardError where the number of places is not known
 */
export const greatestPlace = (weights: Tensor): Tensor =>
  oneHot(argMax(weights), placesOf("greatestPlace", weights), weights.dtype);

/**
 * How one place is picked in a mode: drawn from the weights where it samples, by `chances`, otherwise the likeliest.
 * @param name of the noise
 * @param shape of the noise: [B], or [T, B] to be taken apart by a scan
 */
export function placePicker(
  mode: Mode,
  name: string,
  shape: Shape,
): {
  /** Whether a place is drawn: otherwise there is nothing to learn from which it was. */
  readonly drawn: boolean;
  /** What `pick` needs of chance; no entries where nothing is drawn. */
  readonly chances: Readonly<Record<string, Tensor>>;
  /** One place of weights [B, S], by the chances of one step. */
  pick(weights: Tensor, chances: Readonly<Record<string, Tensor>>): Tensor;
} {
  if (!mode.sampling) return { drawn: false, chances: {}, pick: greatestPlace };
  return {
    drawn: true,
    chances: { chance: mode.chance(name, shape, "uniform") },
    pick: (weights, { chance }) => samplePlace(weights, chance!),
  };
}
