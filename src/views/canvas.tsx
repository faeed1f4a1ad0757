import type { ReactElement, ReactNode } from "react";
import { drawable, headingLines } from "./drawable.js";
import { FONT, linesOf, type Theme, textWidth } from "./theme.js";

export interface CanvasProps {
  readonly width: number;
  readonly height: number;
  readonly theme: Theme;
  readonly fontSize: number;
  /** What the picture shows, for those who do not see it. */
  readonly label: string;
  /** A heading; a line break starts a new line. */
  readonly title?: string | undefined;
  readonly children: ReactNode;
}

/** Letters of what a picture says of itself at most. */
const LONGEST_DESCRIPTION = 2000;

/** Pixels of a heading's line. */
const LINE = 24;

/** The height of a heading. */
export const headingHeight = (title: string | undefined): number => LINE * headingLines(title).length;

/** What every picture begins with: its size, its background, what it shows in words, and its heading. */
export function Canvas({
  width,
  height,
  theme,
  fontSize,
  label,
  title,
  children,
}: CanvasProps): ReactElement {
  return (
    <svg
      xmlns="http://www.w3.org/2000/svg"
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
      fontFamily={FONT}
      fontSize={fontSize}
      role="img"
    >
      <title>{drawable(label, LONGEST_DESCRIPTION)}</title>
      <rect width={width} height={height} fill={theme.background} />
      {headingLines(title).map((line, row) => (
        <text key={row} x={16} y={26 + LINE * row} fontSize={16} fontWeight={600} fill={theme.text}>
          {line}
        </text>
      ))}
      {children}
    </svg>
  );
}

/** The size of a note's letters, and pixels from one of its lines to the next. */
const [NOTE_SIZE, NOTE_LINE] = [12, 16];

/** What is said below a picture, in lines that fit. */
export interface NoteLines {
  readonly lines: readonly string[];
  readonly width: number;
  /** Pixels below its first line. */
  readonly more: number;
}

/** A note in lines, as wide as there is room, its margins counted. */
export function noteLines(note: string | undefined, room = Number.POSITIVE_INFINITY): NoteLines {
  const lines = note === undefined ? [] : linesOf(note, NOTE_SIZE * 1.1, Math.max(240, room - 32));
  return {
    lines,
    width: Math.max(0, ...lines.map((line) => textWidth(line, NOTE_SIZE * 1.1) + 32)),
    more: NOTE_LINE * Math.max(0, lines.length - 1),
  };
}

/** A note below a picture. @param y of its first line */
export const Note = ({
  note,
  y,
  theme,
}: {
  readonly note: NoteLines;
  readonly y: number;
  readonly theme: Theme;
}): readonly ReactElement[] =>
  note.lines.map((line, index) => (
    <text key={line} x={16} y={y + NOTE_LINE * index} fontSize={NOTE_SIZE} fill={theme.faint}>
      {line}
    </text>
  ));

/** A line across a picture at one level, with what it stands for before it. */
export function Level({
  left,
  right,
  y,
  theme,
  children,
}: {
  readonly left: number;
  readonly right: number;
  readonly y: number;
  readonly theme: Theme;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <g>
      <line x1={left} x2={right} y1={y} y2={y} stroke={theme.line} />
      <text x={left - 8} y={y + 4} textAnchor="end" fill={theme.faint}>
        {children}
      </text>
    </g>
  );
}

/** Where the entries of a legend begin, one after the other. */
export function legendPlaces(names: readonly string[], fontSize: number): number[] {
  let x = 0;
  return names.map((name) => {
    const place = x;
    // Names stand in bold, behind a mark.
    x += textWidth(name, fontSize) * 1.12 + 2.6 * fontSize;
    return Math.round(place);
  });
}

/** Round numbers that divide a range into about four. */
export function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 4;
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough)!;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, index) => (first + index) * step);
}
