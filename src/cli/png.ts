import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Resvg } from "@resvg/resvg-js";
import { UsageError } from "../core/index.js";
import { warn } from "./command.js";

const FONTS = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"];
/** Times larger than the SVG. */
const ZOOM = 2;
/** Pixels a picture may have: what most programs still open. */
const MOST_PIXELS = 100_000_000;

/** What has no picture in any font: controls, spaces, and marks that only say how others are drawn. */
const UNSEEN = /[\p{Default_Ignorable_Code_Point}\p{Cc}\s]/u;

const { resolve } = createRequire(import.meta.url);
const fontFiles = FONTS.map((name) => resolve(`dejavu-fonts-ttf/ttf/${name}`));

/** Ranges of code points, first and last, that a TrueType font has pictures of: its `cmap` in format 12 (OpenType 1.9). */
function rangesOf(font: Buffer): [number, number][] {
  const tables = Array.from({ length: font.readUInt16BE(4) }, (_, index) => 12 + 16 * index);
  const cmap = font.readUInt32BE(tables.find((at) => font.toString("latin1", at, at + 4) === "cmap")! + 8);
  const parts = Array.from(
    { length: font.readUInt16BE(cmap + 2) },
    (_, index) => cmap + font.readUInt32BE(cmap + 8 + 8 * index),
  );
  const part = parts.find((at) => font.readUInt16BE(at) === 12)!;
  return Array.from({ length: font.readUInt32BE(part + 12) }, (_, index) => {
    const group = part + 16 + 12 * index;
    return [font.readUInt32BE(group), font.readUInt32BE(group + 4)];
  });
}

let ranges: [number, number][] | undefined;

/** The letters of a text that the font of our own lacks, each once. */
export function foreignLetters(text: string): string[] {
  ranges ??= rangesOf(readFileSync(fontFiles[0]!));
  return [...new Set(text)].filter((letter) => {
    const code = letter.codePointAt(0)!;
    return !UNSEEN.test(letter) && !ranges!.some(([first, last]) => first <= code && code <= last);
  });
}

/** Letters that are named in a warning. */
const NAMED = 8;

/**
 * Renders an SVG at twice its size, with a font of our own, so that the picture is the same on every machine. Letters that it
 * lacks are drawn with the machine's own fonts, and said.
 * @throws UsageError where the picture would be too large
 */
export function toPng(svg: string): Uint8Array {
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
      fontFiles,
      defaultFontFamily: "DejaVu Sans",
      sansSerifFamily: "DejaVu Sans",
    },
  })
    .render()
    .asPng();
}
