import type { Look, LookAxis, Places, Trace, TraceLook, Weighed, Weighing } from "../attention/index.js";
import { RegardError } from "../core/index.js";
import type { Value } from "../session/index.js";

/** What a look is, without its tensors. */
export type LookAbout = Pick<Look, "kind" | "over" | "from" | "axes"> & {
  /** Whether one place was chosen of those that it weighs. */
  readonly hard?: boolean;
};

/** Axes of a row of a look in a trace, in the order in which one of each kind is taken. */
const ROWS: readonly LookAxis[] = ["step", "query"];
const HEADS: readonly LookAxis[] = ["head", "window"];
const PLACES: readonly LookAxis[] = ["place", "side"];

/**
 * A look of one example as part of a trace: its axes are brought into the order [rows, heads, places], one of each.
 * @param value of the look's axes without that of examples
 * @param rows how many rows there are, where those after them are padding
 * @throws RegardError where it has axes that a trace has no room for
 */
export function tracedLook(
  name: string,
  about: LookAbout,
  value: Value,
  rows?: number,
  used?: Value,
): TraceLook {
  const axes = about.axes.filter((axis) => axis !== "batch");
  const axisOf = (kinds: readonly LookAxis[]) => axes.findIndex((axis) => kinds.includes(axis));
  const order = [axisOf(ROWS), axisOf(HEADS), axisOf(PLACES)] as const;
  if (axes.some((_, index) => !order.includes(index)))
    throw new RegardError(
      `look "${name}" has the axes ${axes.join(", ")}, but a trace has room for one of rows, one of heads and one of places.`,
    );
  const sizes = order.map((axis) => (axis < 0 ? 1 : value.shape[axis]!)) as [number, number, number];
  const count = Math.min(rows ?? sizes[0], sizes[0]);
  const strides = value.shape.map((_, axis) => value.shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const [byRow, byHead, byPlace] = order.map((axis) => (axis < 0 ? 0 : strides[axis]!)) as [
    number,
    number,
    number,
  ];
  const arranged = ({ data }: Value) => {
    const found = new Float32Array(count * sizes[1] * sizes[2]);
    let index = 0;
    for (let row = 0; row < count; row++)
      for (let head = 0; head < sizes[1]; head++)
        for (let place = 0; place < sizes[2]; place++)
          found[index++] = data[row * byRow + head * byHead + place * byPlace]!;
    return found;
  };
  return {
    name,
    over: about.over,
    ...(about.from !== undefined && { from: about.from }),
    kind: about.kind,
    shape: [count, sizes[1], sizes[2]],
    data: arranged(value),
    ...(used && { used: arranged(used) }),
  };
}

/** Channels of the features that a trace tells of. */
const CHANNELS = 4;

/**
 * What a look weighed as part of a trace, of the channels that are strongest in what was handed on.
 * @param rows [P] or [1, P], [P, D] and [D] of every row
 */
export function tracedWeighing(rows: readonly Weighing<Value>[], mechanism?: string): Weighed | undefined {
  const [first, ...others] = rows;
  if (!first) return undefined;
  const places = first.by.data.length;
  const features = first.values.data.length / places;
  const strength = new Float64Array(features);
  for (const { by, values, pooled } of rows)
    for (let channel = 0; channel < features; channel++)
      if (pooled) strength[channel]! += pooled.data[channel]! ** 2;
      else
        for (let place = 0; place < places; place++)
          strength[channel]! += (by.data[place]! * values.data[place * features + channel]!) ** 2;
  const channels = Array.from(strength, (_, channel) => channel)
    .sort((a, b) => strength[b]! - strength[a]!)
    .slice(0, CHANNELS);
  const same = others.every(({ values }) =>
    values.data.every((value, index) => value === first.values.data[index]),
  );
  const of = ({ data }: Value, at: number) => channels.map((channel) => data[at * features + channel]!);
  return {
    channels,
    features,
    by: Float32Array.from(rows.flatMap(({ by }) => Array.from(by.data))),
    values: Float32Array.from(
      (same ? [first] : rows).flatMap(({ values }) =>
        Array.from({ length: places }, (_, place) => of(values, place)).flat(),
      ),
    ),
    ...(first.pooled && { pooled: Float32Array.from(rows.flatMap(({ pooled }) => of(pooled!, 0))) }),
    ...(first.scores &&
      mechanism !== undefined && {
        scored: {
          mechanism,
          scores: Float32Array.from(rows.flatMap(({ scores }) => Array.from(scores!.data))),
        },
      }),
  };
}

/** Places of looks, with those that a task does not name as numbered slots: units of layers, slots of memories. */
export function withSlots(
  places: Readonly<Record<string, Places>>,
  looks: readonly TraceLook[],
): Trace["places"] {
  const slots = looks.flatMap(({ over, shape }) =>
    Object.hasOwn(places, over) ? [] : [[over, { kind: "slots" as const, count: shape[2], title: over }]],
  );
  return { ...places, ...Object.fromEntries(slots) };
}

/** The first places of some that are words; others as they are. */
export const firstPlaces = (places: Places, count: number): Places =>
  places.kind === "tokens" ? { ...places, labels: places.labels.slice(0, count) } : places;

/** How many places there are, where that is known of them. */
export const countOfPlaces = (places: Places | undefined): number => {
  switch (places?.kind) {
    case "tokens":
      return places.labels.length;
    case "grid":
      return places.rows * places.columns;
    case "frames":
      return places.images.length;
    default:
      return places && "count" in places ? places.count : 0;
  }
};
