import type { ReactElement } from "react";
import type { AlignmentTrace } from "../attention/trace.js";
import { FONT, light, type Theme, textWidth } from "./theme.js";

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

/**
 * An alignment as a grid: a row for each word written, a column for each word read, a cell as dark as its weight. The
 * greatest weight of a row is outlined. Hovering over a cell shows the two words and the weight.
 */
export function AlignmentMatrix({ trace, theme = light, title }: AlignmentMatrixProps): ReactElement {
  const { source, target, weights } = trace;
  const cell = cellSize(Math.max(source.length, target.length));
  const size = Math.max(9, Math.min(15, cell * 0.48));
  const numbers = cell >= 30;
  const slant = 50;
  const radians = (slant * Math.PI) / 180;
  const widest = Math.max(0, ...source.map((word) => textWidth(word, size)));
  const left = Math.ceil(Math.max(0, ...target.map((word) => textWidth(word, size)))) + 20;
  const heading = title === undefined ? [] : title.split("\n");
  const top = 24 * heading.length + (heading.length > 0 ? 8 : 0) + Math.ceil(widest * Math.sin(radians)) + 20;
  const gridWidth = cell * source.length;
  const gridHeight = cell * target.length;
  const overhang = Math.max(0, textWidth(source.at(-1) ?? "", size) * Math.cos(radians) - cell / 2);
  const width = Math.ceil(
    Math.max(left + gridWidth + overhang + 16, ...heading.map((line) => textWidth(line, 16) + 40)),
  );
  const height = top + gridHeight + 16;
  return (
    <svg
      xmlns="http://www.w3.org/2000/svg"
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
      fontFamily={FONT}
      fontSize={size}
      role="img"
    >
      <title>{`Attention of each word of “${target.join(" ")}” over “${source.join(" ")}”`}</title>
      <rect width={width} height={height} fill={theme.background} />
      {heading.map((line, row) => (
        <text key={row} x={16} y={26 + 24 * row} fontSize={16} fontWeight={600} fill={theme.text}>
          {line}
        </text>
      ))}
      {source.map((word, column) => (
        <text
          key={column}
          fill={theme.text}
          transform={`translate(${left + (column + 0.5) * cell + size * 0.3} ${top - 8}) rotate(${-slant})`}
        >
          {word}
        </text>
      ))}
      {target.map((word, row) => (
        <text
          key={row}
          x={left - 10}
          y={top + (row + 0.5) * cell + size * 0.35}
          textAnchor="end"
          fill={theme.text}
        >
          {word}
        </text>
      ))}
      {weights.map((line, row) => {
        const greatest = line.indexOf(Math.max(...line));
        return line.map((weight, column) => (
          <g key={`${row} ${column}`}>
            <title>{`${target[row]} ← ${source[column]}: ${weight.toFixed(3)}`}</title>
            <rect
              x={left + column * cell}
              y={top + row * cell}
              width={cell}
              height={cell}
              fill={theme.ink}
              fillOpacity={Number(weight.toFixed(4))}
              stroke={theme.line}
              strokeWidth={1}
            />
            {column === greatest && (
              <rect
                x={left + column * cell + 1}
                y={top + row * cell + 1}
                width={cell - 2}
                height={cell - 2}
                fill="none"
                stroke={theme.ink}
                strokeWidth={1.5}
              />
            )}
            {numbers && weight >= 0.05 && (
              <text
                x={left + (column + 0.5) * cell}
                y={top + (row + 0.5) * cell + 4}
                textAnchor="middle"
                fontSize={11}
                fill={weight > 0.55 ? theme.background : theme.text}
              >
                {weight.toFixed(2)}
              </text>
            )}
          </g>
        ));
      })}
    </svg>
  );
}
