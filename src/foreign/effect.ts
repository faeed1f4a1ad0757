import type { ForeignValue } from "../session/index.js";
import { ForeignError } from "./error.js";
import type { Given, ReadInput, ReadingOptions, Signature } from "./inputs.js";
import type { Target } from "./salience.js";
import { foreignValue, isWhole, numbersOf } from "./value.js";

type Feeds = Readonly<Record<string, ForeignValue>>;

/** What is measured of an output once something is taken away. */
export interface Measure {
  /** What is measured, in words. */
  readonly title: string;
  readonly unit: string;
  of(outputs: Feeds): number;
  /** The number it is of, where it is of one: it then has a gradient. */
  readonly target?: Target;
}

const isFloat = ({ dtype }: ForeignValue): boolean => dtype.startsWith("float");

/** Whether numbers are the shares of classes. */
export const areShares = (numbers: ArrayLike<number>): boolean => {
  let sum = 0;
  for (let index = 0; index < numbers.length; index++) {
    if (!(numbers[index]! >= 0)) return false;
    sum += numbers[index]!;
  }
  return numbers.length > 1 && Math.abs(sum - 1) < 1e-3;
};

/** The place of the greatest number. */
const greatestOf = (numbers: ArrayLike<number>): number => {
  let most = 0;
  for (let index = 1; index < numbers.length; index++) if (numbers[index]! > numbers[most]!) most = index;
  return most;
};

/**
 * What an output a user names loses: `name:5` is its sixth number, `name` all of it; where shares of classes are given, the
 * log-probability of the likeliest. Of more numbers it is the cosine distance to what it was.
 * @throws ForeignError where there is no such output
 */
export function measureOf(outputs: Feeds, given: readonly Signature[], wanted: string | undefined): Measure {
  const names = given.map(({ name }) => name).filter((name) => outputs[name] && isFloat(outputs[name]));
  const [, asked, element] = /^(.*?)(?::(\d+))?$/s.exec(wanted ?? "")!;
  // A name may have such an end of its own.
  const [name, index] =
    wanted !== undefined && names.includes(wanted) ? [wanted, undefined] : [asked!, element];
  const sizes = (one: string) => numbersOf(outputs[one]!).length;
  const found =
    wanted === undefined
      ? // The smallest output sums up the most.
        [...names].sort((a, b) => sizes(a) - sizes(b)).find((one) => sizes(one) > 0)
      : names.find((one) => one === name);
  if (found === undefined)
    throw new ForeignError(
      `the file gives no numbers called "${name}"; name one of ${names.map((one) => `"${one}"`).join(", ") || "none"}.`,
    );
  const before = numbersOf(outputs[found]!);
  if (index !== undefined) {
    const at = Number(index);
    if (at >= before.length)
      throw new ForeignError(
        `output "${found}" has ${before.length} numbers, so there is none with the number ${at}.`,
      );
    return {
      title: `number ${at} of ${found}`,
      unit: `units of ${found}`,
      target: { output: found, index: at, log: false },
      of: (now) => before[at]! - numbersOf(now[found]!)[at]!,
    };
  }
  if (areShares(before)) {
    const most = greatestOf(before);
    return {
      title: `the likeliest of ${found}, number ${most}`,
      unit: "nats",
      target: { output: found, index: most, log: true },
      of: (now) => Math.log(before[most]!) - Math.log(Math.max(1e-30, numbersOf(now[found]!)[most]!)),
    };
  }
  return {
    title: found,
    unit: "cosine distance",
    of: (now) => cosineDistance(before, numbersOf(now[found]!)),
  };
}

/** 1 less the cosine of the angle between two lists of numbers. */
export function cosineDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    ab += a[index]! * b[index]!;
    aa += a[index]! ** 2;
    bb += b[index]! ** 2;
  }
  return aa === 0 || bb === 0 ? Number(aa !== bb) : Math.max(0, 1 - ab / Math.sqrt(aa * bb));
}

/** What is fed without one of its places, for each of them. */
export interface Absences {
  /** How a place is taken away, in words. */
  readonly without: string;
  readonly count: number;
  /** Rows and columns, where the places are cells of an image. */
  readonly grid?: readonly [rows: number, columns: number];
  feeds(place: number): Feeds;
  /** The input that the places are of. */
  readonly input: string;
  /** The place that an element of it belongs to; elements that pad belong to none. */
  placeOf(element: number): number | undefined;
}

/** Cells that an image is taken apart into where its network has no grid of its own. */
const CELLS = [8, 8] as const;
/** Numbers that are taken away one by one at most. */
const MOST_NUMBERS = 1024;

/** @param grid the grid that attention over the image has. @throws ForeignError where nothing can be taken away */
export function absencesOf(
  inputs: readonly ReadInput[],
  given: Given,
  { tokenizer }: ReadingOptions,
  grid: readonly [rows: number, columns: number] | undefined,
): Absences {
  const { feeds, text, image } = given;
  const changed = (name: string, change: (numbers: number[]) => void): Feeds => {
    const { dtype, shape } = feeds[name]!;
    const numbers = Array.from(numbersOf(feeds[name]!));
    change(numbers);
    return { ...feeds, [name]: foreignValue(dtype, shape, numbers) };
  };
  const named = (kind: ReadInput["role"]["kind"]) => inputs.find(({ role }) => role.kind === kind)?.name;
  if (text) {
    const [mask, tokens] = [named("mask"), named("tokens")!];
    const count = text.ids.length;
    const of = {
      count,
      input: tokens,
      placeOf: (element: number) => (element < count ? element : undefined),
    };
    if (mask !== undefined)
      return {
        ...of,
        without: "once the token is masked",
        feeds: (place) =>
          changed(mask, (numbers) => {
            numbers[place] = 0;
          }),
      };
    const hidden = tokenizer?.hidden ?? 0;
    return {
      without: `once the token is replaced by ${tokenizer?.named([hidden]).pieces[0] ?? `token ${hidden}`}`,
      ...of,
      feeds: (place) =>
        changed(tokens, (numbers) => {
          numbers[place] = hidden;
        }),
    };
  }
  const picture = inputs.find(({ role }) => role.kind === "image");
  if (image && picture?.role.kind === "image") {
    const [rows, columns] = grid ?? CELLS;
    const { channels, channelsFirst } = picture.role;
    const { width, height } = image;
    const plane = width * height;
    return {
      without: "once the cell is filled with the image's mean colour",
      count: rows * columns,
      grid: [rows, columns],
      input: picture.name,
      placeOf(element) {
        const pixel = channelsFirst ? element % plane : Math.floor(element / channels);
        if (element >= plane * channels) return undefined;
        const [y, x] = [Math.floor(pixel / width), pixel % width];
        // A cell goes from the whole part of row · height / rows to that of the next.
        const row = Math.ceil(((y + 1) * rows) / height) - 1;
        return row * columns + Math.ceil(((x + 1) * columns) / width) - 1;
      },
      feeds: (place) =>
        changed(picture.name, (numbers) => {
          const [row, column] = [Math.floor(place / columns), place % columns];
          for (let channel = 0; channel < channels; channel++) {
            const at = (pixel: number) =>
              channelsFirst ? channel * plane + pixel : pixel * channels + channel;
            let mean = 0;
            for (let pixel = 0; pixel < plane; pixel++) mean += numbers[at(pixel)]! / plane;
            for (let y = Math.floor((row * height) / rows); y < Math.floor(((row + 1) * height) / rows); y++)
              for (
                let x = Math.floor((column * width) / columns);
                x < Math.floor(((column + 1) * width) / columns);
                x++
              )
                numbers[at(y * width + x)] = mean;
          }
        }),
    };
  }
  const numbers = named("numbers");
  const count = numbers === undefined ? 0 : numbersOf(feeds[numbers]!).length;
  if (numbers === undefined || count === 0 || count > MOST_NUMBERS)
    throw new ForeignError(
      `there is nothing to take away one by one: it reads ${count} numbers, and up to ${MOST_NUMBERS} are tried.`,
    );
  return {
    without: "once the number is 0",
    count,
    input: numbers,
    placeOf: (element) => element,
    feeds: (place) =>
      changed(numbers, (all) => {
        all[place] = 0;
      }),
  };
}

/** A few of the numbers of an output, as text. */
export function numbersText({ dtype, shape, data }: ForeignValue): string {
  if (Array.isArray(data)) return data.slice(0, 8).join(", ");
  const numbers = numbersOf({ dtype, shape, data });
  const shown = Array.from({ length: Math.min(8, numbers.length) }, (_, index) =>
    isWhole(dtype) || dtype === "bool"
      ? String(numbers[index])
      : Number(numbers[index]!.toPrecision(4)).toString(),
  );
  return `${shown.join(", ")}${numbers.length > 8 ? ", …" : ""}`;
}
