import type { ReactElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import type { AlignmentTrace, SpatialTrace } from "../attention/trace.js";
import { AlignmentMatrix, matrixLayout } from "./alignment-matrix.js";
import { AttendedWord, filmstripLayout, SpatialMaps, wordLayout } from "./spatial-maps.js";
import { light, type Theme } from "./theme.js";

export interface Frame {
  readonly title: string;
  readonly trace: AlignmentTrace | SpatialTrace;
  /** Which word of a spatial trace is shown alone, large; all of them where absent. */
  readonly step?: number;
}

/** The frames of one caption: the image as each of its words saw it, one after the other. */
export const wordFrames = (trace: SpatialTrace, title: string): Frame[] =>
  trace.words.map((_, step) => ({ title, trace, step }));

function sizeOf({ trace, title, step }: Frame): { width: number; height: number } {
  if (trace.kind === "alignment") return matrixLayout(trace, title);
  const { width, whole } = step === undefined ? filmstripLayout(trace, title) : wordLayout(trace, title);
  return { width, height: whole };
}

function FrameView({ frame, theme }: { readonly frame: Frame; readonly theme: Theme }): ReactElement {
  const { trace, title, step } = frame;
  if (trace.kind === "alignment") return <AlignmentMatrix trace={trace} theme={theme} title={title} />;
  if (step === undefined) return <SpatialMaps trace={trace} theme={theme} title={title} />;
  return <AttendedWord trace={trace} step={step} theme={theme} title={title} />;
}

/**
 * Traces one after the other as one picture that moves by itself, in any program that shows SVG, without a script.
 * @param options.seconds how long a frame is shown; the last is shown five times as long
 */
export function TimeLapse({
  frames,
  theme = light,
  seconds,
}: {
  readonly frames: readonly Frame[];
  readonly theme?: Theme;
  readonly seconds: number;
}): ReactElement {
  const sizes = frames.map(sizeOf);
  const [width, height] = [
    Math.max(...sizes.map((one) => one.width)),
    Math.max(...sizes.map((one) => one.height)),
  ];
  const total = (frames.length + 4) * seconds;
  return (
    <svg xmlns="http://www.w3.org/2000/svg" viewBox={`0 0 ${width} ${height}`} width={width} height={height}>
      <title>{`Attention from ${frames[0]!.title} to ${frames.at(-1)!.title}`}</title>
      <rect width={width} height={height} fill={theme.background} />
      {frames.map((frame, index) => {
        const [start, end] = [(index * seconds) / total, ((index + 1) * seconds) / total];
        const last = index === frames.length - 1;
        const times = index === 0 ? [0, end] : last ? [0, start] : [0, start, end];
        const values =
          index === 0 ? ["inline", "none"] : last ? ["none", "inline"] : ["none", "inline", "none"];
        return (
          <g key={index} display={last ? "inline" : "none"}>
            {frames.length > 1 && (
              <animate
                attributeName="display"
                dur={`${total.toFixed(2)}s`}
                repeatCount="indefinite"
                calcMode="discrete"
                keyTimes={times.map((time) => time.toFixed(5)).join(";")}
                values={values.join(";")}
              />
            )}
            <FrameView frame={frame} theme={theme} />
          </g>
        );
      })}
    </svg>
  );
}

/** A time-lapse as the text of an animated SVG file. @throws where there are no frames */
export const lapseSvg = (
  frames: readonly Frame[],
  options: { readonly theme?: Theme; readonly seconds: number },
): string => renderToStaticMarkup(<TimeLapse frames={frames} {...options} />);
