import { countOf, type Tensor, typedArray } from "../../core/index.js";
import type { Model, Tensors } from "../../models/index.js";
import { Mode } from "../../nn/index.js";
import { inputAttributes, neg } from "../../ops/index.js";
import {
  type Backend,
  neededBy,
  noiseValue,
  type Session,
  sizesOf,
  type Value,
  type Values,
} from "../../session/index.js";

/** Variants that are read at once. */
const TOGETHER = 64;

/**
 * The causal effect of places of an input: how much less likely each decision becomes without them (Zeiler & Fergus 2014,
 * section 4.2; Li et al. 2016).
 */
export class Effects {
  private constructor(
    private readonly session: Session,
    /** The axis of examples of each input, by name. */
    private readonly axes: ReadonlyMap<string, number>,
    private readonly noise: ReadonlyMap<string, Tensor>,
  ) {}

  /**
   * @param inputs what the model reads, by name
   * @param targets what scoring needs beside them
   * @param likelihood the log-probability of targets in what a model gives all at once; that of the loss where absent
   */
  static async load(
    model: Model,
    inputs: Tensors,
    targets: Tensors,
    backend: Backend,
    likelihood?: (outputs: Tensors, targets: Tensors) => Tensor,
  ): Promise<Effects> {
    const mode = Mode.plain();
    const losses =
      likelihood && model.once
        ? neg(likelihood(model.once(inputs, mode).outputs, targets))
        : model.objective({ ...inputs, ...targets }, mode).losses;
    const session = await backend.load({ losses });
    const axes = session.inputs.map((tensor) => [nameOf(tensor), axisOf(tensor)] as const);
    return new Effects(session, new Map(axes), mode.noise);
  }

  /**
   * @param variants inputs: the whole first, then one without each place, along the axis of examples
   * @param taken what was decided, as targets of one example
   * @returns [decision, place] in nats: log p(decision) − log p(decision without the place)
   */
  async effects(parameters: Values, variants: Values, taken: Values): Promise<number[][]> {
    const known = Object.entries(variants).find(([name]) => this.axes.has(name));
    if (!known) return [];
    const count = known[1].shape[this.axes.get(known[0])!]!;
    const losses: Float64Array[] = [];
    for (let start = 0; start < count; start += TOGETHER) {
      const size = Math.min(TOGETHER, count - start);
      const all = (values: Values, pick: (value: Value, axis: number) => Value) =>
        Object.fromEntries(
          Object.entries(values).map(([name, value]) => {
            const axis = this.axes.get(name);
            return [name, axis === undefined || axis < 0 ? value : pick(value, axis)];
          }),
        );
      const fed = {
        ...all(variants, (value, axis) => sliced(value, axis, start, size)),
        ...all(taken, (value, axis) => tiled(value, axis, size)),
      };
      // All are scored under the same chance, that of one example.
      const sizes = sizesOf(this.session.inputs, fed).set("batch", 1);
      const one = Object.fromEntries(
        [...this.noise].map(([name, tensor]) => [name, noiseValue(tensor, sizes, {})]),
      );
      const { losses: found } = await this.session.run(
        neededBy(this.session, {
          ...parameters,
          ...fed,
          ...all(one, (value, axis) => tiled(value, axis, size)),
        }),
      );
      const decisions = found!.data.length / size;
      for (let column = 0; column < size; column++)
        losses.push(Float64Array.from({ length: decisions }, (_, row) => found!.data[row * size + column]!));
    }
    const [whole, ...without] = losses;
    return Array.from(whole!, (loss, row) => without.map((other) => other[row]! - loss));
  }

  release(): Promise<void> {
    return this.session.release();
  }
}

const nameOf = (tensor: Tensor): string => inputAttributes(tensor)!.name;

const axisOf = (tensor: Tensor): number => tensor.shape.indexOf("batch");

/** Part of a value along an axis. */
function sliced({ dtype, shape, data }: Value, axis: number, start: number, size: number): Value {
  const inner = countOf(shape.slice(axis + 1));
  const whole = shape[axis]! * inner;
  const part = size * inner;
  const outer = data.length / whole;
  const found = typedArray(dtype, outer * part);
  for (let index = 0; index < outer; index++) {
    const from = index * whole + start * inner;
    found.set(data.subarray(from, from + part) as never, index * part);
  }
  return { dtype, shape: shape.map((one, at) => (at === axis ? size : one)), data: found };
}

/** A value of one example as often as there are variants. */
function tiled({ dtype, shape, data }: Value, axis: number, times: number): Value {
  const inner = countOf(shape.slice(axis + 1));
  const outer = data.length / inner;
  const found = typedArray(dtype, data.length * times);
  for (let index = 0; index < outer; index++) {
    const one = data.subarray(index * inner, (index + 1) * inner);
    for (let time = 0; time < times; time++) found.set(one as never, (index * times + time) * inner);
  }
  return { dtype, shape: shape.map((one, at) => (at === axis ? times : one)), data: found };
}
