import { useMemo } from "react";
import { traceFrom } from "../../../src/attention/old-trace.js";
import type { WatchedTrace } from "../../../src/task/watch.js";
import type { Drawing, DrawOptions } from "../../../src/views/look/drawing.js";
import { drawPicture, mainPicture, picturesOf } from "../../../src/views/look/look-view.js";
import { LookPicture } from "./look.js";

/** What the example of a trace is called. */
export function watchedName(watched: WatchedTrace): string {
  // Runs of before did not say; their steps do.
  return (
    watched.title ??
    traceFrom(watched)
      .steps.map(({ label }) => label)
      .join(" ")
  );
}

/** A trace that was kept while a model trained, as a picture of a moving one; none where it has none. */
export function watchedDrawing(watched: WatchedTrace, options: DrawOptions): Drawing[] {
  const trace = traceFrom(watched);
  const picture = mainPicture(picturesOf(trace));
  return picture ? [drawPicture(trace, picture, options)] : [];
}

/** The same as the page shows it. */
export function WatchedPicture({
  watched,
  label,
}: {
  readonly watched: WatchedTrace;
  readonly label: string;
}) {
  const trace = useMemo(() => traceFrom(watched), [watched]);
  const picture = useMemo(() => mainPicture(picturesOf(trace)), [trace]);
  return picture ? <LookPicture trace={trace} picture={picture} label={label} /> : null;
}
