import {
  at,
  broadcastShapes,
  formatShape,
  multiplyDimensions,
  type Operation,
  type Shape,
  ShapeError,
  type Tensor,
  tabulate,
} from "../core/index.js";
import { defineOperation, floats, requireDType, sameDType } from "./define.js";
import { reshape, transpose } from "./layout.js";
import { sumTo } from "./reduce.js";

/** Which operands are read with their last two axes exchanged. */
export interface MatmulOptions {
  readonly transposeLeft?: boolean;
  readonly transposeRight?: boolean;
}

type Transposes = Required<MatmulOptions>;

/** Rows and columns of an operand after its transposition. */
function sides(shape: Shape, transposed: boolean) {
  const [a, b] = shape.slice(-2);
  return transposed
    ? { rows: b!, columns: a!, inner: shape.length - 2 }
    : { rows: a!, columns: b!, inner: shape.length - 1 };
}

const matmulOperation: Operation<Transposes> = {
  name: "matmul",
  infer: ([left, right], { transposeLeft, transposeRight }) => {
    const dtype = sameDType("matmul", left!, right!);
    requireDType("matmul", "an operand", left!, "float32", "float64");
    const a = sides(left!.shape, transposeLeft);
    const b = sides(right!.shape, transposeRight);
    if (a.columns !== b.rows) {
      const rightInner = transposeRight ? right!.shape.length - 1 : right!.shape.length - 2;
      throw new ShapeError(
        `matmul: axis ${a.inner} of the left operand is ${a.columns} but axis ${rightInner} of the right operand is ${b.rows} ` +
          `(left ${formatShape(left!.shape)}${transposeLeft ? " transposed" : ""}, right ${formatShape(right!.shape)}${transposeRight ? " transposed" : ""}). ` +
          "The inner sizes must be equal; transpose an operand or change the layer's size.",
      );
    }
    const batch = broadcastShapes("matmul", left!.shape.slice(0, -2), right!.shape.slice(0, -2));
    return [{ dtype, shape: [...batch, a.rows, b.columns] }];
  },
  gradient: ({ inputs: [a, b], attributes: { transposeLeft, transposeRight }, upstream: [dy], wanted }) => [
    wanted[0]
      ? sumTo(
          transposeLeft
            ? matmul(b!, dy!, { transposeLeft: transposeRight, transposeRight: true })
            : matmul(dy!, b!, { transposeRight: !transposeRight }),
          a!.shape,
        )
      : undefined,
    wanted[1]
      ? sumTo(
          transposeRight
            ? matmul(dy!, a!, { transposeLeft: true, transposeRight: transposeLeft })
            : matmul(a!, dy!, { transposeLeft: !transposeLeft }),
          b!.shape,
        )
      : undefined,
  ],
  lower: (context, inputs, { inputs: tensors, attributes: { transposeLeft, transposeRight } }) => {
    const plain = !transposeLeft && !transposeRight;
    if (!plain && tensors.every((tensor) => tensor.shape.length === 2))
      // Gemm hands the flags to the matrix kernel, which packs a transposed operand without a copy of it.
      return context.emit("Gemm", inputs, {
        transA: { int: transposeLeft ? 1 : 0 },
        transB: { int: transposeRight ? 1 : 0 },
      });
    const operands = [transposeLeft, transposeRight].map((transposed, side) => {
      if (!transposed) return inputs[side]!;
      const rank = tensors[side]!.shape.length;
      const perm = Array.from({ length: rank }, (_, axis) =>
        axis < rank - 2 ? axis : axis === rank - 2 ? rank - 1 : rank - 2,
      );
      // ONNX Runtime fuses this transposition into the product.
      return context.emit("Transpose", [inputs[side]!], { perm: { ints: perm } })[0]!;
    });
    return context.emit("MatMul", operands);
  },
  evaluate: (_, [left, right], { transposeLeft, transposeRight }) => {
    const { rows, columns: inner } = sides(left!.shape, transposeLeft);
    const { columns } = sides(right!.shape, transposeRight);
    const batch = broadcastShapes("matmul", left!.shape.slice(0, -2), right!.shape.slice(0, -2));
    return [
      tabulate(left!.dtype, [...batch, rows, columns] as number[], (index) => {
        const lead = index.slice(0, -2);
        const [row, column] = index.slice(-2);
        const aligned = (shape: readonly number[]) => lead.slice(lead.length - shape.length + 2);
        const leadLeft = aligned(left!.shape);
        const leadRight = aligned(right!.shape);
        let sum = 0;
        for (let k = 0; k < (inner as number); k++)
          sum +=
            at(left!, [...leadLeft, ...(transposeLeft ? [k, row!] : [row!, k])]) *
            at(right!, [...leadRight, ...(transposeRight ? [column!, k] : [k, column!])]);
        return sum;
      }),
    ];
  },
  // The sum over steps of A[t] B[t] is one product whose inner axis runs over steps and inner elements together.
  sumOverSteps: ({ inputs: [left, right], attributes }, stack) =>
    matmul(
      mergeSteps(stack(left!), attributes.transposeLeft),
      mergeSteps(stack(right!), !attributes.transposeRight),
      attributes,
    ),
  flops: ({ inputs: [left], outputs: [y], attributes }, size) =>
    2 *
    size(sides(left!.shape, attributes.transposeLeft).columns) *
    y!.shape.reduce<number>((n, d) => n * size(d), 1),
  samples: () => [
    { inputs: [floats("two", "three"), floats("three", "five")], build: (a, b) => matmul(a!, b!) },
    {
      inputs: [floats("three", "two"), floats("three", "five")],
      build: (a, b) => matmul(a!, b!, { transposeLeft: true }),
    },
    {
      inputs: [floats("two", "three"), floats("five", "three")],
      build: (a, b) => matmul(a!, b!, { transposeRight: true }),
    },
    {
      inputs: [floats("three", "two"), floats("five", "three")],
      build: (a, b) => matmul(a!, b!, { transposeLeft: true, transposeRight: true }),
    },
    { inputs: [floats("seven", "two", "three"), floats("three", "five")], build: (a, b) => matmul(a!, b!) },
    {
      inputs: [floats("seven", "two", "three"), floats("five", "three")],
      build: (a, b) => matmul(a!, b!, { transposeRight: true }),
    },
    {
      inputs: [floats("seven", "three", "two"), floats("seven", "three", "five")],
      build: (a, b) => matmul(a!, b!, { transposeLeft: true }),
    },
    {
      inputs: [floats(1, "two", "three"), floats("seven", "five", "three")],
      build: (a, b) => matmul(a!, b!, { transposeRight: true }),
    },
  ],
};

/**
 * The matrix product over the last two axes, batched over the axes before them, which broadcast.
 * `left` [..., M, K] and `right` [..., K, N] give [..., M, N]; the transposed operands have those axes swapped.
 */
export const matmul = defineOperation(
  matmulOperation,
  (make): ((left: Tensor, right: Tensor, options?: MatmulOptions) => Tensor) =>
    (left, right, { transposeLeft = false, transposeRight = false } = {}) => {
      for (const [side, operand] of [
        ["left", left],
        ["right", right],
      ] as const)
        if (operand.shape.length < 2)
          throw new ShapeError(
            `matmul: the ${side} operand ${formatShape(operand.shape)} has ${operand.shape.length} axes but needs at least 2; use unsqueeze to add one.`,
          );
      // One large product instead of a batch of small ones, wherever all rows meet the same right operand.
      if (left.shape.length > 2 && right.shape.length === 2 && !transposeLeft) {
        const lead = left.shape.slice(0, -1);
        const inner = left.shape.at(-1)!;
        const flat = matmul(reshape(left, [multiplyDimensions(...lead), inner]), right, { transposeRight });
        return reshape(flat, [...lead, flat.shape[1]!]);
      }
      return make([left, right], { transposeLeft, transposeRight }).outputs[0]!;
    },
);

/** Moves the steps on axis 0 next to the inner axis and merges the two: [T, ..., K, N] to [..., T*K, N]. */
function mergeSteps(stacked: Tensor, innerIsRows: boolean): Tensor {
  const rank = stacked.shape.length;
  const lead = Array.from({ length: rank - 3 }, (_, axis) => axis + 1);
  const [rows, columns] = [rank - 2, rank - 1];
  const size = (axis: number) => stacked.shape[axis]!;
  const moved = transpose(stacked, innerIsRows ? [...lead, 0, rows, columns] : [...lead, rows, 0, columns]);
  const merged = multiplyDimensions(size(0), size(innerIsRows ? rows : columns));
  return reshape(moved, [
    ...lead.map(size),
    ...(innerIsRows ? [merged, size(columns)] : [size(rows), merged]),
  ]);
}
