import { fromBase64, RegardError, toBase64 } from "../core/index.js";

/**
 * What a model attended to while it handled one input, as plain data: the one type that views draw, measures score and
 * subjects answer with. Axes: R rows, H heads, P places, W windows.
 */
export interface Trace {
  /** What can be looked at, by name. */
  readonly places: Readonly<Record<string, Places>>;
  readonly steps: readonly TraceStep[];
  readonly looks: readonly TraceLook[];
}

/** An image, its size in pixels. */
export interface Image {
  readonly width: number;
  readonly height: number;
  /** The address of a PNG that holds it: `data:image/png;base64,…` */
  readonly url: string;
}

/** What can be looked at. */
export type Places =
  /** Words or pieces of words, in order. */
  | { readonly kind: "tokens"; readonly labels: readonly string[] }
  /** An image as rows × columns of cells, row by row. */
  | { readonly kind: "grid"; readonly image: Image; readonly rows: number; readonly columns: number }
  /** The images of a clip, in order. */
  | { readonly kind: "frames"; readonly images: readonly Image[] }
  /** Equal stretches of a sound in order, with a picture of it in which time goes from left to right. */
  | { readonly kind: "signal"; readonly image: Image; readonly count: number; readonly seconds: number }
  /** Numbered places: slots of a memory, units of a layer. */
  | { readonly kind: "slots"; readonly count: number; readonly title: string }
  /** An image that windows lie on. A glimpse of several resolutions sees as many times the window around the same centre. */
  | { readonly kind: "canvas"; readonly image: Image; readonly scales?: readonly number[] };

/** A step of the model. */
export interface TraceStep {
  readonly label: string;
  /** What places look like after the step, by their names: the canvas of a model that draws, as it stands. */
  readonly images?: Readonly<Record<string, Image>>;
  /** What a glimpse holds, an image for each of its resolutions. */
  readonly seen?: readonly Image[];
}

/** What the numbers of a look are: shares of places, gates from 0 to 1, or windows over an image. */
export type LookKind = "weights" | "gates" | "windows";

/** Where a model looked: one named look over all steps of one input. */
export interface TraceLook {
  readonly name: string;
  /** The name of its places in `Trace.places`. */
  readonly over: string;
  /** The name of the places that look, a row each; the trace's steps where absent. */
  readonly from?: string;
  readonly kind: LookKind;
  /** [R, H, P], or [R, W, 4] of windows: centre x and y, width and height as shares of the image. */
  readonly shape: readonly [number, number, number];
  readonly data: Float32Array;
  /** What was used in the end, of the same shape, where that is not `data`: the one place of hard attention. */
  readonly used?: Float32Array;
  /** What was weighed, and what became of it, where that is known. */
  readonly weighed?: Weighed;
  /** What a value is a number of, such as "nats", where it is a score that may be below 0; absent of shares from 0 to 1. */
  readonly unit?: string;
  /** Whether it was worked out of other looks, such as gates, and is no attention of the model's own. */
  readonly derived?: true;
}

/** What a look weighed, of a few channels of the features: enough to follow how a step came by what it handed on. */
export interface Weighed {
  /** The channels that are told of, from 0, those that are strongest in what is handed on first. */
  readonly channels: readonly number[];
  /** How many channels there are. */
  readonly features: number;
  /** What was weighed by, [R, P]. */
  readonly by: Float32Array;
  /** What the places have in these channels, [R, P, channels]; [1, P, channels] where every row weighed the same. */
  readonly values: Float32Array;
  /** Their weighted sum as the model has it, [R, channels]; absent where the products are handed on as they are. */
  readonly pooled?: Float32Array;
  /** What the weights were made from, before mask and softmax, [R, P], and the mechanism that scored the places so. */
  readonly scored?: { readonly mechanism: string; readonly scores: Float32Array };
}

/** What a look is called by what it goes over: the word for it in lists, files and `--json`. */
export type LookTitle = "alignment" | "spatial" | "temporal" | "glimpses" | "memory" | "heads" | "gates";

/** What a look is called. @param places those it goes over */
export function titleOfLook({ kind, shape }: TraceLook, places: Places): LookTitle {
  if (kind === "gates") return "gates";
  if (kind === "windows") return "glimpses";
  if (places.kind === "slots") return "memory";
  if (shape[1] > 1) return "heads";
  return (
    {
      tokens: "alignment",
      grid: "spatial",
      canvas: "spatial",
      frames: "temporal",
      signal: "temporal",
    } as const
  )[places.kind];
}

/** Row `row` of head `head`: its places, or the four numbers of window `head`. A view, not a copy. */
export const rowOf = ({ shape: [, heads, places], data }: TraceLook, row: number, head = 0): Float32Array =>
  data.subarray((row * heads + head) * places, (row * heads + head + 1) * places);

/** All rows of one head. */
export const rowsOf = (look: TraceLook, head = 0): Float32Array[] =>
  Array.from({ length: look.shape[0] }, (_, row) => rowOf(look, row, head));

/** One head of a look as a look of its own, [R, 1, P]. */
export function headOf(look: TraceLook, head: number): TraceLook {
  const { shape, data, used } = look;
  if (shape[1] === 1) return look;
  const of = (values: Float32Array) => {
    const one = new Float32Array(shape[0] * shape[2]);
    for (let row = 0; row < shape[0]; row++)
      one.set(rowOf({ ...look, data: values }, row, head), row * shape[2]);
    return one;
  };
  return { ...look, shape: [shape[0], 1, shape[2]], data: of(data), ...(used && { used: of(used) }) };
}

/** The mean over all heads of looks that are shaped alike but for their heads, [R, 1, P]; a single head is given as it is. */
export function meanOfLooks(looks: readonly [TraceLook, ...TraceLook[]]): TraceLook {
  const [first] = looks;
  const { used: _, weighed: __, ...rest } = first;
  const [rows, , places] = first.shape;
  const all = looks.reduce((sum, { shape }) => sum + shape[1], 0);
  if (all === 1) return first;
  const data = new Float32Array(rows * places);
  for (const look of looks)
    for (let row = 0; row < rows; row++)
      for (let head = 0; head < look.shape[1]; head++)
        rowOf(look, row, head).forEach((value, place) => {
          data[row * places + place]! += value / all;
        });
  return { ...rest, shape: [rows, 1, places], data };
}

/** A look from nested numbers [R, P]. */
export function lookOfRows(
  rows: readonly ArrayLike<number>[],
  about: Omit<TraceLook, "shape" | "data">,
): TraceLook {
  const places = rows[0]?.length ?? 0;
  const data = new Float32Array(rows.length * places);
  rows.forEach((row, index) => {
    data.set(row, index * places);
  });
  return { ...about, shape: [rows.length, 1, places], data };
}

/** A part of an image: centre, width and height as shares of the image. */
export interface LookWindow {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The windows of a row of a look. */
export const windowsOf = (look: TraceLook, row: number): LookWindow[] =>
  Array.from({ length: look.shape[1] }, (_, index) => {
    const [x, y, width, height] = rowOf(look, row, index);
    return { x: x!, y: y!, width: width!, height: height! };
  });

/** The places that a look goes over. @throws RegardError where the trace has none of that name */
export function placesOf({ places }: Trace, { name, over }: TraceLook): Places {
  if (!Object.hasOwn(places, over))
    throw new RegardError(
      `look "${name}" goes over "${over}", but the trace has the places ${Object.keys(places).join(", ")}.`,
    );
  return places[over]!;
}

/** What each of so many places is called. */
export function placeLabels(places: Places, count: number): string[] {
  const called = (name: (place: number) => string) =>
    Array.from({ length: count }, (_, place) => name(place));
  switch (places.kind) {
    case "tokens":
      return called((place) => places.labels[place] ?? "");
    case "grid":
      return called((place) =>
        places.rows === 1
          ? `column ${place + 1}`
          : `row ${Math.floor(place / places.columns) + 1}, column ${(place % places.columns) + 1}`,
      );
    case "frames":
      return called((place) => `frame ${place + 1}`);
    case "signal":
      return called((place) => `${((place * places.seconds) / places.count).toFixed(2)} s`);
    default:
      return called((place) => String(place + 1));
  }
}

/** What each row of a look is called: the places that look, or the steps. */
export const rowLabels = (trace: Trace, { from, shape: [rows] }: TraceLook): readonly string[] =>
  from === undefined || !trace.places[from]
    ? Array.from({ length: rows }, (_, row) => trace.steps[row]?.label ?? String(row + 1))
    : placeLabels(trace.places[from], rows);

/** Looks in groups: those of one key together, where the first of them stands, and those without a key each by itself. */
export function groupLooks(
  looks: readonly TraceLook[],
  keyOf: (look: TraceLook) => string | undefined,
): [TraceLook, ...TraceLook[]][] {
  const groups: [TraceLook, ...TraceLook[]][] = [];
  const known = new Map<string, TraceLook[]>();
  for (const look of looks) {
    const key = keyOf(look);
    const group = key === undefined ? undefined : known.get(key);
    if (group) group.push(look);
    else {
      groups.push([look]);
      if (key !== undefined) known.set(key, groups.at(-1)!);
    }
  }
  return groups;
}

/** A trace as JSON holds it: numbers as base64 of float32, little-endian. */
export type TraceJson = Omit<Trace, "looks"> & {
  readonly looks: readonly (Omit<TraceLook, "data" | "used" | "weighed"> & {
    readonly data: string;
    readonly used?: string;
    readonly weighed?: Omit<Weighed, "by" | "values" | "pooled" | "scored"> &
      Readonly<Record<"by" | "values", string>> & {
        readonly pooled?: string;
        readonly scored?: { readonly mechanism: string; readonly scores: string };
      };
  })[];
};

const FLOAT = Float32Array.BYTES_PER_ELEMENT;

function encodeNumbers(numbers: Float32Array): string {
  const view = new DataView(new ArrayBuffer(numbers.length * FLOAT));
  numbers.forEach((value, index) => {
    view.setFloat32(index * FLOAT, value, true);
  });
  return toBase64(new Uint8Array(view.buffer));
}

function decodeNumbers(
  text: string,
  { name, shape }: { readonly name: string; readonly shape: readonly number[] },
): Float32Array {
  const { buffer, length } = fromBase64(text);
  const count = shape.reduce((a, b) => a * b, 1);
  if (length !== count * FLOAT)
    throw new RegardError(
      `look "${name}" of shape [${shape.join(", ")}] should hold ${count * FLOAT} bytes, but has ${length}.`,
    );
  const view = new DataView(buffer);
  return Float32Array.from({ length: count }, (_, index) => view.getFloat32(index * FLOAT, true));
}

/** A trace for JSON. */
export const encodeTrace = (trace: Trace): TraceJson => ({
  ...trace,
  looks: trace.looks.map(({ data, used, weighed, ...look }) => ({
    ...look,
    data: encodeNumbers(data),
    ...(used && { used: encodeNumbers(used) }),
    ...(weighed && {
      weighed: {
        channels: weighed.channels,
        features: weighed.features,
        by: encodeNumbers(weighed.by),
        values: encodeNumbers(weighed.values),
        ...(weighed.pooled && { pooled: encodeNumbers(weighed.pooled) }),
        ...(weighed.scored && {
          scored: { ...weighed.scored, scores: encodeNumbers(weighed.scored.scores) },
        }),
      },
    }),
  })),
});

/** A trace from JSON. @throws RegardError where the numbers of a look are not as many as its shape says */
export const decodeTrace = (trace: TraceJson): Trace => ({
  ...trace,
  looks: trace.looks.map(({ data, used, weighed, ...look }) => ({
    ...look,
    data: decodeNumbers(data, look),
    ...(used !== undefined && { used: decodeNumbers(used, look) }),
    ...(weighed && { weighed: decodeWeighed(weighed, look) }),
  })),
});

function decodeWeighed(
  { by, values, pooled, scored, ...rest }: NonNullable<TraceJson["looks"][number]["weighed"]>,
  { name, shape: [rows, , places] }: Pick<TraceLook, "name" | "shape">,
): Weighed {
  const channels = rest.channels.length;
  const whole = decodeNumbers(by, { name, shape: [rows, places] });
  // The same for all rows, or different for each.
  const same = fromBase64(values).length === places * channels * FLOAT;
  return {
    ...rest,
    by: whole,
    values: decodeNumbers(values, { name, shape: [same ? 1 : rows, places, channels] }),
    ...(pooled !== undefined && { pooled: decodeNumbers(pooled, { name, shape: [rows, channels] }) }),
    ...(scored && {
      scored: { ...scored, scores: decodeNumbers(scored.scores, { name, shape: [rows, places] }) },
    }),
  };
}
