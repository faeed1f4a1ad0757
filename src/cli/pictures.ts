import type { AttentionTrace } from "../attention/index.js";
import { writeAtomically } from "../train/run-folder.node.js";
import {
  alignmentText,
  gatesText,
  lapseSvg,
  type MapStyle,
  spatialText,
  toHtml,
  toSvg,
  wordFrames,
} from "../views/index.js";
import { toPng } from "./png.js";
import { hasColour } from "./terminal.js";

/** Where pictures go; what is absent is not written. */
export interface PictureOptions {
  readonly svg?: string;
  readonly png?: string;
  readonly html?: string;
}

/** A trace with the heading it has on a page. */
export interface Section {
  readonly heading: string;
  readonly trace: AttentionTrace;
}

/** Writes a trace as SVG and PNG, and all of them as one page; returns the files. */
export async function writePictures(
  options: PictureOptions & { readonly style?: MapStyle },
  title: string,
  drawn: AttentionTrace | undefined,
  sections: readonly Section[],
): Promise<string[]> {
  const { svg, png, html, style } = options;
  const picture = () => toSvg(drawn!, { title, ...(style && { style }) });
  if (drawn && svg) await writeAtomically(svg, picture());
  if (drawn && png) await writeAtomically(png, toPng(picture()));
  if (html) await writeAtomically(html, toHtml(title, sections));
  return [svg, png, html].filter((file) => file !== undefined);
}

/** Seconds each word is shown where a caption's attention moves. */
const WORD_SECONDS = 0.8;

/** Writes the attention of a caption's words one after the other, as an SVG that moves by itself. */
export async function writeAnimation(file: string, title: string, trace: AttentionTrace): Promise<void> {
  if (trace.kind === "spatial")
    await writeAtomically(file, lapseSvg(wordFrames(trace, title), { seconds: WORD_SECONDS }));
}

/** A trace as text for the terminal. */
export function textOf(trace: AttentionTrace): string {
  const terminal = { colour: hasColour(process.stdout), width: process.stdout.columns ?? 100 };
  if (trace.kind === "alignment") return alignmentText(trace, terminal);
  if (trace.kind === "gates") return gatesText(trace, terminal);
  return trace.kind === "spatial" ? spatialText(trace, terminal) : "";
}
