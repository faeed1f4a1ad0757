import type { ReactElement } from "react";

/** Darknesses that are told apart in dense pictures. */
const LEVELS = 24;

export interface HeatProps {
  readonly rows: number;
  readonly columns: number;
  /** From −1 to 1; below 0 is drawn in the second colour. */
  readonly shade: (row: number, column: number) => number;
  readonly colours: readonly [above: string, below: string];
  /** Pixels of a cell. */
  readonly cell: readonly [width: number, height: number];
}

/**
 * Many cells as few paths, one for each darkness, cells side by side as one: a picture of ten thousand cells stays small.
 */
export function Heat({ rows, columns, shade, colours, cell: [width, height] }: HeatProps): ReactElement {
  const paths = new Map<number, string[]>();
  const of = (value: number) => +value.toFixed(2);
  for (let row = 0; row < rows; row++) {
    let [start, level] = [0, 0];
    const end = (column: number) => {
      if (level !== 0) {
        const parts = paths.get(level) ?? [];
        if (parts.length === 0) paths.set(level, parts);
        parts.push(
          `M${of(start * width)} ${of(row * height)}H${of(column * width)}v${of(height)}H${of(start * width)}z`,
        );
      }
    };
    for (let column = 0; column < columns; column++) {
      const now = Math.round(Math.max(-1, Math.min(1, shade(row, column) || 0)) * LEVELS);
      if (now === level) continue;
      end(column);
      [start, level] = [column, now];
    }
    end(columns);
  }
  return (
    <>
      {[...paths].map(([level, parts]) => (
        <path
          key={level}
          d={parts.join("")}
          fill={colours[level < 0 ? 1 : 0]}
          fillOpacity={+(Math.abs(level) / LEVELS).toFixed(3)}
        />
      ))}
    </>
  );
}
