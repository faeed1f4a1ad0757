import { decodeTrace, type Image, lookOfRows, type Trace, type TraceJson } from "./trace.js";

// Traces as runs kept them before there was `Trace`; numbers are nested by the axes in brackets.

interface OldAlignment {
  readonly kind: "alignment";
  readonly source: readonly string[];
  readonly target: readonly string[];
  /** [target, source] */
  readonly weights: readonly (readonly number[])[];
}

interface OldMaps {
  readonly kind: "spatial";
  readonly image: Image;
  readonly grid: { readonly rows: number; readonly columns: number };
  /** What was written at each step. */
  readonly words: readonly string[];
  /** [step, row, column] */
  readonly weights: readonly (readonly (readonly number[])[])[];
}

/** A trace that a run kept, whenever that was written. */
export function traceFrom(kept: TraceJson | OldAlignment | OldMaps): Trace {
  if (!("kind" in kept)) return decodeTrace(kept);
  const rows = kept.kind === "alignment" ? kept.weights : kept.weights.map((map) => map.flat());
  return {
    places: {
      source:
        kept.kind === "alignment"
          ? { kind: "tokens", labels: kept.source }
          : { kind: "grid", image: kept.image, ...kept.grid },
    },
    steps: (kept.kind === "alignment" ? kept.target : kept.words).map((label) => ({ label })),
    looks: [lookOfRows(rows, { name: "attention", over: "source", kind: "weights" })],
  };
}
