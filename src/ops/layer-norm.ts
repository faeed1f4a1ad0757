import { formatShape, ndarray, type Operation, ShapeError, sameShape, type Tensor } from "../core/index.js";
import { add, div, mul, sub } from "./binary.js";
import { defineOperation, floats, sameDType } from "./define.js";
import { reduceMean, sumTo } from "./reduce.js";
import { sqrt, square } from "./unary.js";

const layerNormOperation: Operation<{ epsilon: number }> = {
  name: "layerNorm",
  infer: ([x, scale, bias]) => {
    sameDType("layerNorm", x!, scale!, bias!);
    const last = x!.shape.slice(-1);
    for (const [role, vector] of [
      ["scale", scale!],
      ["bias", bias!],
    ] as const)
      if (!sameShape(vector.shape, last))
        throw new ShapeError(
          `layerNorm: ${role} is ${formatShape(vector.shape)} but the last axis of ${formatShape(x!.shape)} needs ${formatShape(last)}; make it one value per feature.`,
        );
    return [x!];
  },
  gradient: ({ inputs: [x, scale, bias], attributes: { epsilon }, upstream: [dy], wanted }) => {
    const options = { axes: -1, keep: true } as const;
    const centred = sub(x!, reduceMean(x!, options));
    const deviation = sqrt(add(reduceMean(square(centred), options), epsilon));
    const normal = div(centred, deviation);
    const inner = mul(dy!, scale!);
    const projected = add(reduceMean(inner, options), mul(normal, reduceMean(mul(inner, normal), options)));
    return [
      wanted[0] ? div(sub(inner, projected), deviation) : undefined,
      wanted[1] ? sumTo(mul(dy!, normal), scale!.shape) : undefined,
      wanted[2] ? sumTo(dy!, bias!.shape) : undefined,
    ];
  },
  lower: (context, inputs, { attributes: { epsilon } }) =>
    context.emit("LayerNormalization", inputs, { axis: { int: -1 }, epsilon: { float: epsilon } }),
  evaluate: (_, [x, scale, bias], { epsilon }) => {
    const size = x!.shape.at(-1)!;
    const result = ndarray(x!.dtype, x!.shape);
    for (let start = 0; start < x!.data.length; start += size) {
      const row = x!.data.subarray(start, start + size);
      const mean = row.reduce((a, b) => a + b, 0) / size;
      const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size;
      row.forEach((value, i) => {
        result.data[start + i] =
          ((value - mean) / Math.sqrt(variance + epsilon)) * scale!.data[i]! + bias!.data[i]!;
      });
    }
    return [result];
  },
  flops: ({ inputs: [x] }, size) => 8 * x!.shape.reduce<number>((n, d) => n * size(d), 1),
  samples: () => [
    {
      inputs: [floats("three", "seven"), floats("seven"), floats("seven")],
      build: (x, s, b) => layerNorm(x!, s!, b!, 1e-3),
    },
    {
      inputs: [floats("two", "three", 5), floats(5), floats(5)],
      build: (x, s, b) => layerNorm(x!, s!, b!, 1e-3),
    },
  ],
};

/**
 * Layer normalisation over the last axis (Ba, Kiros & Hinton 2016, equation 4): (x − mean) / √(variance + epsilon)
 * · scale + bias, with `scale` and `bias` of the last axis's size.
 */
export const layerNorm = defineOperation(
  layerNormOperation,
  (make): ((x: Tensor, scale: Tensor, bias: Tensor, epsilon?: number) => Tensor) =>
    (x, scale, bias, epsilon = 1e-5) =>
      // ONNX keeps the attribute in single precision.
      make([x, scale, bias], { epsilon: Math.fround(epsilon) }).outputs[0]!,
);
