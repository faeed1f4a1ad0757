import {
  placeLabels,
  placesOf,
  rowLabels,
  rowOf,
  type Trace,
  type TraceLook,
} from "../../attention/trace.js";
import { headingHeight, Note, noteLines } from "../canvas.js";
import { drawableAll, headingLines } from "../drawable.js";
import { textWidth } from "../theme.js";
import { type Box, type Draw, type DrawOptions, themeOf } from "./drawing.js";
import { darkestNote, greatestPlace, ofLook, type Shading, shadingOf, wholeOf } from "./shading.js";

/** The side of a cell in pixels: generous for a sentence, smaller for a long text so that it still fits a page. */
function cellSize(tokens: number): number {
  return Math.max(9, Math.min(44, Math.floor(900 / Math.max(tokens, 1))));
}

/** Cells at least this large carry their number; smaller ones are read by hovering. */
const NUMBERED = 30;
/** Cells smaller than this are drawn only where there is something to see. */
const SMALL = 14;
const FAINTEST = 0.004;

/** Degrees by which the labels of columns are turned. */
const SLANT = 50;

/** Pixels of a line below the cells. */
const NOTE = 24;

function layoutOf(
  trace: Trace,
  look: TraceLook,
  shading: Shading,
  { title, room = Number.POSITIVE_INFINITY }: Pick<DrawOptions, "title" | "room">,
) {
  const places = placesOf(trace, look);
  const columns = drawableAll(placeLabels(places, look.shape[2]));
  const rows = drawableAll(rowLabels(trace, look));
  const usual = cellSize(Math.max(columns.length, rows.length));
  // About what labels take; where there is little room cells lose their numbers first.
  const labels = Math.max(0, ...rows.map((word) => textWidth(word, Math.min(15, usual * 0.48)))) + 60;
  const cell = Math.min(
    usual,
    Math.max(SMALL + 6, Math.floor((room - labels) / Math.max(1, columns.length))),
  );
  const letters = Math.max(9, Math.min(15, usual * 0.48));
  const fontSize = cell < usual ? Math.min(letters, Math.max(11, cell * 0.6)) : letters;
  const radians = (SLANT * Math.PI) / 180;
  const widest = Math.max(0, ...columns.map((word) => textWidth(word, fontSize)));
  const left = Math.ceil(Math.max(0, ...rows.map((word) => textWidth(word, fontSize)))) + 20;
  const heading = headingLines(title);
  const top =
    headingHeight(title) + (heading.length > 0 ? 8 : 0) + Math.ceil(widest * Math.sin(radians)) + 20;
  const overhang = Math.max(0, textWidth(columns.at(-1) ?? "", fontSize) * Math.cos(radians) - cell / 2);
  const note = noteLines(darkestNote(look, shading), room);
  const width = Math.ceil(
    Math.max(
      left + cell * columns.length + overhang + 16,
      ...heading.map((line) => textWidth(line, 16) + 40),
      note.width,
    ),
  );
  const height = top + cell * rows.length + 16 + (note.lines.length > 0 ? NOTE + note.more : 0);
  return { places, columns, rows, note, cell, left, top, width, height, fontSize };
}

/**
 * A look as a grid: a row for each step, a column for each place, a cell as dark as its weight, or as its share of the greatest
 * score. The greatest of a row is outlined. Hovering over a cell shows the two words and the number.
 */
export const drawMatrix: Draw = (trace, [look], options) => {
  const theme = themeOf(options);
  const shading = shadingOf(look);
  const { places, columns, rows, note, cell, left, top, width, height, fontSize } = layoutOf(
    trace,
    look,
    shading,
    options,
  );
  const [right, bottom] = [left + cell * columns.length, top + cell * rows.length];
  const lines = [
    ...Array.from({ length: columns.length + 1 }, (_, column) => `M${left + column * cell} ${top}V${bottom}`),
    ...Array.from({ length: rows.length + 1 }, (_, row) => `M${left} ${top + row * cell}H${right}`),
  ];
  const body = (
    <>
      {columns.map((word, column) => (
        <text
          key={column}
          fill={theme.text}
          transform={`translate(${left + (column + 0.5) * cell + fontSize * 0.3} ${top - 8}) rotate(${-SLANT})`}
        >
          {word}
        </text>
      ))}
      {rows.map((word, row) => (
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
      {rows.map((word, row) => {
        const values = rowOf(look, row);
        const outlined = greatestPlace(look.used ? rowOf({ ...look, data: look.used }, row) : values);
        return Array.from(values, (value, column) => {
          const shade = shading.of(value);
          if (cell < SMALL && shade < FAINTEST) return null;
          const [x, y] = [left + column * cell, top + row * cell];
          const square = (
            <rect
              key={`${row} ${column}`}
              x={x}
              y={y}
              width={cell}
              height={cell}
              fill={shading.colour(value, theme)}
              fillOpacity={Number(shade.toFixed(4))}
            />
          );
          if (cell < SMALL) return square;
          return (
            <g key={`${row} ${column}`}>
              <title>{`${word} ← ${columns[column]}: ${shading.text(value)}`}</title>
              {square}
              {column === outlined && value !== 0 && (
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
                  {value.toFixed(2)}
                </text>
              )}
            </g>
          );
        });
      })}
      <Note note={note} y={bottom + 26} theme={theme} />
    </>
  );
  const across = places.kind === "tokens" ? "word" : "step";
  return {
    width,
    height,
    theme,
    fontSize,
    label: `${ofLook(look)} of each ${across} of “${rows.join(" ")}” over ${wholeOf(places, columns)}`,
    title: options.title,
    body,
    at(x, y) {
      const [row, place] = [Math.floor((y - top) / cell), Math.floor((x - left) / cell)];
      return row >= 0 && row < rows.length && place >= 0 && place < columns.length
        ? { look, row, head: 0, place }
        : undefined;
    },
    boxes: ({ row, place }): Box[] => [
      { x: 0, y: top + row * cell, width: right, height: cell },
      ...(place === undefined ? [] : [{ x: left + place * cell, y: 0, width: cell, height: bottom }]),
    ],
  };
};
