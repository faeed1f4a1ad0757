import { type Dimension, reachableNodes, sameShape, type Tensor } from "../core/index.js";
import { reshape } from "../ops/index.js";
import type { Look } from "./look.js";
import { scoringOf } from "./mechanism.js";

/** What a look weighs, and what becomes of it. Axes: B batch, P places, D features. */
export interface Weighing<Kind = Tensor> {
  /** What is weighed by, [B, P]. */
  readonly by: Kind;
  /** The features of the places, [B, P, D]. */
  readonly values: Kind;
  /** Their weighted sum, [B, D]; absent where the products are handed on as they are. */
  readonly pooled?: Kind;
  /** What the weights were made from, [B, P], where a mechanism scored the places. */
  readonly scores?: Kind;
}

/** Operations after which weights are weights still. */
const KEEPING = new Set(["reshape", "expand", "cast", "stopGradient"]);

/**
 * Finds in a graph what the weights of a look are multiplied with: the features of its places, in one product of matrices or
 * element by element, and their sum over places.
 * @param look [B, P]
 * @param results what the step gives
 * @returns undefined where it is of other axes, or nothing of that form follows from it; bodies of scans are not entered
 */
export function weighingOf(look: Look, results: readonly Tensor[]): Weighing | undefined {
  if (look.kind !== "weights" || look.axes.join() !== "batch,place") return undefined;
  const by = look.used ?? look.value;
  const [batch, places] = by.shape as [Dimension, Dimension];
  const weights = new Set([by]);
  const products = new Map<Tensor, Tensor>();
  /** [B, P, …] */
  const isOfPlaces = ({ shape }: Tensor) => shape.length === 3 && sameShape(shape.slice(0, 2), by.shape);
  for (const { operation, attributes, inputs, outputs } of reachableNodes(results)) {
    const [result] = outputs;
    const [left, right] = inputs;
    if (KEEPING.has(operation.name) && weights.has(left!)) weights.add(result!);
    else if (operation.name === "matmul" && weights.has(left!) && isOfPlaces(right!)) {
      const row = sameShape(left!.shape, [batch, 1, places]);
      const features = right!.shape[2]!;
      if (row && sameShape(result!.shape, [batch, 1, features]))
        return { by, values: right!, pooled: reshape(result!, [batch, features]) };
    } else if (operation.name === "mul") {
      for (const [weight, values] of [
        [left!, right!],
        [right!, left!],
      ] as const)
        if (weights.has(weight) && isOfPlaces(weight) && isOfPlaces(values) && !weights.has(values))
          products.set(result!, values);
    } else if (operation.name === "reduceSum" && products.has(left!)) {
      const values = products.get(left!)!;
      if (String(attributes.axes) === "1")
        return { by, values, pooled: reshape(result!, [batch, values.shape[2]!]) };
    }
  }
  const [values] = products.values();
  return values && { by, values };
}

/** What looks weigh, of those over some places, as tensors by name: "values.attention". */
export const weighingTensors = (
  looks: Readonly<Record<string, Look>>,
  over: readonly string[],
  results: readonly Tensor[],
): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(looks).flatMap(([name, look]) => {
      const found = over.includes(look.over) ? weighingOf(look, results) : undefined;
      const scores = found && scoringOf(look.value)?.scores;
      return Object.entries({ ...found, ...(scores && { scores }) }).map(([part, tensor]) => [
        `${part}.${name}`,
        tensor as Tensor,
      ]);
    }),
  );

/** What one look weighs, among what `weighingTensors` named. */
export function weighingNamed<Kind>(
  found: Readonly<Record<string, Kind>>,
  name: string,
): Weighing<Kind> | undefined {
  const [by, values, pooled, scores] = ["by", "values", "pooled", "scores"].map(
    (part) => found[`${part}.${name}`],
  );
  return by && values && { by, values, ...(pooled && { pooled }), ...(scores && { scores }) };
}
