// An attention of one's own: the cosine between query and key, sharpened by a number that is learnt (Graves et al. 2014, equation 5).
// Mask, softmax and the weighted sum are shared by all mechanisms.
import { type Mechanism, mechanism, products } from "regard/attention";
import { gradient } from "regard/autodiff";
import type { Tensor } from "regard/core";
import { initialValues, Scope } from "regard/nn";
import { add, div, exp, input, mul, reduceSum, sqrt, square } from "regard/ops";
import type { Value, Values } from "regard/session";
import { nodeBackend } from "regard/session/node";

const unit = (x: Tensor): Tensor => div(x, sqrt(add(reduceSum(square(x), { axes: -1, keep: true }), 1e-8)));

const sharpCosine: Mechanism = mechanism("sharp cosine", (scope) => {
  const strength = scope.parameter("strength", [1], () => Float64Array.of(1));
  return {
    keys: unit,
    scores: (query, keys) => mul(exp(strength), products(unit(query), keys)),
  };
});

const [QUERY, PLACES] = [3, 4];
const scope = Scope.root();
const attend = sharpCosine(scope, { query: QUERY, key: QUERY, hidden: QUERY });
const query = input("query", "float32", ["batch", QUERY]);
const places = input("places", "float32", ["batch", "places", QUERY]);
const { context, weights } = attend(query, places);
const [slope] = gradient(reduceSum(square(context)), [scope.parameters[0]!.tensor]);

const session = await nodeBackend.load({ weights, slope: slope! });
const float = (shape: number[], data: number[]): Value => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(data),
});
const parameters: Values = Object.fromEntries(
  scope.parameters.map((one) => [one.name, float([...one.shape], [...initialValues(one, 1)])]),
);
const found = await session.run({
  ...parameters,
  query: float([1, QUERY], [1, 0, 0]),
  places: float([1, PLACES, QUERY], [2, 0, 0, 0, 1, 0, -1, 0, 0, 1, 1, 0]),
});
console.log(`It looks by ${Array.from(found.weights!.data, (weight) => weight.toFixed(3)).join(", ")}.`);
console.log(`The slope by its strength is ${found.slope!.data[0]!.toFixed(3)}.`);
await session.release();
