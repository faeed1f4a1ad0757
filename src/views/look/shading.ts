import type { Places, TraceLook } from "../../attention/trace.js";
import type { Theme } from "../theme.js";

/** How dark values of a look are drawn. */
export interface Shading {
  /** From 0 to 1: attention is its own darkness; of scores the farthest from 0 is 1. */
  of(value: number): number;
  colour(value: number, theme: Theme): string;
  /** A value as pictures have it, with a score's unit. */
  text(value: number, digits?: number): string;
  /** The farthest from 0, above it where two are as far. */
  readonly greatest: number;
  /** Whether any value is below 0. */
  readonly negative: boolean;
}

export const isScore = ({ unit }: TraceLook): boolean => unit !== undefined;

export function shadingOf(look: TraceLook): Shading {
  const { data, unit } = look;
  let [greatest, least] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const value of data) {
    if (value > greatest) greatest = value;
    if (value < least) least = value;
  }
  if (-least > greatest) greatest = least;
  const scale = isScore(look) ? Math.max(1e-9, Math.abs(greatest)) : 1;
  return {
    of: (value) => Math.min(1, Math.abs(value) / scale) || 0,
    colour: (value, theme) => (value < 0 ? theme.against : theme.ink),
    text: (value, digits = 3) => value.toFixed(digits) + (unit ? ` ${unit}` : ""),
    greatest,
    negative: least < 0,
  };
}

/** The place of the greatest value. */
export const greatestPlace = (row: Float32Array): number => {
  let place = 0;
  for (let index = 1; index < row.length; index++) if (row[index]! > row[place]!) place = index;
  return place;
};

/** What the darkness of scores means: it is relative, so the greatest is told. */
export function darkestNote(look: TraceLook, shading: Shading): string | undefined {
  if (!isScore(look) || look.data.length === 0) return undefined;
  return `Drawn by share of the greatest ${look.name}, ${shading.text(shading.greatest, 2)}${
    shading.negative ? "; orange is below 0" : ""
  }.`;
}

/** What places are called as a whole, as in "attention over …". */
export function wholeOf(places: Places, labels: readonly string[]): string {
  switch (places.kind) {
    case "tokens":
      return `“${labels.join(" ")}”`;
    case "frames":
      return `${places.images.length} frames`;
    case "slots":
      return `${places.count} × ${places.title}`;
    case "signal":
      return `${places.seconds.toFixed(1)} seconds`;
    default:
      return "the image";
  }
}

/** What a look is of, at the head of a description. */
export const ofLook = (look: TraceLook): string => (isScore(look) ? `The ${look.name}` : "Attention");
