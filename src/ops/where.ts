import {
  at,
  broadcastShapes,
  type DType,
  isFloat,
  ndarray,
  type Operation,
  type Tensor,
  tabulate,
} from "../core/index.js";
import { greater } from "./compare.js";
import { constant } from "./constant.js";
import {
  bools,
  defineOperation,
  floats,
  requireDType,
  sameDType,
  type TensorLike,
  tensors,
} from "./define.js";
import { sumTo } from "./reduce.js";

const whereOperation: Operation<Record<never, never>> = {
  name: "where",
  infer: ([condition, yes, no]) => {
    requireDType("where", "the condition", condition!, "bool");
    const dtype = sameDType("where", yes!, no!);
    const branches = broadcastShapes("where", yes!.shape, no!.shape);
    return [{ dtype, shape: broadcastShapes("where", condition!.shape, branches) }];
  },
  gradient: ({ inputs: [condition, yes, no], upstream: [dy], wanted }) => {
    const zero = constant(0, { dtype: dy!.dtype });
    return [
      undefined,
      wanted[1] ? sumTo(where(condition!, dy!, zero), yes!.shape) : undefined,
      wanted[2] ? sumTo(where(condition!, zero, dy!), no!.shape) : undefined,
    ];
  },
  lower: (context, inputs) => context.emit("Where", inputs),
  evaluate: (_, [condition, yes, no]) => {
    const branches = broadcastShapes("where", yes!.shape, no!.shape);
    const shape = broadcastShapes("where", condition!.shape, branches) as number[];
    return [
      tabulate(yes!.dtype, shape, (index) => (at(condition!, index) ? at(yes!, index) : at(no!, index))),
    ];
  },
  samples: () => [
    {
      inputs: [bools("three", "five"), floats("three", "five"), floats("five")],
      build: (c, a, b) => where(c!, a!, b!),
    },
    {
      inputs: [bools("three", 1), floats("two", 1, "five"), floats(1)],
      build: (c, a, b) => where(c!, a!, b!),
    },
  ],
};

/** `condition ? yes : no`, elementwise with broadcasting. */
export const where = defineOperation(
  whereOperation,
  (make) =>
    (condition: Tensor, yes: TensorLike, no: TensorLike): Tensor =>
      make([condition, ...tensors("where", yes, no)], {}).outputs[0]!,
);

const castOperation: Operation<{ dtype: DType }> = {
  name: "cast",
  infer: ([x], { dtype }) => [{ dtype, shape: x!.shape }],
  gradient: ({ inputs: [x], attributes, upstream: [dy] }) => [
    isFloat(attributes.dtype) && isFloat(x!.dtype) ? cast(dy!, x!.dtype) : undefined,
  ],
  lower: (context, inputs, { attributes }) =>
    context.emit("Cast", inputs, { to: { int: context.onnxType(attributes.dtype) } }),
  evaluate: (_, [x], { dtype }) => [
    ndarray(
      dtype,
      x!.shape,
      x!.data.map((value) =>
        dtype === "bool" ? (value === 0 ? 0 : 1) : dtype === "int32" ? Math.trunc(value) : value,
      ),
    ),
  ],
  samples: () => [
    { inputs: [bools("three", "five")], differentiable: false, build: (x) => cast(x!, "float32") },
    { inputs: [floats("three", "five")], differentiable: false, build: (x) => cast(x!, "int32") },
    { inputs: [floats("three", "five")], differentiable: false, build: (x) => cast(greater(x!, 0), "int32") },
    { inputs: [floats("three", "five")], build: (x) => cast(cast(x!, "float64"), x!.dtype) },
  ],
};

/** Values as another element type. To bool: true where not zero. Towards int32: rounded towards zero. */
export const cast = defineOperation(
  castOperation,
  (make) =>
    (x: Tensor, dtype: DType): Tensor =>
      x.dtype === dtype ? x : make([x], { dtype }).outputs[0]!,
);
