import { createRequire } from "node:module";
import { Resvg } from "@resvg/resvg-js";
import { UsageError } from "../core/index.js";
import { warn } from "./command.js";

const FONTS = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"];
/** Times larger than the SVG. */
const ZOOM = 2;
/** Pixels a picture may have: what most programs still open. */
const MOST_PIXELS = 100_000_000;

/** Letters that the font of our own has no picture of: those of other writing than it covers, and coloured ones. */
const FOREIGN =
  /[^\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Armenian}\p{Script=Georgian}\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Lao}\p{Script=Common}\p{Script=Inherited}]|\p{Emoji_Presentation}|[\u3000-\u303f\uff00-\uffef]/gu;

/** The letters of a text that the font of our own lacks, each once. */
export const foreignLetters = (text: string): string[] => [...new Set(text.match(FOREIGN) ?? [])];

/** Letters that are named in a warning. */
const NAMED = 8;

/**
 * Renders an SVG at twice its size, with a font of our own, so that the picture is the same on every machine. Letters that it
 * lacks are drawn with the machine's own fonts, and said.
 * @throws UsageError where the picture would be too large
 */
export function toPng(svg: string): Uint8Array {
  const { resolve } = createRequire(import.meta.url);
  const [, width, height] = /^<svg[^>]*? width="([\d.]+)" height="([\d.]+)"/.exec(svg) ?? [];
  const [across, down] = [ZOOM * Number(width), ZOOM * Number(height)];
  if (across * down > MOST_PIXELS)
    throw new UsageError(
      `the picture would have ${Math.round(across)} × ${Math.round(down)} pixels but at most ${MOST_PIXELS / 1e6} million are drawn; write it with --svg or --html, or give a shorter input.`,
    );
  const foreign = foreignLetters(svg.replace(/(?:href)="[^"]*"/g, ""));
  if (foreign.length > 0)
    warn(
      `The PNG is drawn in DejaVu Sans, which lacks ${foreign.slice(0, NAMED).join(" ")}${foreign.length > NAMED ? " …" : ""}: this machine's fonts are used for them, or boxes where it has none. --svg and --html leave the font to whoever looks.`,
    );
  return new Resvg(svg, {
    fitTo: { mode: "zoom", value: ZOOM },
    font: {
      loadSystemFonts: foreign.length > 0,
      fontFiles: FONTS.map((name) => resolve(`dejavu-fonts-ttf/ttf/${name}`)),
      defaultFontFamily: "DejaVu Sans",
      sansSerifFamily: "DejaVu Sans",
    },
  })
    .render()
    .asPng();
}
