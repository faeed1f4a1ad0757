import { RegardError, type Tensor } from "../core/index.js";
import { gatesOf } from "../nn/index.js";
import { add, div, reduceMean, transpose } from "../ops/index.js";

/**
 * What an axis of a look runs along: steps of the model, examples, heads, the places that look (`query`), the places that are
 * looked at (`place`), windows, or the four numbers of a window (`side`).
 */
export type LookAxis = "step" | "batch" | "head" | "query" | "place" | "window" | "side";

/** Where a model looked, as a named output of its graph. */
export interface Look {
  /**
   * `weights` say how much of each place went in, and add up to 1 over places; `gates` let through from 0 to 1, each place
   * by itself; `windows` are parts of an image: centre x and y, width and height, as shares of the image's width and height
   * from its left upper corner.
   */
  readonly kind: "weights" | "gates" | "windows";
  /** The name of the places that are looked at. */
  readonly over: string;
  /** The name of the places that look, where these are not the model's steps. */
  readonly from?: string;
  /** What each axis of `value` is, outermost first; `batch` is among them. */
  readonly axes: readonly LookAxis[];
  readonly value: Tensor;
  /** What was weighed by in the end, of the same shape, where that is not `value`: the one place of hard attention. */
  readonly used?: Tensor;
}

/** Looks by their names. */
export type Looks = Readonly<Record<string, Look>>;

const look = (kind: Look["kind"], value: Tensor, axes: readonly LookAxis[], rest: Partial<Look>): Look => {
  if (value.shape.length !== axes.length)
    throw new RegardError(
      `a look over "${rest.over}" has ${value.shape.length} axes, [${value.shape.join(", ")}], but ${axes.length} names for them, ${axes.join(", ")}; name each axis.`,
    );
  return { kind, value, axes, over: rest.over!, ...rest };
};

/** Attention of one step, [B, P]; or of other axes, named. */
export const weightsOver = (
  over: string,
  value: Tensor,
  {
    axes = ["batch", "place"],
    ...rest
  }: { axes?: readonly LookAxis[]; from?: string; used?: Tensor | undefined } = {},
): Look =>
  look("weights", value, axes, {
    over,
    ...(rest.from !== undefined && { from: rest.from }),
    ...(rest.used && { used: rest.used }),
  });

/** Gates of a layer that read `from`, [places of `from`, B, units]. */
export const gatesOver = (
  over: string,
  from: string,
  value: Tensor,
  axes: readonly LookAxis[] = ["query", "batch", "place"],
): Look => look("gates", value, axes, { over, from });

/** The gates of a layer at one step of a model, by name, [B, units] each, as looks. */
export const stepGates = (layer: string, gates: Readonly<Record<string, Tensor>>): Looks =>
  Object.fromEntries(
    Object.entries(gatesOf(layer, { gates })).map(([name, value]) => [
      name,
      look("gates", value, ["batch", "place"], { over: `units of ${layer}` }),
    ]),
  );

/** The gates of layers that read `source`, by name, as looks over the units of each. */
export const readingLooks = (gates: Readonly<Record<string, Tensor>>): Looks =>
  Object.fromEntries(
    Object.entries(gates).map(([name, value]) => [name, gatesOver(`units of ${name}`, "source", value)]),
  );

/** Those of some looks that go from steps over the source. */
export const lookedAtSource = (looks: Looks): Looks =>
  Object.fromEntries(
    Object.entries(looks).filter(
      ([, { kind, over, from }]) => kind === "weights" && over === "source" && from === undefined,
    ),
  );

/**
 * The attention among looks: how much of each place of the source went into a step, [B, P] or, of all steps at once,
 * [T, B, P]. Several looks, and the heads of each, are averaged; undefined where none goes from steps over the source.
 */
export function attentionOf(looks: Looks = {}): Attention | undefined {
  const parts = Object.values(lookedAtSource(looks));
  const [first] = parts;
  if (!first) return undefined;
  const [value, ...others] = parts.map(averaged);
  const { used } = first;
  return {
    value: others.length === 0 ? value! : div(others.reduce(add, value!), parts.length),
    ...(used && others.length === 0 && { used: averaged({ ...first, value: used }) }),
  };
}

/** What a model weighed by, and what of it was used. */
export interface Attention {
  readonly value: Tensor;
  /** What was weighed by in the end, where that is not `value`. */
  readonly used?: Tensor;
}

/** The average over a look's heads, steps first. */
function averaged({ value, axes }: Look): Tensor {
  const head = axes.indexOf("head");
  const mean = head < 0 ? value : reduceMean(value, { axes: head });
  const left: readonly LookAxis[] = axes.filter((axis) => axis !== "head");
  const order = (["step", "batch", "place"] as const).map((axis) => left.indexOf(axis));
  return transpose(
    mean,
    order.filter((position) => position >= 0),
  );
}
