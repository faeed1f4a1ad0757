import { type LoweringContext, ndarray, type Operation, type Tensor } from "../core/index.js";
import { add, div, mul, sub } from "./binary.js";
import { greater } from "./compare.js";
import { bools, defineOperation, floats, type OperationFunction, positives, requireDType } from "./define.js";
import { cast } from "./where.js";

interface Unary {
  readonly onnx: string;
  readonly value: (x: number) => number;
  /** The gradient of the input, from input, output and the gradient of the output. Absent: zero everywhere. */
  readonly gradient?: (x: Tensor, y: Tensor, dy: Tensor) => Tensor;
  readonly domain?: "positive";
  readonly flops?: number;
  /** In place of the ONNX operator in float64, where runtimes have it in float32 alone. */
  readonly double?: (context: LoweringContext, x: string) => string;
}

function unary(name: string, definition: Unary): OperationFunction<(x: Tensor) => Tensor> {
  return defineOperation<Record<never, never>, (x: Tensor) => Tensor>(
    {
      name,
      infer: ([x]) => {
        requireDType(name, "the operand", x!, "float32", "float64", "int32");
        return [x!];
      },
      ...(definition.gradient && {
        gradient: ({ inputs, outputs, upstream }) => [
          definition.gradient!(inputs[0]!, outputs[0]!, upstream[0]!),
        ],
      }),
      lower: (context, inputs, { inputs: [x] }) =>
        definition.double && x!.dtype === "float64"
          ? [definition.double(context, inputs[0]!)]
          : context.emit(definition.onnx, inputs),
      evaluate: (_, [x]) => [ndarray(x!.dtype, x!.shape, x!.data.map(definition.value))],
      flops: ({ outputs }, size) =>
        outputs[0]!.shape.reduce<number>((n, d) => n * size(d), definition.flops ?? 1),
      samples: () => [
        {
          inputs: [(definition.domain ? positives : floats)("three", "five")],
          differentiable: definition.gradient !== undefined,
          build: (x) => call(x!),
        },
      ],
    },
    (make) => (x: Tensor) => make([x], {}).outputs[0]!,
  );
  function call(x: Tensor): Tensor {
    return operations[name as keyof typeof operations](x);
  }
}

/** Elementwise functions of one tensor of any shape. */
export const neg = unary("neg", { onnx: "Neg", value: (x) => -x, gradient: (_, __, dy) => neg(dy) });
/** eˣ, elementwise. */
export const exp = unary("exp", {
  onnx: "Exp",
  value: Math.exp,
  gradient: (_, y, dy) => mul(dy, y),
  flops: 8,
});
/** The natural logarithm, elementwise. */
export const log = unary("log", {
  onnx: "Log",
  value: Math.log,
  gradient: (x, _, dy) => div(dy, x),
  domain: "positive",
  flops: 8,
});
/** The square root, elementwise. */
export const sqrt = unary("sqrt", {
  onnx: "Sqrt",
  value: Math.sqrt,
  gradient: (_, y, dy) => div(mul(dy, 0.5), y),
  domain: "positive",
});
/** The hyperbolic tangent, elementwise. */
export const tanh = unary("tanh", {
  onnx: "Tanh",
  value: Math.tanh,
  gradient: (_, y, dy) => mul(dy, sub(1, mul(y, y))),
  flops: 8,
});
/** 1 / (1 + e⁻ˣ), elementwise. */
export const sigmoid = unary("sigmoid", {
  onnx: "Sigmoid",
  value: (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))),
  gradient: (_, y, dy) => mul(dy, mul(y, sub(1, y))),
  flops: 8,
});
/** max(0, x), elementwise. */
export const relu = unary("relu", {
  onnx: "Relu",
  value: (x) => Math.max(x, 0),
  // A product, which ONNX Runtime computes faster than Where.
  gradient: (_, y, dy) => mul(dy, cast(greater(y, 0), dy.dtype)),
});
/** |x|, elementwise. */
export const abs = unary("abs", { onnx: "Abs", value: Math.abs, gradient: (x, _, dy) => mul(dy, sign(x)) });
/** −1, 0 or 1, elementwise; no gradient passes. */
export const sign = unary("sign", { onnx: "Sign", value: Math.sign });
/** The greatest whole number not above x, elementwise; no gradient passes. */
export const floor = unary("floor", { onnx: "Floor", value: Math.floor });
/** The sine of x in radians, elementwise. */
export const sin = unary("sin", {
  onnx: "Sin",
  value: Math.sin,
  gradient: (x, _, dy) => mul(dy, cos(x)),
  flops: 8,
});
/** The cosine of x in radians, elementwise. */
export const cos = unary("cos", {
  onnx: "Cos",
  value: Math.cos,
  gradient: (x, _, dy) => neg(mul(dy, sin(x))),
  flops: 8,
});
/** The error function, 2/√π ∫₀ˣ exp(−t²) dt. */
export const erf = unary("erf", {
  onnx: "Erf",
  value: errorFunction,
  gradient: (x, _, dy) => mul(dy, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI))),
  flops: 8,
  double: lowerErrorFunction,
});
const operations = { neg, exp, log, sqrt, tanh, sigmoid, relu, abs, sign, floor, sin, cos, erf };

/** The error function to double precision: its series near 0, its continued fraction beyond (Abramowitz & Stegun 7.1.6, 7.1.14). */
function errorFunction(x: number): number {
  const size = Math.abs(x);
  if (size < 3) {
    let [term, sum] = [size, size];
    for (let n = 1; Math.abs(term) > 1e-18 * sum; n++) {
      term *= (2 * size * size) / (2 * n + 1);
      sum += term;
    }
    return (Math.sign(x) * 2 * Math.exp(-size * size) * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (size + fraction);
  return Math.sign(x) * (1 - Math.exp(-size * size) / ((size + fraction) * Math.sqrt(Math.PI)));
}

/** x²; a product rather than a power, which ONNX Runtime computes faster. */
export const square = (x: Tensor): Tensor => mul(x, x);

/** log(1 + eˣ), written so that it does not overflow. */
export const softplus = (x: Tensor): Tensor => add(relu(x), log(add(exp(neg(abs(x))), 1)));

/** The Gaussian error linear unit in its tanh form (Hendrycks & Gimpel 2016, section 2). */
export const gelu = (x: Tensor): Tensor =>
  mul(mul(x, 0.5), add(tanh(mul(add(x, mul(mul(square(x), x), 0.044715)), Math.sqrt(2 / Math.PI))), 1));

const notOperation: Operation<Record<never, never>> = {
  name: "not",
  infer: ([x]) => {
    requireDType("not", "the operand", x!, "bool");
    return [x!];
  },
  lower: (context, inputs) => context.emit("Not", inputs),
  evaluate: (_, [x]) => [
    ndarray(
      "bool",
      x!.shape,
      x!.data.map((value) => 1 - value),
    ),
  ],
  samples: () => [{ inputs: [bools("three", "five")], differentiable: false, build: (x) => not(x!) }],
};

/** Logical negation of a bool tensor. */
export const not = defineOperation(
  notOperation,
  (make) =>
    (x: Tensor): Tensor =>
      make([x], {}).outputs[0]!,
);

/** Beyond it the error function is 1 in double precision; terms of its series that are needed up to there. */
const [ERF_END, ERF_TERMS] = [6, 130];

/** 2/√π exp(−x²) x (1 + t/3 (1 + t/5 (1 + …))) with t = 2x² (Abramowitz & Stegun 7.1.6): no term takes from another. */
function lowerErrorFunction(context: LoweringContext, x: string): string {
  const number = (value: number) => context.constant("float64", [], [value]);
  const two = (type: string, a: string, b: string) => context.emit(type, [a, b])[0]!;
  const near = context.emit("Clip", [x, number(-ERF_END), number(ERF_END)])[0]!;
  const square = two("Mul", near, near);
  const t = two("Mul", square, number(2));
  let sum = number(1);
  for (let n = ERF_TERMS; n > 0; n--)
    sum = two("Add", two("Mul", two("Mul", t, number(1 / (2 * n + 1))), sum), number(1));
  const power = context.emit("Exp", context.emit("Neg", [square]))[0]!;
  return two("Mul", two("Mul", two("Mul", near, power), sum), number(2 / Math.sqrt(Math.PI)));
}
