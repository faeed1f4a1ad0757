import { memo, type PointerEvent, useMemo, useRef, useState } from "react";
import type { AlignmentTrace } from "../../../src/attention/trace.js";
import { AlignmentMatrix, matrixLayout } from "../../../src/views/alignment-matrix.js";
import { withUnit } from "../../../src/views/scores.js";
import type { Theme } from "../../../src/views/theme.js";
import { Picture } from "./basic.js";

const Drawn = memo(AlignmentMatrix);

/** A cell in words. */
function readout({ source, target, weights, scores }: AlignmentTrace, row: number, column: number): string {
  const value = withUnit(weights[row]![column]!, scores);
  return scores
    ? `${scores.title} of ${source[column]} on ${target[row]}: ${value}`
    : `${target[row]} looks at ${source[column]} with ${value}`;
}

/**
 * An alignment that answers to the pointer: the cell, its row and its column are brought out, and read in words. The
 * picture itself is drawn once; only what lies over it moves. A click chooses a row; dragging within a row moves weight
 * from one word to another, where `onMove` is given.
 */
export function Matrix({
  trace,
  theme,
  label,
  selected,
  onSelect,
  onMove,
}: {
  readonly trace: AlignmentTrace;
  readonly theme: Theme;
  readonly label: string;
  readonly selected?: number | undefined;
  readonly onSelect?: (row: number) => void;
  readonly onMove?: (row: number, from: number, to: number) => void;
}) {
  const layout = useMemo(() => matrixLayout(trace), [trace]);
  const [over, setOver] = useState<{ row: number; column: number }>();
  const pressed = useRef<{ row: number; column: number }>(undefined);
  const { cell, left, top } = layout;
  const [rows, columns] = [trace.target.length, trace.source.length];
  const cellAt = ({ clientX, clientY, currentTarget }: PointerEvent<HTMLElement>) => {
    const box = currentTarget.getBoundingClientRect();
    const scale = layout.width / box.width;
    const column = Math.floor(((clientX - box.left) * scale - left) / cell);
    const row = Math.floor(((clientY - box.top) * scale - top) / cell);
    return row >= 0 && row < rows && column >= 0 && column < columns ? { row, column } : undefined;
  };
  const share = (pixels: number, of: number) => `${(100 * pixels) / of}%`;
  const band = (x: number, y: number, width: number, height: number) => ({
    left: share(x, layout.width),
    top: share(y, layout.height),
    width: share(width, layout.width),
    height: share(height, layout.height),
  });
  return (
    <Picture label={label}>
      <div
        className="matrix"
        style={{ width: layout.width }}
        onPointerMove={(event) => {
          const found = cellAt(event);
          if (found?.row !== over?.row || found?.column !== over?.column) setOver(found);
        }}
        onPointerLeave={() => setOver(undefined)}
        onPointerDown={(event) => {
          pressed.current = cellAt(event);
        }}
        onPointerUp={(event) => {
          const [from, to] = [pressed.current, cellAt(event)];
          pressed.current = undefined;
          if (!from || !to) return;
          if (from.row === to.row && from.column !== to.column && onMove)
            onMove(from.row, from.column, to.column);
          else if (from.row === to.row) onSelect?.(to.row);
        }}
      >
        <Drawn trace={trace} theme={theme} />
        {selected !== undefined && selected < rows && (
          <div className="band chosen" style={band(0, top + selected * cell, left + columns * cell, cell)} />
        )}
        {over && over.row < rows && over.column < columns && (
          <>
            <div className="band" style={band(0, top + over.row * cell, left + columns * cell, cell)} />
            <div className="band" style={band(left + over.column * cell, 0, cell, top + rows * cell)} />
          </>
        )}
      </div>
      <p className="readout" aria-live="off">
        {over && trace.weights[over.row]
          ? readout(trace, over.row, over.column)
          : "Point at a cell to read it."}
      </p>
    </Picture>
  );
}
