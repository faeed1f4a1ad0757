import type { ReactElement, ReactNode } from "react";
import type { Trace, TraceLook } from "../../attention/trace.js";
import { Canvas } from "../canvas.js";
import { light, type Theme } from "../theme.js";

/** One value of a look: a place that a row looks at, or a point of the image that its windows lie on. */
export interface Spot {
  readonly look: TraceLook;
  readonly row: number;
  /** The head, or the window. */
  readonly head: number;
  /** The place; absent on an image that windows lie on. */
  readonly place?: number;
  /** Where on that image, as shares of its width and height. */
  readonly point?: readonly [x: number, y: number];
}

/** A rectangle of a picture, in pixels from its left upper corner. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A picture before it becomes an SVG: how large it is, what it shows, and what lies where. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly theme: Theme;
  readonly fontSize: number;
  /** What it shows, for those who do not see it. */
  readonly label: string;
  readonly title?: string | undefined;
  readonly body: ReactNode;
  /** What lies at a point in pixels. */
  readonly at?: (x: number, y: number) => Spot | undefined;
  /** Where all values of a row lie, and where one of them lies, in pixels. */
  readonly boxes?: (spot: Spot) => readonly Box[];
}

/** How a picture is drawn. */
export interface DrawOptions {
  readonly theme?: Theme | undefined;
  /** A heading; a line break starts a new line. */
  readonly title?: string | undefined;
  /** The row to bring out. */
  readonly selected?: number | undefined;
  /** Pixels that there are from left to right, for pictures that can be told in more lines; as wide as is usual where absent. */
  readonly room?: number | undefined;
  /** How maps over an image are drawn. */
  readonly style?: MapStyle | undefined;
  /** How much the colours of maps cover their image, 0 to 1. */
  readonly opacity?: number | undefined;
}

/** Smooth blurs the cells of maps into one another; grid shows them as they are. */
export type MapStyle = "smooth" | "grid";

/** A picture of looks that belong together, the first of which says what over. */
export type Draw = (
  trace: Trace,
  looks: readonly [TraceLook, ...TraceLook[]],
  options: DrawOptions,
) => Drawing;

export const themeOf = ({ theme = light }: DrawOptions): Theme => theme;

/** A drawing as an SVG element. */
export function Drawn({ drawing }: { readonly drawing: Drawing }): ReactElement {
  const { body, at: _, boxes: __, ...canvas } = drawing;
  return <Canvas {...canvas}>{body}</Canvas>;
}

/** Letters and digits of a text, so that pictures of one page do not share names. */
export const nameOf = (text: string): string => text.replace(/[^a-z0-9]+/gi, "-").slice(0, 60);

/** How images of few pixels are enlarged. */
export const enlarged = (image: { readonly width: number }, side: number) =>
  ({ imageRendering: image.width * 2 < side ? "pixelated" : "auto" }) as const;

/** A green that is seen on light and on dark images. */
export const GREEN = "#2bd96b";
