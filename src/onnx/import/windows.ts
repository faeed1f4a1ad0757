import type { Dimension, Tensor } from "../../core/index.js";
import {
  add,
  constant,
  div,
  gather,
  matmul,
  pad,
  reduceMax,
  reduceSum,
  reshape,
  transpose,
} from "../../ops/index.js";
import type { Call } from "./call.js";

/** How windows lie on images: sizes by axis, from the first behind the channels on. */
interface Windows {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Places of windows along each axis. */
  readonly places: readonly number[];
}

/** Elements that windows may have together, of one image and channel. */
const MOST_ELEMENTS = 2 ** 24;

function windowsOf(call: Call, x: Tensor, kernel: readonly number[]): Windows {
  const size = x.shape.slice(2);
  if (!size.every((one) => typeof one === "number"))
    throw call.refuse(
      `moves over [${x.shape.join(", ")}], whose sides must be known before; say the shape of the input`,
    );
  const ones = kernel.map(() => 1);
  const [strides, dilations] = [call.ints("strides") ?? ones, call.ints("dilations") ?? ones];
  const auto = call.text("auto_pad", "NOTSET");
  const ceil = call.int("ceil_mode", 0) !== 0;
  const before: number[] = [];
  const after: number[] = [];
  const places: number[] = [];
  const pads = call.ints("pads") ?? kernel.flatMap(() => [0, 0]);
  kernel.forEach((length, axis) => {
    const [stride, reach] = [strides[axis]!, (length - 1) * dilations[axis]! + 1];
    const side = size[axis] as number;
    let [first, last] = [pads[axis]!, pads[axis + kernel.length]!];
    if (auto === "SAME_UPPER" || auto === "SAME_LOWER") {
      const all = Math.max(0, (Math.ceil(side / stride) - 1) * stride + reach - side);
      first = auto === "SAME_UPPER" ? Math.floor(all / 2) : Math.ceil(all / 2);
      last = all - first;
    } else if (auto === "VALID") [first, last] = [0, 0];
    const room = (side + first + last - reach) / stride;
    let count = (ceil ? Math.ceil(room) : Math.floor(room)) + 1;
    // The last window must begin inside the image, or in what is before it.
    if (ceil && (count - 1) * stride >= side + first) count--;
    before.push(first);
    after.push(Math.max(last, (count - 1) * stride + reach - side - first));
    places.push(count);
  });
  return { kernel, strides, dilations, before, after, places };
}

/** What windows see, [N, C, places, elements of a window], with a value outside. */
function seen(call: Call, x: Tensor, windows: Windows, outside: number): Tensor {
  const { kernel, strides, dilations, before, after, places } = windows;
  const [images, channels] = x.shape as [Dimension, Dimension];
  let padded = x;
  kernel.forEach((_, axis) => {
    padded = pad(padded, axis + 2, before[axis]!, after[axis]!, outside);
  });
  const sides = padded.shape.slice(2) as number[];
  const all = sides.reduce((a, b) => a * b, 1);
  const flat = reshape(padded, [images, channels, all]);
  const [count, elements] = [places, kernel].map((list) => list.reduce((a, b) => a * b, 1)) as [
    number,
    number,
  ];
  if (count * elements > MOST_ELEMENTS)
    throw call.refuse(`has ${count * elements} elements in its windows, too many to take apart`);
  if (elements === 1 && strides.every((stride) => stride === 1))
    return reshape(flat, [images, channels, count, 1]);
  const picks = new Array<number>(count * elements);
  const index = (flatIndex: number, of: readonly number[]): number[] => {
    let rest = flatIndex;
    return [...of]
      .reverse()
      .map((size) => {
        const at = rest % size;
        rest = Math.floor(rest / size);
        return at;
      })
      .reverse();
  };
  const inside = Array.from({ length: elements }, (_, element) => index(element, kernel));
  for (let place = 0; place < count; place++) {
    const at = index(place, places);
    inside.forEach((offset, element) => {
      picks[place * elements + element] = at.reduce(
        (sum, one, axis) => sum * sides[axis]! + one * strides[axis]! + offset[axis]! * dilations[axis]!,
        0,
      );
    });
  }
  const found = gather(flat, constant(picks, { dtype: "int32" }), 2);
  return reshape(found, [images, channels, count, elements]);
}

/** Convolution of images [N, C, …] with weights [M, C / groups, …], as products of matrices. */
export function convolution(call: Call): Tensor {
  const [x, weight] = [call.tensor(0), call.tensor(1)];
  const shape = weight.shape as readonly number[];
  const [out, inner, ...kernel] = shape as [number, number, ...number[]];
  const groups = call.int("group", 1);
  const windows = windowsOf(call, x, kernel);
  const elements = kernel.reduce((a, b) => a * b, 1);
  const count = windows.places.reduce((a, b) => a * b, 1);
  const [images] = x.shape as [Dimension];
  // [N, groups, C / groups, places, elements], elements beside their channels.
  const parts = reshape(seen(call, x, windows, 0), [images, groups, inner, count, elements]);
  const columns = reshape(transpose(parts, [0, 1, 3, 2, 4]), [images, groups, count, inner * elements]);
  const rows = reshape(weight, [groups, out / groups, inner * elements]);
  const product =
    groups === 1
      ? matmul(reshape(columns, [images, count, inner * elements]), reshape(rows, [out, inner * elements]), {
          transposeRight: true,
        })
      : matmul(columns, rows, { transposeRight: true });
  const y =
    groups === 1
      ? transpose(product, [0, 2, 1])
      : reshape(transpose(product, [0, 1, 3, 2]), [images, out, count]);
  const whole = reshape(y, [images, out, ...windows.places]);
  return call.has(2) ? add(whole, reshape(call.tensor(2), [out, ...windows.places.map(() => 1)])) : whole;
}

/** Far below any number of an image, and still one. */
const LEAST = -3e38;

/** The greatest, or the mean, of what windows see. */
export function pooled(call: Call): Tensor {
  const x = call.tensor(0);
  const kernel = call.ints("kernel_shape");
  if (!kernel) throw call.refuse("does not say how large its windows are");
  if (call.node.output[1]) throw call.refuse("gives places, which is not imported");
  const windows = windowsOf(call, x, kernel);
  const shape = [...x.shape.slice(0, 2), ...windows.places];
  if (call.node.opType === "MaxPool")
    return reshape(reduceMax(seen(call, x, windows, LEAST), { axes: -1 }), shape);
  const sum = reduceSum(seen(call, x, windows, 0), { axes: -1 });
  return reshape(div(sum, constant(sizesOf(call, x, windows), { dtype: x.dtype })), shape);
}

/** How many elements each window takes the mean of, [places]. */
function sizesOf(call: Call, x: Tensor, { kernel, strides, dilations, before, places }: Windows): number[] {
  const pads = call.int("count_include_pad", 0) !== 0;
  const along = kernel.map((length, axis) => {
    const side = x.shape[axis + 2] as number;
    const given = (call.ints("pads") ?? [])[axis + kernel.length] ?? 0;
    const auto = call.text("auto_pad", "NOTSET");
    const behind = auto.startsWith("SAME") ? Number.POSITIVE_INFINITY : auto === "VALID" ? 0 : given;
    return Array.from({ length: places[axis]! }, (_, place) => {
      let count = 0;
      for (let element = 0; element < length; element++) {
        const at = place * strides[axis]! + element * dilations[axis]! - before[axis]!;
        if (pads ? at < side + behind : at >= 0 && at < side) count++;
      }
      return count;
    });
  });
  return along.reduce((all, one) => all.flatMap((a) => one.map((b) => a * b)), [1]);
}
