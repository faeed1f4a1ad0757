import type { WatchedTrace } from "../../../src/task/contract.js";
import { SpatialMaps } from "../../../src/views/spatial-maps.js";
import type { Theme } from "../../../src/views/theme.js";
import { Picture } from "./basic.js";
import { Matrix } from "./matrix.js";

/** What a trace is called by: its source, or the caption of its image. */
export const traceName = (trace: WatchedTrace): string =>
  (trace.kind === "alignment" ? trace.source : trace.words).join(" ");

/** A trace as the page draws it: an alignment that answers to the pointer, or maps over an image. */
export function TraceView({
  trace,
  theme,
  label,
}: {
  readonly trace: WatchedTrace;
  readonly theme: Theme;
  readonly label: string;
}) {
  if (trace.kind === "alignment") return <Matrix trace={trace} theme={theme} label={label} />;
  return (
    <Picture label={label}>
      <SpatialMaps trace={trace} theme={theme} />
    </Picture>
  );
}
