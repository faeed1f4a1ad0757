import { differentiate } from "../src/autodiff/index.js";
import {
  type DType,
  isFloat,
  Random,
  type Sample,
  type SampleInput,
  type Shape,
  Tensor,
  typedArray,
} from "../src/core/index.js";
import { input } from "../src/ops/index.js";
import type { Value } from "../src/session/index.js";

const PRIMES: Readonly<Record<string, number>> = { one: 1, two: 2, three: 3, five: 5, seven: 7, eleven: 11 };

export interface Variant {
  readonly name: string;
  /** Whether dimensions keep their names in the graph. */
  readonly named: boolean;
  readonly sizes: Readonly<Record<string, number>>;
}

/** The ways a sample is tried: sizes as numbers, as names, and with each name in turn at 1. */
export function variantsOf(sample: Sample): Variant[] {
  const names = [
    ...new Set(sample.inputs.flatMap(({ shape }) => shape.filter((size) => typeof size === "string"))),
  ];
  const variants: Variant[] = [{ name: "numbered", named: false, sizes: PRIMES }];
  if (names.length > 0) variants.push({ name: "named", named: true, sizes: PRIMES });
  for (const name of names)
    variants.push({ name: `${name} = 1`, named: false, sizes: { ...PRIMES, [name]: 1 } });
  return variants;
}

export interface Case {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly feeds: Record<string, Value>;
  /** Gradients of the float inputs under upstream gradients that are inputs too; absent where there are none. */
  readonly gradients?: { readonly of: readonly Tensor[]; readonly values: readonly (Tensor | undefined)[] };
}

/** Builds a sample's graph, and its gradient's, in one element type, with values to feed. */
export function instantiate(sample: Sample, variant: Variant, dtype: DType): Case {
  const random = new Random(7, "conformance");
  const sized = (shape: Shape): Shape =>
    variant.named ? shape : shape.map((size) => (typeof size === "string" ? variant.sizes[size]! : size));
  const numbers = (shape: Shape): number[] =>
    shape.map((size) => (typeof size === "string" ? variant.sizes[size]! : size));
  const feeds: Record<string, Value> = {};
  const inputs = sample.inputs.map((declared, index) => {
    const type = declared.kind === "index" ? "int32" : declared.kind === "bool" ? "bool" : dtype;
    const shape = numbers(declared.shape);
    feeds[`x${index}`] = { dtype: type, shape, data: typedArray(type, draw(declared, shape, random)) };
    return input(`x${index}`, type, sized(declared.shape));
  });
  const built = sample.build(...inputs);
  const outputs = built instanceof Tensor ? [built] : [...built];
  if (sample.differentiable === false) return { inputs, outputs, feeds };
  const of = inputs.filter((tensor) => isFloat(tensor.dtype));
  const upstream = outputs.map((output, index) => {
    if (!isFloat(output.dtype)) return undefined;
    // Upstream gradients are functions of a fed scalar, so that shapes with names need no binding of their own.
    const shape = resolved(output.shape, variant.sizes);
    feeds[`dy${index}`] = {
      dtype,
      shape,
      data: typedArray(
        dtype,
        Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
      ),
    };
    return input(`dy${index}`, dtype, output.shape);
  });
  return { inputs, outputs, feeds, gradients: { of, values: differentiate(outputs, upstream, of) } };
}

function resolved(shape: Shape, sizes: Readonly<Record<string, number>>): number[] {
  return shape.map((size) =>
    typeof size === "number"
      ? size
      : size
          .split("+")
          .map((term) =>
            term.split("*").reduce((product, factor) => product * (sizes[factor] ?? Number(factor)), 1),
          )
          .reduce((a, b) => a + b),
  );
}

function draw(declared: SampleInput, shape: readonly number[], random: Random): number[] {
  const count = shape.reduce((a, b) => a * b, 1);
  const list = (value: (index: number) => number) =>
    Array.from({ length: count }, (_, index) => value(index));
  switch (declared.kind) {
    case "positive":
      return list(() => 0.5 + 1.5 * random.uniform());
    case "distinct":
      return random.shuffle(list((index) => index / 3 - 1));
    case "index":
      return list(() => random.integer(declared.below!));
    case "bool":
      return list(() => random.integer(2));
    case "float":
      // Away from 0, where functions such as |x| have no derivative.
      return list(() => {
        const value = random.normal();
        return value + 0.2 * Math.sign(value);
      });
  }
}
