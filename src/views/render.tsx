import type { ReactElement, ReactNode } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import type { AttentionTrace } from "../attention/trace.js";
import { RegardError } from "../core/index.js";
import { AlignmentMatrix } from "./alignment-matrix.js";
import { Gates } from "./gates.js";
import { type MapStyle, SpatialMaps } from "./spatial-maps.js";
import { dark, light, type Theme } from "./theme.js";

export interface ViewOptions {
  readonly theme?: Theme;
  readonly title?: string;
  /** How maps over an image are drawn. */
  readonly style?: MapStyle;
}

/** The view that draws a trace. @throws RegardError where its kind has none yet */
export function viewOf(trace: AttentionTrace, { style, ...options }: ViewOptions = {}): ReactElement {
  if (trace.kind === "alignment") return <AlignmentMatrix trace={trace} {...options} />;
  if (trace.kind === "gates") return <Gates trace={trace} {...options} />;
  if (trace.kind === "spatial") return <SpatialMaps trace={trace} {...options} {...(style && { style })} />;
  throw new RegardError(`there is no view yet for a trace of kind "${trace.kind}".`);
}

/** A view as the text of an SVG file. */
export const svgOf = (view: ReactElement): string => renderToStaticMarkup(view);

/** A trace as the text of an SVG file. */
export const toSvg = (trace: AttentionTrace, options: ViewOptions = {}): string =>
  svgOf(viewOf(trace, options));

const STYLE = `
  :root { color-scheme: light dark; }
  body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; background: ${light.background}; color: ${light.text}; }
  figure { margin: 1.5rem 0; overflow-x: auto; }
  figure svg { max-width: 100%; height: auto; }
  .dark { display: none; }
  .mistakes { display: flex; flex-wrap: wrap; gap: 1rem; }
  .mistake { width: 21rem; border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: 8px; padding: 0.8rem; }
  .mistake-images { display: flex; gap: 0.5rem; }
  .mistake-output { font-weight: 600; margin: 0.5rem 0; }
  .mistake ul { margin: 0; padding-left: 1.1rem; }
  .mistake-reference { opacity: 0.75; margin: 0.5rem 0 0; }
  @media (prefers-color-scheme: dark) {
    body { background: ${dark.background}; color: ${dark.text}; }
    .light { display: none; }
    .dark { display: block; }
  }`;

/** Traces as one HTML page that needs nothing else, in the reader's light or dark colours. */
export function toHtml(
  title: string,
  sections: readonly { heading: string; trace: AttentionTrace }[],
): string {
  return pageOf(
    title,
    sections.map(({ heading, trace }, index) => (
      <section key={index}>
        <h2>{heading}</h2>
        <figure className="light">{viewOf(trace, { theme: light })}</figure>
        <figure className="dark">{viewOf(trace, { theme: dark })}</figure>
      </section>
    )),
  );
}

/** One HTML page that needs nothing else. */
export function pageOf(title: string, content: ReactNode): string {
  const page = (
    <html lang="en">
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{title}</title>
        <style>{STYLE}</style>
      </head>
      <body>
        <h1>{title}</h1>
        {content}
      </body>
    </html>
  );
  return `<!doctype html>\n${renderToStaticMarkup(page)}\n`;
}
