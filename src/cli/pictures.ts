import { decodeTrace, type Trace } from "../attention/index.js";
import type { Answer } from "../service/index.js";
import { writeAtomically } from "../train/run-folder.node.js";
import {
  type MapStyle,
  momentsOf,
  movingSvg,
  type Picture,
  pictureSvg,
  picturesPage,
  pictureText,
  type ViewName,
} from "../views/index.js";
import { toPng } from "./png.js";
import { hasColour } from "./terminal.js";

/** Where pictures go; what is absent is not written. */
export interface PictureOptions {
  readonly svg?: string;
  readonly png?: string;
  readonly html?: string;
  readonly animation?: string;
  readonly path?: string;
  readonly style?: MapStyle;
  /** How the picture is drawn; the usual way where absent. */
  readonly view?: ViewName;
  /** The step to bring out, from 1. */
  readonly step?: number;
  /** The head to show, of those of a picture. */
  readonly open?: { readonly look: string; readonly head: number } | undefined;
}

/** A picture of a trace, with the heading it has on a page. */
export interface Section {
  readonly heading: string;
  readonly picture: Picture;
}

/** Seconds each step is shown where a look moves. */
const STEP_SECONDS = 0.8;

/** The trace of an answer without the scores of its looks. */
export function lookedOf({ trace }: Pick<Answer, "trace">): Trace {
  const whole = decodeTrace(trace);
  return { ...whole, looks: whole.looks.filter(({ unit }) => unit === undefined) };
}

/** Writes one picture of a trace, and all of them as one page; returns the files. */
export async function writePictures(
  options: PictureOptions,
  title: string,
  trace: Trace,
  drawn: Picture | undefined,
  sections: readonly Section[],
): Promise<string[]> {
  const { svg, png, html, animation, path, style, view } = options;
  const drawing = {
    style,
    open: options.open,
    ...(options.step !== undefined && { selected: options.step - 1 }),
  };
  const picture = (as = view) => pictureSvg(trace, drawn!, { ...drawing, title, view: as });
  if (drawn && svg) await writeAtomically(svg, picture());
  if (drawn && png) await writeAtomically(png, toPng(picture()));
  if (html)
    await writeAtomically(
      html,
      picturesPage(
        title,
        sections.map((section) => ({ ...section, ...drawing, view, trace })),
      ),
    );
  const [first, ...others] = drawn && animation ? momentsOf(trace, drawn, { title }) : [];
  if (first && animation) await writeAtomically(animation, movingSvg([first, ...others], STEP_SECONDS));
  if (drawn && path) await writeAtomically(path, picture("path"));
  return [svg, png, html, animation, path].filter((file) => file !== undefined);
}

/** A picture as text for the terminal. */
export const textOf = (
  trace: Trace,
  picture: Picture,
  { view, step, open }: Pick<PictureOptions, "view" | "step" | "open"> = {},
): string =>
  pictureText(trace, picture, {
    colour: hasColour(process.stdout),
    width: process.stdout.columns ?? 100,
    view,
    open,
    ...(step !== undefined && { selected: step - 1 }),
  });
