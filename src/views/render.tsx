import type { ReactElement, ReactNode } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { dark, light } from "./theme.js";

/** A view as the text of an SVG file. */
export const svgOf = (view: ReactElement): string => renderToStaticMarkup(view);

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
