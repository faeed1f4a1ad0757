import type { ReactElement } from "react";
import type { AlignmentTrace } from "../attention/trace.js";
import { Canvas, headingHeight } from "./canvas.js";
import { drawableAll, headingLines } from "./drawable.js";
import { darkestNote, greatestOf, shadesOf, withUnit } from "./scores.js";
import { light, type Theme, textWidth } from "./theme.js";

export interface AlignmentMatrixProps {
  readonly trace: AlignmentTrace;
  readonly theme?: Theme;
  /** A heading; a line break starts a new line. */
  readonly title?: string;
}

/** The side of a cell in pixels: generous for a sentence, smaller for a long text so that it still fits a page. */
function cellSize(tokens: number): number {
  return Math.max(9, Math.min(44, Math.floor(900 / Math.max(tokens, 1))));
}

/** Cells at least this large carry their number; smaller ones are read by hovering. */
const NUMBERED = 30;
/** Cells smaller than this are drawn only where there is something to see. */
const SMALL = 14;
const FAINTEST = 0.004;

/** Where the parts of a matrix lie, in pixels, for what is drawn over it. */
export interface MatrixLayout {
  readonly cell: number;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly fontSize: number;
}

const SLANT = 50;

/** Pixels of a line below the cells. */
const NOTE = 24;
const NOTE_SIZE = 12;

/** What stands below the cells: what their darkness means, where it is no weight. */
const noteOf = ({ weights, scores }: AlignmentTrace): string | undefined =>
  scores && weights.flat().length > 0
    ? darkestNote(scores, withUnit(greatestOf(weights), scores, 2))
    : undefined;

export function matrixLayout(trace: AlignmentTrace, title?: string): MatrixLayout {
  const [source, target] = [drawableAll(trace.source), drawableAll(trace.target)];
  const note = noteOf(trace);
  const cell = cellSize(Math.max(source.length, target.length));
  const fontSize = Math.max(9, Math.min(15, cell * 0.48));
  const radians = (SLANT * Math.PI) / 180;
  const widest = Math.max(0, ...source.map((word) => textWidth(word, fontSize)));
  const left = Math.ceil(Math.max(0, ...target.map((word) => textWidth(word, fontSize)))) + 20;
  const heading = headingLines(title);
  const top =
    headingHeight(title) + (heading.length > 0 ? 8 : 0) + Math.ceil(widest * Math.sin(radians)) + 20;
  const overhang = Math.max(0, textWidth(source.at(-1) ?? "", fontSize) * Math.cos(radians) - cell / 2);
  const width = Math.ceil(
    Math.max(
      left + cell * source.length + overhang + 16,
      ...heading.map((line) => textWidth(line, 16) + 40),
      note ? textWidth(note, NOTE_SIZE) + 32 : 0,
    ),
  );
  const height = top + cell * target.length + 16 + (note ? NOTE : 0);
  return { cell, left, top, width, height, fontSize };
}

/**
 * An alignment as a grid: a row for each word written, a column for each word read, a cell as dark as its weight, or as
 * its share of the greatest score. The greatest of a row is outlined. Hovering over a cell shows the two words and the
 * number.
 */
export function AlignmentMatrix({ trace, theme = light, title }: AlignmentMatrixProps): ReactElement {
  const { weights, scores } = trace;
  const [source, target] = [drawableAll(trace.source), drawableAll(trace.target)];
  const shades = shadesOf(trace);
  const note = noteOf(trace);
  const { cell, left, top, width, height, fontSize } = matrixLayout(trace, title);
  const [right, bottom] = [left + cell * source.length, top + cell * target.length];
  const lines = [
    ...Array.from({ length: source.length + 1 }, (_, column) => `M${left + column * cell} ${top}V${bottom}`),
    ...Array.from({ length: target.length + 1 }, (_, row) => `M${left} ${top + row * cell}H${right}`),
  ];
  return (
    <Canvas
      width={width}
      height={height}
      theme={theme}
      fontSize={fontSize}
      label={`${scores ? `The ${scores.title}` : "Attention"} of each word of “${target.join(" ")}” over “${source.join(" ")}”`}
      title={title}
    >
      {source.map((word, column) => (
        <text
          key={column}
          fill={theme.text}
          transform={`translate(${left + (column + 0.5) * cell + fontSize * 0.3} ${top - 8}) rotate(${-SLANT})`}
        >
          {word}
        </text>
      ))}
      {target.map((word, row) => (
        <text
          key={row}
          x={left - 10}
          y={top + (row + 0.5) * cell + fontSize * 0.35}
          textAnchor="end"
          fill={theme.text}
        >
          {word}
        </text>
      ))}
      <path d={lines.join("")} stroke={theme.line} strokeWidth={1} fill="none" />
      {weights.map((line, row) => {
        const greatest = line.indexOf(Math.max(...line));
        return line.map((weight, column) => {
          const shade = shades[row]![column]!;
          if (cell < SMALL && shade < FAINTEST) return null;
          const [x, y] = [left + column * cell, top + row * cell];
          const square = (
            <rect
              key={`${row} ${column}`}
              x={x}
              y={y}
              width={cell}
              height={cell}
              fill={theme.ink}
              fillOpacity={Number(shade.toFixed(4))}
            />
          );
          if (cell < SMALL) return square;
          return (
            <g key={`${row} ${column}`}>
              <title>{`${target[row]} ← ${source[column]}: ${withUnit(weight, scores)}`}</title>
              {square}
              {column === greatest && (
                <rect
                  x={x + 1}
                  y={y + 1}
                  width={cell - 2}
                  height={cell - 2}
                  fill="none"
                  stroke={theme.ink}
                  strokeWidth={1.5}
                />
              )}
              {cell >= NUMBERED && shade >= 0.05 && (
                <text
                  x={x + 0.5 * cell}
                  y={y + 0.5 * cell + 4}
                  textAnchor="middle"
                  fontSize={11}
                  fill={shade > 0.55 ? theme.background : theme.text}
                >
                  {weight.toFixed(2)}
                </text>
              )}
            </g>
          );
        });
      })}
      {note && (
        <text x={16} y={bottom + 26} fontSize={NOTE_SIZE} fill={theme.faint}>
          {note}
        </text>
      )}
    </Canvas>
  );
}
