import type { ReactElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import type { Trace } from "../../attention/trace.js";
import { pageOf, svgOf } from "../render.js";
import { dark, light } from "../theme.js";
import { type Drawing, Drawn } from "./drawing.js";
import { LookView, type Picture, type PictureOptions } from "./look-view.js";

/** A picture as the text of an SVG file. */
export const pictureSvg = (trace: Trace, picture: Picture, options: PictureOptions = {}): string =>
  svgOf(<LookView trace={trace} picture={picture} {...options} />);

/** Pictures as one HTML page that needs nothing else, in the reader's light or dark colours. */
export const picturesPage = (
  title: string,
  sections: readonly (PictureOptions & {
    readonly heading: string;
    readonly trace: Trace;
    readonly picture: Picture;
  })[],
): string =>
  pageOf(
    title,
    sections.map(({ heading, ...picture }, index) => (
      <section key={index}>
        <h2>{heading}</h2>
        <figure className="light">
          <LookView {...picture} theme={light} />
        </figure>
        <figure className="dark">
          <LookView {...picture} theme={dark} />
        </figure>
      </section>
    )),
  );

/**
 * Drawings one after the other as one picture that moves by itself, in any program that shows SVG, without a script.
 * @param seconds how long a drawing is shown; the last is shown five times as long
 */
export function Moving({
  drawings,
  seconds,
}: {
  readonly drawings: readonly [Drawing, ...Drawing[]];
  readonly seconds: number;
}): ReactElement {
  const [first] = drawings;
  const last = drawings.at(-1)!;
  const width = Math.max(...drawings.map((one) => one.width));
  const height = Math.max(...drawings.map((one) => one.height));
  const total = (drawings.length + 4) * seconds;
  return (
    <svg xmlns="http://www.w3.org/2000/svg" viewBox={`0 0 ${width} ${height}`} width={width} height={height}>
      <title>
        {first.title === last.title ? last.label : `Attention from ${first.title} to ${last.title}`}
      </title>
      <rect width={width} height={height} fill={first.theme.background} />
      {drawings.map((drawing, index) => {
        const [start, end] = [(index * seconds) / total, ((index + 1) * seconds) / total];
        const isLast = drawing === last;
        const times = index === 0 ? [0, end] : isLast ? [0, start] : [0, start, end];
        const values =
          index === 0 ? ["inline", "none"] : isLast ? ["none", "inline"] : ["none", "inline", "none"];
        return (
          <g key={index} display={isLast ? "inline" : "none"}>
            {drawings.length > 1 && (
              <animate
                attributeName="display"
                dur={`${total.toFixed(2)}s`}
                repeatCount="indefinite"
                calcMode="discrete"
                keyTimes={times.map((time) => time.toFixed(5)).join(";")}
                values={values.join(";")}
              />
            )}
            <Drawn drawing={drawing} />
          </g>
        );
      })}
    </svg>
  );
}

/** Drawings as the text of an animated SVG file. */
export const movingSvg = (drawings: readonly [Drawing, ...Drawing[]], seconds: number): string =>
  renderToStaticMarkup(<Moving drawings={drawings} seconds={seconds} />);
