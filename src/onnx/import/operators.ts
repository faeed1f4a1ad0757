import {
  addDimensions,
  broadcastShapes,
  countOf,
  type Dimension,
  type DType,
  elementCount,
  isFloat,
  multiplyDimensions,
  type Shape,
  sameShape,
  subtractDimensions,
  type Tensor,
} from "../../core/index.js";
import {
  abs,
  add,
  and,
  argMax,
  cast,
  concat,
  constant,
  cos,
  cumulativeSum,
  div,
  equal,
  erf,
  exp,
  expand,
  extent,
  fill,
  floor,
  gather,
  greater,
  greaterEqual,
  layerNorm,
  less,
  lessEqual,
  log,
  logSoftmax,
  matmul,
  maximum,
  minimum,
  mul,
  neg,
  not,
  or,
  pad,
  pow,
  range,
  reduceMax,
  reduceMean,
  reduceSum,
  relu,
  reshape,
  sigmoid,
  sign,
  sin,
  slice,
  softmax,
  softplus,
  split,
  sqrt,
  square,
  sub,
  takeAlongAxis,
  tanh,
  transpose,
  unsqueeze,
  where,
} from "../../ops/index.js";
import { elementCount as countOfTensor } from "../tensor-data.js";
import type { Call } from "./call.js";
import { ARITHMETIC, Value } from "./value.js";
import { convolution, pooled } from "./windows.js";

type Made = Tensor | Value | readonly (Tensor | Value | undefined)[];

/** How a node of one type becomes tensors. */
export interface Operator {
  /** Inputs whose elements are only moved: sizes go through such a node as they are. */
  readonly moves?: "all" | readonly number[];
  build(call: Call): Made;
}

const found = new Map<string, Operator>();
/** Every operator that is imported, by its name in ONNX. */
export const operators: ReadonlyMap<string, Operator> = found;

const define = (names: string, build: Operator["build"], moves?: Operator["moves"]): void => {
  for (const name of names.split(" ")) found.set(name, { build, ...(moves && { moves }) });
};

/** Tensors of one type: of a number that is written as another type, the type of the others. */
const alike = (tensors: readonly Tensor[]): Tensor[] => {
  const float = tensors.find(({ dtype }) => isFloat(dtype))?.dtype ?? tensors[0]!.dtype;
  return tensors.map((tensor) =>
    tensor.dtype === float || tensor.dtype === "bool" ? tensor : cast(tensor, float),
  );
};

const numbers = (dtype: DType, shape: readonly number[], data: readonly number[]) =>
  Value.known({ dtype, shape, data });

// Elementwise.
const unary = {
  Abs: abs,
  Cos: cos,
  Erf: erf,
  Exp: exp,
  Floor: floor,
  Log: log,
  Neg: neg,
  Not: not,
  Relu: relu,
  Sigmoid: sigmoid,
  Sign: sign,
  Sin: sin,
  Softplus: softplus,
  Sqrt: sqrt,
  Tanh: tanh,
} as const;
for (const [name, apply] of Object.entries(unary)) define(name, (call) => apply(call.tensor(0)));
define(
  "Identity Dropout",
  (call) => {
    if (call.has(2) && call.number(2) !== 0) throw call.refuse("drops by chance, which is not imported");
    const x = call.value(0);
    return call.node.output[1] ? [x, fill(1, { dtype: "bool", shape: x.shape })] : x;
  },
  [0],
);
define("Reciprocal", (call) => div(constant(1, { dtype: call.tensor(0).dtype }), call.tensor(0)));
define("Ceil", (call) => neg(floor(neg(call.tensor(0)))));
define("IsNaN", (call) => not(equal(call.tensor(0), call.tensor(0))));
define("Softsign", (call) => div(call.tensor(0), add(abs(call.tensor(0)), 1)));
define("HardSigmoid", (call) => {
  const x = call.tensor(0);
  const line = add(mul(x, call.float_("alpha", Math.fround(0.2))), call.float_("beta", 0.5));
  return maximum(minimum(line, 1), 0);
});
define("HardSwish", (call) => {
  const x = call.tensor(0);
  return mul(x, maximum(minimum(add(mul(x, 1 / 6), 0.5), 1), 0));
});
define("Swish", (call) => mul(call.tensor(0), sigmoid(mul(call.tensor(0), call.float_("alpha", 1)))));
define("Mish", (call) => mul(call.tensor(0), tanh(softplus(call.tensor(0)))));
define("LeakyRelu", (call) => {
  const x = call.tensor(0);
  return where(less(x, 0), mul(x, call.float_("alpha", Math.fround(0.01))), x);
});
define("PRelu", (call) => {
  const x = call.tensor(0);
  return where(less(x, 0), mul(x, call.tensor(1)), x);
});
define("Elu Selu Celu", (call) => {
  const x = call.tensor(0);
  const { opType } = call.node;
  const alpha = call.float_("alpha", opType === "Selu" ? 1.6732631921768188 : 1);
  const power = exp(minimum(opType === "Celu" ? mul(x, 1 / alpha) : x, 0));
  const y = where(less(x, 0), mul(sub(power, 1), alpha), x);
  return opType === "Selu" ? mul(y, call.float_("gamma", 1.0507010221481323)) : y;
});
define("ThresholdedRelu", (call) => {
  const x = call.tensor(0);
  return where(greater(x, call.float_("alpha", 1)), x, 0);
});
define("Gelu", (call) => {
  const x = call.tensor(0);
  if (call.text("approximate", "none") === "tanh") {
    const inner = mul(add(x, mul(mul(square(x), x), 0.044715)), Math.sqrt(2 / Math.PI));
    return mul(mul(x, 0.5), add(tanh(inner), 1));
  }
  return mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1));
});
define("BiasGelu", (call) => {
  const x = add(call.tensor(0), call.tensor(1));
  return mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1));
});

const binary = { Add: add, Sub: sub, Mul: mul, Div: div, And: and, Or: or } as const;
for (const [name, apply] of Object.entries(binary))
  define(name, (call) => {
    oldBroadcast(call);
    const [a, b] = [call.tensor(0), call.tensor(1)];
    return apply(a, b);
  });
const comparisons = {
  Equal: equal,
  Greater: greater,
  GreaterOrEqual: greaterEqual,
  Less: less,
  LessOrEqual: lessEqual,
} as const;
for (const [name, apply] of Object.entries(comparisons))
  define(name, (call) => {
    oldBroadcast(call);
    const pair = [call.tensor(0), call.tensor(1)].map((x) => (x.dtype === "bool" ? cast(x, "int32") : x));
    return apply(pair[0]!, pair[1]!);
  });
define("Xor", (call) => {
  const [a, b] = [call.tensor(0), call.tensor(1)];
  return and(or(a, b), not(and(a, b)));
});

/** Before operator set 7 shapes met where an attribute said. */
function oldBroadcast(call: Call): void {
  if (call.int("broadcast", 0) !== 0)
    throw call.refuse("joins shapes as operator sets before 7 did, which is not imported");
}

const folded = { Max: maximum, Min: minimum, Sum: add } as const;
for (const [name, apply] of Object.entries(folded))
  define(name, (call) => call.tensors.reduce((a, b) => apply(a, b)));
define("Mean", (call) =>
  div(
    call.tensors.reduce((a, b) => add(a, b)),
    call.tensors.length,
  ),
);
define("Pow", (call) => {
  const [x, power] = [call.tensor(0), call.value(1)];
  const [exponent] = power.known?.data ?? [];
  if (power.known?.data.length === 1 && typeof exponent === "number") {
    const single = sameShape(broadcastShapes("Pow", x.shape, power.shape), x.shape);
    // A power of a number below 0 has a gradient where its exponent is whole.
    if (single && exponent === 2) return square(x);
    if (single && exponent === 1) return x;
    if (single && exponent === 3) return mul(square(x), x);
    if (single && exponent === 0.5) return sqrt(x);
    if (single && exponent === -1) return div(constant(1, { dtype: x.dtype }), x);
  }
  return pow(x, power.tensor.dtype === x.dtype ? power.tensor : cast(power.tensor, x.dtype));
});
define("Mod", (call) => {
  const [a, b] = [call.tensor(0), call.tensor(1)];
  if (call.int("fmod", 0) !== 0 || !isFloat(a.dtype)) {
    const [x, y] = isFloat(a.dtype) ? [a, b] : [cast(a, "float64"), cast(b, "float64")];
    const ratio = div(x, y);
    const whole = call.int("fmod", 0) !== 0 ? mul(sign(ratio), floor(abs(ratio))) : floor(ratio);
    return cast(sub(x, mul(whole, y)), a.dtype);
  }
  throw call.refuse("takes the rest of numbers with a point, which is not imported");
});
define("Clip", (call) => {
  let x = call.tensor(0);
  const bound = (index: number, name: string) =>
    call.has(index) ? call.tensor(index) : call.attribute(name)?.f;
  const [low, high] = [bound(1, "min"), bound(2, "max")];
  if (low !== undefined) x = maximum(x, low);
  return high === undefined ? x : minimum(x, high);
});
define("Cast", (call) => cast(call.tensor(0), call.type(call.int("to", 1))));
define("CastLike", (call) => cast(call.tensor(0), call.value(1).dtype));
define(
  "Where",
  (call) => {
    const [yes, no] = alike([call.tensor(1), call.tensor(2)]);
    if (yes!.dtype !== "bool") return where(call.tensor(0), yes!, no!);
    return cast(where(call.tensor(0), cast(yes!, "int32"), cast(no!, "int32")), "bool");
  },
  [1, 2],
);

// Products.
define("MatMul", (call) => {
  const [a, b] = [call.tensor(0), call.tensor(1)];
  const [left, right] = [a.shape.length === 1, b.shape.length === 1];
  const y = matmul(left ? unsqueeze(a, 0) : a, right ? unsqueeze(b, 1) : b);
  const shape = y.shape.filter(
    (_, axis) => !((right && axis === y.shape.length - 1) || (left && axis === y.shape.length - 2)),
  );
  return reshape(y, shape);
});
define("Gemm", (call) => {
  oldBroadcast(call);
  let y = matmul(call.tensor(0), call.tensor(1), {
    transposeLeft: call.int("transA", 0) !== 0,
    transposeRight: call.int("transB", 0) !== 0,
  });
  const [alpha, beta] = [call.float_("alpha", 1), call.float_("beta", 1)];
  if (alpha !== 1) y = mul(y, alpha);
  if (!call.has(2) || beta === 0) return y;
  return add(y, beta === 1 ? call.tensor(2) : mul(call.tensor(2), beta));
});
define("Conv", convolution);
define("MaxPool AveragePool", pooled);
define("GlobalAveragePool GlobalMaxPool", (call) => {
  const x = call.tensor(0);
  const axes = x.shape.slice(2).map((_, axis) => axis + 2);
  return call.node.opType === "GlobalAveragePool"
    ? reduceMean(x, { axes, keep: true })
    : reduceMax(x, { axes, keep: true });
});

// Normalisation.
define("Softmax LogSoftmax", (call) => {
  const x = call.tensor(0);
  const apply = call.node.opType === "Softmax" ? softmax : logSoftmax;
  if (call.version >= 13) return apply(x, { axis: call.axis(call.int("axis", -1), x.shape) });
  // All axes from the given one on were one.
  const axis = call.axis(call.int("axis", 1), x.shape);
  if (axis === x.shape.length - 1) return apply(x, { axis });
  const rows = multiplyDimensions(...x.shape.slice(0, axis));
  return reshape(apply(reshape(x, [rows, multiplyDimensions(...x.shape.slice(axis))])), x.shape);
});
define("LayerNormalization", (call) => {
  const x = call.tensor(0);
  const axis = call.axis(call.int("axis", -1), x.shape);
  const epsilon = call.float_("epsilon", Math.fround(1e-5));
  const shape = x.shape.slice(axis);
  const gain = call.tensor(1);
  if (shape.length === 1 && gain.shape.length === 1 && !call.node.output[1])
    return layerNorm(x, gain, call.has(2) ? call.tensor(2) : fill(0, gain), epsilon);
  const axes = shape.map((_, index) => axis + index);
  const mean = reduceMean(x, { axes, keep: true });
  const centred = sub(x, mean);
  const deviation = div(
    constant(1, { dtype: x.dtype }),
    sqrt(add(reduceMean(square(centred), { axes, keep: true }), epsilon)),
  );
  const y = mul(mul(centred, deviation), gain);
  return [call.has(2) ? add(y, call.tensor(2)) : y, mean, deviation];
});
define("RMSNormalization SimplifiedLayerNormalization", (call) => {
  const x = call.tensor(0);
  const axis = call.axis(call.int("axis", -1), x.shape);
  const axes = x.shape.slice(axis).map((_, index) => axis + index);
  const size = sqrt(
    add(reduceMean(square(x), { axes, keep: true }), call.float_("epsilon", Math.fround(1e-5))),
  );
  return mul(div(x, size), call.tensor(1));
});
/** A value for each channel beside images [N, C, …]. */
const spread = (vector: Tensor, rank: number) =>
  reshape(vector, [vector.shape[0]!, ...Array.from({ length: rank - 2 }, () => 1)]);
define("BatchNormalization", (call) => {
  if (call.int("training_mode", 0) !== 0) throw call.refuse("is in training, which is not imported");
  const x = call.tensor(0);
  const [gain, bias, mean, variance] = [1, 2, 3, 4].map((index) =>
    spread(call.tensor(index), x.shape.length),
  );
  const factor = div(gain!, sqrt(add(variance!, call.float_("epsilon", Math.fround(1e-5)))));
  return add(mul(sub(x, mean!), factor), bias!);
});
define("InstanceNormalization", (call) => {
  const x = call.tensor(0);
  const axes = x.shape.slice(2).map((_, axis) => axis + 2);
  const centred = sub(x, reduceMean(x, { axes, keep: true }));
  const size = sqrt(
    add(reduceMean(square(centred), { axes, keep: true }), call.float_("epsilon", Math.fround(1e-5))),
  );
  return add(
    mul(div(centred, size), spread(call.tensor(1), x.shape.length)),
    spread(call.tensor(2), x.shape.length),
  );
});

// Reductions.
type Reduce = (x: Tensor, options: { axes: readonly number[]; keep: boolean }) => Tensor;
const reductions: Readonly<Record<string, Reduce>> = {
  ReduceSum: reduceSum,
  ReduceMean: reduceMean,
  ReduceMax: reduceMax,
  ReduceMin: (x, options) => neg(reduceMax(neg(x), options)),
  ReduceSumSquare: (x, options) => reduceSum(square(x), options),
  ReduceL1: (x, options) => reduceSum(abs(x), options),
  ReduceL2: (x, options) => sqrt(reduceSum(square(x), options)),
  ReduceLogSum: (x, options) => log(reduceSum(x, options)),
  ReduceLogSumExp: (x, options) => {
    const most = reduceMax(x, { ...options, keep: true });
    const sum = reduceSum(exp(sub(x, most)), options);
    return add(log(sum), options.keep ? most : reshape(most, sum.shape));
  },
};
for (const [name, apply] of Object.entries(reductions))
  define(name, (call) => {
    const x = call.tensor(0);
    const given = call.axes(1);
    if ((given === undefined || given.length === 0) && call.int("noop_with_empty_axes", 0) !== 0) {
      // Nothing is reduced; what is done to each element is.
      return apply(x, { axes: [], keep: true });
    }
    const axes = given?.length
      ? given.map((axis) => call.axis(axis, x.shape))
      : x.shape.map((_, axis) => axis);
    if (x.dtype === "bool") throw call.refuse("takes truths together, which is not imported");
    return apply(x, { axes, keep: call.int("keepdims", 1) !== 0 });
  });
define("ReduceProd", (call) => {
  const { known } = call.value(0);
  const axes = call.axes(1);
  if (!known || known.shape.length > 1 || (axes && axes.length > 1))
    throw call.refuse("multiplies what is computed, which is not imported");
  const product = known.data.reduce<Dimension>((a, b) => multiplyDimensions(a, b), 1);
  const shape = call.int("keepdims", 1) !== 0 ? known.shape.map(() => 1) : [];
  return Value.known({ dtype: known.dtype, shape, data: [product] });
});
define("ArgMax ArgMin", (call) => {
  const x = call.tensor(0);
  const axis = call.axis(call.int("axis", 0), x.shape);
  if (call.int("select_last_index", 0) !== 0)
    throw call.refuse("takes the last of several, which is not imported");
  const y = argMax(call.node.opType === "ArgMax" ? x : neg(x), axis);
  return call.int("keepdims", 1) !== 0 ? unsqueeze(y, axis) : y;
});
define("CumSum", (call) =>
  cumulativeSum(call.tensor(0), call.number(1), {
    reverse: call.int("reverse", 0) !== 0,
    exclusive: call.int("exclusive", 0) !== 0,
  }),
);

// Constants and sizes.
define("Constant", (call) => {
  const tensor = call.attribute("value")?.t;
  if (tensor) return call.stored(tensor);
  const [float, floats] = [call.attribute("value_float"), call.attribute("value_floats")];
  if (float) return numbers(call.float, [], [float.f ?? 0]);
  const [int, ints] = [call.attribute("value_int"), call.attribute("value_ints")];
  if (int) return numbers("int32", [], [Number(int.i)]);
  if (ints) return numbers("int32", [ints.ints?.length ?? 0], (ints.ints ?? []).map(Number));
  if (floats) {
    const packed = floats.floats ?? new Uint8Array();
    const data = new Float32Array(new Uint8Array(packed).buffer);
    return numbers(call.float, [data.length], Array.from(data));
  }
  throw call.refuse("holds neither numbers nor a tensor, which is not imported");
});
define("ConstantOfShape", (call) => {
  const shape = call.sizes(0);
  const tensor = call.attribute("value")?.t;
  const value = tensor ? call.stored(tensor) : numbers(call.float, [1], [0]);
  const [number] = value.known?.data ?? [];
  if (typeof number !== "number") throw call.refuse("is filled with more than one number");
  if (shape.every((size) => typeof size === "number") && countOfTensor(shape as number[]) <= 4096)
    return numbers(
      value.dtype,
      shape as number[],
      new Array<number>(countOf(shape as number[])).fill(number),
    );
  return fill(number, { dtype: value.dtype, shape });
});
define("Shape", (call) => {
  const { shape } = call.value(0);
  const place = (at: number) => Math.min(shape.length, Math.max(0, at < 0 ? at + shape.length : at));
  const part = shape.slice(place(call.int("start", 0)), place(call.int("end", shape.length)));
  return Value.known({ dtype: "int32", shape: [part.length], data: part });
});
define("Size", (call) =>
  Value.known({ dtype: "int32", shape: [], data: [elementCount(call.value(0).shape)] }),
);
define("Range", (call) => {
  const [start, limit, step] = [0, 1, 2].map((index) => call.sizes(index)[0]!);
  const { dtype } = call.value(0);
  if (typeof start === "number" && typeof limit === "number" && typeof step === "number") {
    const count = Math.max(0, Math.ceil((limit - start) / step));
    if (count > 2 ** 24) throw call.refuse(`counts ${count} numbers`);
    const all = range(count, dtype);
    return add(step === 1 ? all : mul(all, step), start);
  }
  if (step !== 1) throw call.refuse("counts by a step that is open");
  const all = range(subtractDimensions(limit!, start!), dtype);
  return start === 0 ? all : add(all, Value.known({ dtype, shape: [], data: [start!] }).tensor);
});
define("EyeLike", (call) => {
  const { shape, dtype } = call.value(0);
  const to = call.attribute("dtype");
  const [rows, columns] = [range(shape[0]!, "int32"), range(shape[1]!, "int32")];
  const same = equal(add(unsqueeze(rows, 1), call.int("k", 0)), unsqueeze(columns, 0));
  return cast(same, to ? call.type(Number(to.i)) : dtype);
});
define("OneHot", (call) => {
  const [picks, depth] = [call.tensor(0), call.number(1)];
  const rank = picks.shape.length + 1;
  const axis = call.int("axis", -1) < 0 ? call.int("axis", -1) + rank : call.int("axis", -1);
  const whole = cast(picks, "int32");
  const at = unsqueeze(where(less(whole, 0), add(whole, depth), whole), axis);
  const classes = reshape(
    range(depth, "int32"),
    Array.from({ length: rank }, (_, index) => (index === axis ? depth : 1)),
  );
  const values = call.tensor(2);
  const [off, on] = [0, 1].map((index) => reshape(slice(values, 0, index, 1), []));
  return where(equal(at, classes), on!, off!);
});

// Layout.
define(
  "Reshape",
  (call) => {
    const x = call.tensor(0);
    const sizes = call.has(1) ? call.sizes(1) : (call.ints("shape") ?? []);
    const shape = sizes.map((size, axis) =>
      size === 0 && call.int("allowzero", 0) === 0 ? x.shape[axis]! : size,
    );
    return reshape(x, wholeShape(call, x.shape, shape));
  },
  [0],
);

/** A shape of which one size may be −1. */
function wholeShape(call: Call, from: Shape, shape: Shape): Shape {
  const open = shape.indexOf(-1);
  if (open < 0) return shape;
  const rest = multiplyDimensions(...shape.filter((_, axis) => axis !== open));
  const all = multiplyDimensions(...from);
  const size = quotient(all, rest);
  if (size === undefined)
    throw call.refuse(
      `makes [${shape.join(", ")}] of [${from.join(", ")}], of which one size cannot be told`,
    );
  return shape.map((one, axis) => (axis === open ? size : one));
}

function quotient(left: Dimension, right: Dimension): Dimension | undefined {
  const call = ARITHMETIC.get("Div")!;
  const result = call(left, right);
  return result !== undefined && multiplyDimensions(result, right) === left ? result : undefined;
}
define(
  "Flatten",
  (call) => {
    const x = call.tensor(0);
    const given = call.int("axis", 1);
    const axis = given < 0 ? given + x.shape.length : given;
    return reshape(x, [
      multiplyDimensions(...x.shape.slice(0, axis)),
      multiplyDimensions(...x.shape.slice(axis)),
    ]);
  },
  [0],
);
define("Transpose", (call) => transpose(call.tensor(0), call.ints("perm")), [0]);
define(
  "Unsqueeze",
  (call) => {
    const x = call.tensor(0);
    const axes = call.axes(1) ?? [];
    const rank = x.shape.length + axes.length;
    const places = new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)));
    let next = 0;
    return reshape(
      x,
      Array.from({ length: rank }, (_, axis) => (places.has(axis) ? 1 : x.shape[next++]!)),
    );
  },
  [0],
);
define(
  "Squeeze",
  (call) => {
    const x = call.tensor(0);
    const given = call.axes(1)?.map((axis) => call.axis(axis, x.shape));
    return reshape(
      x,
      x.shape.filter((size, axis) => (given ? !given.includes(axis) : size !== 1)),
    );
  },
  [0],
);
define(
  "Expand",
  (call) => {
    const x = call.tensor(0);
    return expand(x, broadcastShapes("Expand", x.shape, call.sizes(1)));
  },
  [0],
);
define(
  "Tile",
  (call) => {
    let x = call.tensor(0);
    call.sizes(1).forEach((count, axis) => {
      if (count === 1) return;
      const { shape } = x;
      const apart = [...shape.slice(0, axis), 1, ...shape.slice(axis)];
      const many = apart.map((size, at) => (at === axis ? count : size));
      x = reshape(
        expand(reshape(x, apart), many),
        shape.map((size, at) => (at === axis ? multiplyDimensions(size, count) : size)),
      );
    });
    return x;
  },
  [0],
);
define(
  "Concat",
  (call) => {
    const parts = alike(call.tensors).filter(({ shape }) => !shape.includes(0));
    if (parts.length === 0) return call.tensor(0);
    return concat(parts, call.int("axis", 1));
  },
  "all",
);
define(
  "Split",
  (call) => {
    const x = call.tensor(0);
    const axis = call.axis(call.int("axis", 0), x.shape);
    const count = call.node.output.length;
    const given = call.has(1) ? call.sizes(1) : call.ints("split");
    if (given) return split(x, given, axis);
    const size = x.shape[axis]!;
    if (typeof size !== "number") {
      const each = quotient(size, count);
      if (each === undefined) throw call.refuse(`parts ${size} into ${count}`);
      return split(x, new Array<Dimension>(count).fill(each), axis);
    }
    const each = Math.ceil(size / count);
    return split(
      x,
      Array.from({ length: count }, (_, index) => Math.min(each, size - index * each)),
      axis,
    );
  },
  [0],
);
define(
  "Slice",
  (call) => {
    let x = call.tensor(0);
    const old = call.version < 10;
    const starts = old ? (call.ints("starts") ?? []) : call.sizes(1);
    const ends = old ? (call.ints("ends") ?? []) : call.sizes(2);
    const axes =
      (old ? call.ints("axes") : call.has(3) ? call.numbers(3) : undefined) ?? starts.map((_, axis) => axis);
    const steps = call.has(4) ? call.numbers(4) : starts.map(() => 1);
    axes.forEach((given, index) => {
      const axis = call.axis(given, x.shape);
      const [start, end, step] = [starts[index]!, ends[index]!, steps[index]!];
      const size = x.shape[axis]!;
      if (step === 1) {
        const first = sliceEnd(start, size);
        x = slice(x, axis, first, lengthBetween(call, first, sliceEnd(end, size)));
        return;
      }
      if (typeof size !== "number" || typeof start !== "number" || typeof end !== "number")
        throw call.refuse("takes every so many elements of a size that is open");
      const inside = (place: number) => (place < 0 ? place + size : place);
      const from = Math.min(step < 0 ? size - 1 : size, Math.max(0, inside(start)));
      const to = Math.min(size, Math.max(step < 0 ? -1 : 0, inside(end)));
      const picks: number[] = [];
      for (let place = from; step < 0 ? place > to : place < to; place += step) picks.push(place);
      x = gather(x, constant(picks, { dtype: "int32" }), axis);
    });
    return x;
  },
  [0],
);

/** A place along an axis: from the back where it is below 0, and inside. */
function sliceEnd(place: Dimension, size: Dimension): Dimension {
  if (typeof place === "string") return place;
  const from = place < 0 ? addDimensions(size, place) : place;
  if (typeof from === "number" && typeof size === "number") return Math.min(size, Math.max(0, from));
  // What lies beyond any size means its end.
  return typeof from === "number" && from > 2 ** 30 ? size : from;
}

/** How much lies between two places. */
function lengthBetween(call: Call, from: Dimension, to: Dimension): Dimension {
  const length = subtractDimensions(to, from);
  if (typeof length === "number" && length < 0) return 0;
  if (typeof length === "string" && length.startsWith("-"))
    throw call.refuse(`takes elements from ${from} to ${to}`);
  return length;
}

define(
  "Gather",
  (call) => {
    const x = call.tensor(0);
    const axis = call.axis(call.int("axis", 0), x.shape);
    const { known } = call.value(1);
    const size = x.shape[axis]!;
    // One element that is known is a slice, whose gradient costs less.
    if (known?.data.length === 1 && typeof known.data[0] === "number") {
      const [at] = known.data;
      const place = (at as number) < 0 ? addDimensions(size, at as number) : at!;
      const shape = [...x.shape.slice(0, axis), ...known.shape, ...x.shape.slice(axis + 1)];
      return reshape(slice(x, axis, place, 1), shape);
    }
    const bool = x.dtype === "bool";
    const y = gather(bool ? cast(x, "int32") : x, fromFront(call.value(1), size), axis);
    return bool ? cast(y, "bool") : y;
  },
  [0],
);

/** Places that may be counted from the back, counted from the front. */
function fromFront(picks: Value, size: Dimension): Tensor {
  if (picks.known?.data.every((at) => typeof at === "number" && at >= 0)) return picks.tensor;
  const whole = cast(picks.tensor, "int32");
  return where(less(whole, 0), add(whole, extent(size, "int32")), whole);
}
define("GatherElements", (call) => {
  const x = call.tensor(0);
  const axis = call.axis(call.int("axis", 0), x.shape);
  const picks = fromFront(call.value(1), x.shape[axis]!);
  let from = x;
  // Other axes may be longer than what is picked of them.
  picks.shape.forEach((size, at) => {
    if (at !== axis && from.shape[at] !== size) from = slice(from, at, 0, size);
  });
  return takeAlongAxis(from, picks, axis);
});
define("Trilu", (call) => {
  const x = call.tensor(0);
  const [rows, columns] = x.shape.slice(-2).map((size) => range(size, "int32"));
  const k = call.has(1) ? call.number(1) : 0;
  const away = sub(unsqueeze(columns!, 0), unsqueeze(rows!, 1));
  const keep = call.int("upper", 1) !== 0 ? greaterEqual(away, k) : lessEqual(away, k);
  if (x.dtype === "bool") return and(x, keep);
  return where(keep, x, 0);
});
define("Pad", (call) => {
  let x = call.tensor(0);
  if (call.text("mode", "constant") !== "constant")
    throw call.refuse("repeats the edge, which is not imported");
  const amounts = call.has(1) ? call.numbers(1) : (call.ints("pads") ?? []);
  const value = call.has(2) ? call.number(2) : call.float_("value", 0);
  const axes = call.has(3)
    ? call.numbers(3).map((axis) => call.axis(axis, x.shape))
    : x.shape.map((_, axis) => axis);
  axes.forEach((axis, index) => {
    const [before, after] = [amounts[index]!, amounts[index + axes.length]!];
    const size = x.shape[axis]!;
    if (before < 0) x = slice(x, axis, -before, addDimensions(size, before));
    if (after < 0) x = slice(x, axis, 0, addDimensions(x.shape[axis]!, after));
    x = pad(x, axis, Math.max(0, before), Math.max(0, after), value);
  });
  return x;
});
