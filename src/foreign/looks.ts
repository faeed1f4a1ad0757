import { lookOfRows, type Places, rowOf, type TraceLook } from "../attention/index.js";
import { pngUrl } from "../core/index.js";
import type { Given } from "./inputs.js";
import type { Weights } from "./model.js";

/** What rollout is called among looks. */
export const ROLLOUT_LOOK = "rollout";

/** Places that a look goes over: what they are, and which of the look's own they are. */
interface Matched {
  readonly name: string;
  readonly places: Places;
  /** Places of the look before the first of these, such as a mark that stands for the whole. */
  readonly skip: number;
  readonly count: number;
}

/** Marks that may stand before the cells of an image: none, one for the class, that and four registers. */
const MARKS = [0, 1, 2, 5] as const;
/** Sides of the cells that networks cut images into, in pixels. */
const CELLS = [64, 56, 32, 28, 16, 14, 8, 7, 4] as const;

/** What the cells of an image are called among places. */
export const cellsName = (rows: number, columns: number): string => `cells ${rows} × ${columns}`;

/** What so many places are, as far as what was fed tells: tokens of the text, cells or columns of the image, or numbers. */
export function placesOf({ text, image, feeds }: Given, count: number): Matched {
  const tokens = text?.ids.length ?? 0;
  const filled = Object.values(feeds).some(({ shape }) => shape.length === 2 && shape[1] === count);
  if (text && (count === tokens || (count > tokens && filled)))
    return { name: "tokens", places: { kind: "tokens", labels: text.pieces }, skip: 0, count: tokens };
  if (image) {
    const url = () => ({ width: image.width, height: image.height, url: pngUrl(image) });
    const grid = (rows: number, columns: number, skip: number): Matched => ({
      name: cellsName(rows, columns),
      places: { kind: "grid", image: url(), rows, columns },
      skip,
      count: rows * columns,
    });
    for (const skip of MARKS)
      for (const side of CELLS) {
        const [rows, columns] = [Math.floor(image.height / side), Math.floor(image.width / side)];
        if (rows > 0 && columns > 0 && rows * columns === count - skip && count - skip > 1)
          return grid(rows, columns, skip);
      }
    // Columns, as of a line of text.
    const width = image.width / count;
    if (count > 1 && width >= 2 && image.width > image.height && Number.isInteger(Math.round(width * 8) / 8))
      return grid(1, count, 0);
  }
  const labels = Array.from({ length: count }, (_, index) => String(index + 1));
  return { name: `${count} positions`, places: { kind: "tokens", labels }, skip: 0, count };
}

/** An attention's weights as a look, and the places that it needs. What has no number counts as 0, as guards against it have it. */
export function lookOfWeights(
  name: string,
  weights: Weights,
  given: Given,
): { readonly look: TraceLook; readonly places: Readonly<Record<string, Places>> } {
  const over = placesOf(given, weights.places);
  const from = weights.rows === 1 ? undefined : placesOf(given, weights.rows);
  const rows = from?.count ?? 1;
  const { heads } = weights;
  const data = new Float32Array(rows * heads * over.count);
  let index = 0;
  for (let row = 0; row < rows; row++)
    for (let head = 0; head < heads; head++)
      for (let place = 0; place < over.count; place++)
        data[index++] = weights.data[weights.at(row + (from?.skip ?? 0), head, place + over.skip)] || 0;
  return {
    look: {
      name,
      over: over.name,
      ...(from && { from: from.name }),
      kind: "weights",
      shape: [rows, heads, over.count],
      data,
    },
    places: { [over.name]: over.places, ...(from && { [from.name]: from.places }) },
  };
}

/**
 * Attention rollout (Abnar & Zuidema 2020, section 3): what each place has of each at the start, where a layer is half itself and
 * half the mean of its heads. Undefined where layers do not look at what they themselves are.
 */
export function rollout(looks: readonly TraceLook[]): TraceLook | undefined {
  const [first, ...others] = looks;
  if (!first || others.length === 0) return undefined;
  const [size] = first.shape;
  if (
    looks.some(
      ({ shape, over, from }) =>
        shape[0] !== size || shape[2] !== size || over !== from || over !== first.over,
    )
  )
    return undefined;
  let rolled = Array.from({ length: size }, (_, row) =>
    Float64Array.from({ length: size }, (__, place) => Number(row === place)),
  );
  for (const look of looks) {
    const heads = look.shape[1];
    rolled = rolled.map((own, row) => {
      const mixed = Float64Array.from(own, (value) => value / 2);
      const mean = new Float64Array(size);
      for (let head = 0; head < heads; head++) {
        const weights = rowOf(look, row, head);
        for (let place = 0; place < size; place++) mean[place]! += weights[place]! / heads;
      }
      const sum = mean.reduce((a, b) => a + b, 0) || 1;
      for (let place = 0; place < size; place++) {
        const share = mean[place]! / sum / 2;
        const before = rolled[place]!;
        if (share > 0) for (let start = 0; start < size; start++) mixed[start]! += share * before[start]!;
      }
      return mixed;
    });
  }
  return lookOfRows(rolled, { name: ROLLOUT_LOOK, over: first.over, from: first.over, kind: "weights" });
}

/** A look over pieces as one over words: a word is looked at as much as its pieces together, and looks as they do on average. */
export function lookOverWords(
  look: TraceLook,
  word: readonly number[],
  pieces: string,
  words: string,
): TraceLook {
  const count = (word.at(-1) ?? -1) + 1;
  const sizes = new Float64Array(count);
  for (const one of word) sizes[one]!++;
  const [rows, heads, places] = look.shape;
  const [fromWords, overWords] = [look.from === pieces, look.over === pieces];
  if (!fromWords && !overWords) return look;
  const shape = [fromWords ? count : rows, heads, overWords ? count : places] as const;
  const data = new Float32Array(shape[0] * heads * shape[2]);
  for (let row = 0; row < rows; row++)
    for (let head = 0; head < heads; head++)
      rowOf(look, row, head).forEach((weight, place) => {
        const [to, at] = [fromWords ? word[row]! : row, overWords ? word[place]! : place];
        data[(to * heads + head) * shape[2] + at]! += weight / (fromWords ? sizes[to]! : 1);
      });
  return {
    ...look,
    shape,
    data,
    ...(overWords && { over: words }),
    ...(fromWords && { from: words }),
  };
}
