import {
  groupLooks,
  type Image,
  type LookTitle,
  type LookWindow,
  type Places,
  placesOf,
  rowLabels,
  rowOf,
  type Trace,
  type TraceLook,
  titleOfLook,
  windowsOf,
} from "./trace.js";

/** Numbers nested by axes. */
export type Nested = readonly (number | Nested)[];

/** A look as people's programs read it: numbers nested by the axes named in brackets, outermost first. */
export interface NestedLook {
  readonly kind: LookTitle;
  readonly name: string;
  /** What the numbers are in, where they are scores. */
  readonly unit?: string;
  /** Places that are looked at, where they are words. */
  readonly source?: readonly string[];
  /** What looks at words. */
  readonly target?: readonly string[];
  /** What looks at anything else: a label for each step. */
  readonly words?: readonly string[];
  readonly image?: Image;
  readonly frames?: readonly Image[];
  readonly grid?: { readonly rows: number; readonly columns: number };
  /** Seconds of a sound. */
  readonly seconds?: number;
  /**
   * [target, source], [step, row, column], [step, frame], [step, stretch of a sound]; each with an axis before it where
   * there are heads, and always of a memory: [head, step, slot].
   */
  readonly weights?: Nested;
  /** What was used in the end, where that is not `weights`, nested alike. */
  readonly used?: Nested;
  /** [step, window], as shares of the image. */
  readonly windows?: readonly (readonly LookWindow[])[];
  /** Of gates: what is read. */
  readonly tokens?: readonly string[];
  /** [token, unit] of each gate by name; 0 is closed, 1 open. */
  readonly gates?: Readonly<Record<string, Nested>>;
}

const gridRows = (row: Float32Array, columns: number): number[][] =>
  Array.from({ length: row.length / columns }, (_, index) =>
    Array.from(row.subarray(index * columns, (index + 1) * columns)),
  );

/** Values of a look, nested: [row, …], or [head, row, …] where there are heads, and of a memory. */
function nested(look: TraceLook, values: Float32Array, places: Places): Nested {
  const [rows, heads] = look.shape;
  const of = { ...look, data: values };
  const head = (index: number) =>
    Array.from({ length: rows }, (_, row) =>
      places.kind === "grid"
        ? gridRows(rowOf(of, row, index), places.columns)
        : Array.from(rowOf(of, row, index)),
    );
  return heads > 1 || places.kind === "slots"
    ? Array.from({ length: heads }, (_, index) => head(index))
    : head(0);
}

function about(places: Places): Partial<NestedLook> {
  switch (places.kind) {
    case "tokens":
      return { source: places.labels };
    case "grid":
      return { image: places.image, grid: { rows: places.rows, columns: places.columns } };
    case "frames":
      return { frames: places.images };
    case "signal":
      return { image: places.image, seconds: places.seconds };
    case "canvas":
      return { image: places.image };
    case "slots":
      return {};
  }
}

/** A trace for programs that read JSON: a record for each look, one for all gates of a reading. */
export const nestedTrace = (trace: Trace): NestedLook[] =>
  groupLooks(trace.looks, ({ kind, from }) => (kind === "gates" ? `${from}` : undefined)).map((group) => {
    const [look] = group;
    const places = placesOf(trace, look);
    const { name, kind, unit, data, used, shape } = look;
    const labels = rowLabels(trace, look);
    if (kind === "gates")
      return {
        kind,
        name: kind,
        tokens: labels,
        gates: Object.fromEntries(
          group.map((one) => [one.name, nested(one, one.data, { kind: "tokens", labels })]),
        ),
      };
    return {
      kind: titleOfLook(look, places),
      name,
      ...(unit !== undefined && { unit }),
      ...about(places),
      ...(places.kind === "tokens" ? { target: labels } : { words: labels }),
      ...(kind === "windows"
        ? { windows: Array.from({ length: shape[0] }, (_, row) => windowsOf(look, row)) }
        : { weights: nested(look, data, places), ...(used && { used: nested(look, used, places) }) }),
    };
  });
