import type { ReactElement } from "react";
import { Canvas, headingHeight } from "./canvas.js";
import { pageOf } from "./render.js";
import { dark, light, SERIES, type Theme, textWidth } from "./theme.js";

/** A point of a map with its word, those that matter most first. */
export interface MapPoint {
  readonly label: string;
  readonly x: number;
  readonly y: number;
  /** What it is, by which points are coloured. */
  readonly kind?: string | undefined;
}

export interface WordMapProps {
  readonly points: readonly MapPoint[];
  readonly title?: string | undefined;
  readonly theme?: Theme;
}

const [SIZE, MARGIN, LEGEND] = [960, 24, 28] as const;
/** Pixels of a letter, and of a dot. */
const [LETTER, DOT] = [12, 2.2] as const;
/** How far one may zoom in before every word is named. */
const ZOOMS = [1, 2, 4, 8, 16] as const;

type Range = readonly [least: number, most: number];

/** From where to where points lie. */
function ranges(points: readonly MapPoint[]): { readonly x: Range; readonly y: Range } {
  const range = (of: (point: MapPoint) => number): Range => {
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const point of points) [least, most] = [Math.min(least, of(point)), Math.max(most, of(point))];
    return [least, most];
  };
  return { x: range(({ x }) => x), y: range(({ y }) => y) };
}

/** Pixels of points in a square, the middle of what they take in its middle. */
function placed(points: readonly MapPoint[]): { x: number; y: number }[] {
  const {
    x: [left, right],
    y: [top, bottom],
  } = ranges(points);
  const scale = (SIZE - 2 * MARGIN) / Math.max(right - left, bottom - top, Number.MIN_VALUE);
  return points.map(({ x, y }) => ({
    x: SIZE / 2 + (x - (left + right) / 2) * scale,
    y: SIZE / 2 + (y - (top + bottom) / 2) * scale,
  }));
}

/** Boxes by the cells of a grid that they touch, to find out quickly whether one is free. */
class Taken {
  readonly #cells = new Map<string, (readonly [number, number, number, number])[]>();
  static readonly CELL = 40;

  *#keys([left, top, right, bottom]: readonly [number, number, number, number]): Generator<string> {
    for (let x = Math.floor(left / Taken.CELL); x <= Math.floor(right / Taken.CELL); x++)
      for (let y = Math.floor(top / Taken.CELL); y <= Math.floor(bottom / Taken.CELL); y++) yield `${x} ${y}`;
  }

  /** Takes a box where no other is; whether it did. */
  take(box: readonly [left: number, top: number, right: number, bottom: number]): boolean {
    for (const key of this.#keys(box))
      for (const other of this.#cells.get(key) ?? [])
        if (box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3]) return false;
    for (const key of this.#keys(box)) this.#cells.set(key, [...(this.#cells.get(key) ?? []), box]);
    return true;
  }
}

/** For each point, the least zoom at which its word has room; those that matter most have it first. */
function zoomsOf(
  points: readonly MapPoint[],
  places: readonly { x: number; y: number }[],
): (number | undefined)[] {
  const found: (number | undefined)[] = points.map(() => undefined);
  for (const zoom of ZOOMS) {
    const taken = new Taken();
    points.forEach(({ label }, index) => {
      const { x, y } = places[index]!;
      const half = textWidth(label, LETTER) / 2 + 2;
      const box = [x * zoom - half, y * zoom - LETTER - 3, x * zoom + half, y * zoom + 3] as const;
      if ((found[index] === undefined || found[index]! <= zoom) && taken.take(box)) found[index] ??= zoom;
    });
  }
  return found;
}

/** Words at their places on a plane; those that have room are named, the others are dots that name themselves when pointed at. */
export function WordMap({ points, title, theme = light }: WordMapProps): ReactElement {
  const places = placed(points);
  const zooms = zoomsOf(points, places);
  const kinds = [...new Set(points.flatMap(({ kind }) => (kind === undefined ? [] : [kind])))];
  const colour = (kind: string | undefined) =>
    kind === undefined ? theme.ink : SERIES[kinds.indexOf(kind) % SERIES.length]!;
  const heading = headingHeight(title);
  const top = heading + (kinds.length > 0 ? LEGEND : 0);
  let along = MARGIN;
  return (
    <Canvas
      width={SIZE}
      height={SIZE + top}
      theme={theme}
      fontSize={LETTER}
      label={title ?? `a map of ${points.length} words`}
      title={title}
    >
      {kinds.map((kind) => {
        const at = along;
        along += textWidth(kind, LETTER) + 28;
        return (
          <text key={kind} x={at} y={heading + 20} fill={colour(kind)} fontWeight={600}>
            {`● ${kind}`}
          </text>
        );
      })}
      <g transform={`translate(0 ${top})`}>
        {points.map(({ label, kind }, index) => {
          const { x, y } = places[index]!;
          return (
            <g key={label} data-word={label} data-zoom={zooms[index] ?? ZOOMS.at(-1)! * 2}>
              <circle cx={x} cy={y} r={DOT} fill={colour(kind)} fillOpacity={0.55}>
                <title>{kind === undefined ? label : `${label}, ${kind}`}</title>
              </circle>
              <text
                x={x}
                y={y - 3}
                textAnchor="middle"
                fill={theme.text}
                visibility={zooms[index] === 1 ? "visible" : "hidden"}
              >
                {label}
              </text>
            </g>
          );
        })}
      </g>
    </Canvas>
  );
}

/** Makes maps of a page move: wheel, buttons and keys zoom, dragging moves, a search goes to a word. It needs nothing else. */
const SCRIPT = `
for (const svg of document.querySelectorAll("figure svg")) {
  const whole = svg.getAttribute("viewBox").split(" ").map(Number);
  let view = [...whole];
  const words = [...svg.querySelectorAll("[data-word]")].map((g) => ({ g, text: g.querySelector("text"), dot: g.querySelector("circle"), word: g.dataset.word, zoom: Number(g.dataset.zoom) }));
  let found = new Set();
  const show = () => {
    svg.setAttribute("viewBox", view.join(" "));
    const zoom = whole[2] / view[2];
    for (const one of words) {
      const hit = found.has(one);
      one.text.setAttribute("visibility", hit || one.zoom <= zoom * 1.01 ? "visible" : "hidden");
      one.text.setAttribute("font-size", ${LETTER} / zoom * (hit ? 1.5 : 1));
      one.text.setAttribute("font-weight", hit ? 700 : 400);
      one.text.setAttribute("y", Number(one.dot.getAttribute("cy")) - 3 / zoom);
      one.dot.setAttribute("r", ${DOT} / zoom * (hit ? 2 : 1));
    }
  };
  const zoomBy = (factor, x = view[0] + view[2] / 2, y = view[1] + view[3] / 2) => {
    const width = Math.min(whole[2], Math.max(whole[2] / 64, view[2] / factor)), scale = width / view[2];
    view = [x - (x - view[0]) * scale, y - (y - view[1]) * scale, width, view[3] * scale];
    if (width === whole[2]) view = [...whole];
    show();
  };
  const at = (event) => { const box = svg.getBoundingClientRect(); return [view[0] + (event.clientX - box.left) / box.width * view[2], view[1] + (event.clientY - box.top) / box.height * view[3]]; };
  svg.addEventListener("wheel", (event) => { event.preventDefault(); zoomBy(Math.exp(-event.deltaY / 300), ...at(event)); }, { passive: false });
  let held;
  svg.addEventListener("pointerdown", (event) => { held = at(event); svg.setPointerCapture(event.pointerId); });
  svg.addEventListener("pointermove", (event) => { if (!held) return; const [x, y] = at(event); view[0] += held[0] - x; view[1] += held[1] - y; show(); });
  svg.addEventListener("pointerup", () => { held = undefined; });
  const bar = svg.closest("figure").querySelector("[role=toolbar]");
  bar.querySelector("[name=in]").onclick = () => zoomBy(2);
  bar.querySelector("[name=out]").onclick = () => zoomBy(0.5);
  bar.querySelector("[name=all]").onclick = () => zoomBy(1e-9);
  bar.querySelector("input").oninput = (event) => {
    const asked = event.target.value.trim().toLowerCase();
    found = new Set(asked ? words.filter(({ word }) => word.toLowerCase().startsWith(asked)) : []);
    bar.querySelector("output").textContent = asked ? found.size + (found.size === 1 ? " word" : " words") : "";
    const exact = [...found].find(({ word }) => word.toLowerCase() === asked) ?? (found.size === 1 ? [...found][0] : undefined);
    if (exact) { view = [...whole]; const box = exact.dot; zoomBy(4, Number(box.getAttribute("cx")), Number(box.getAttribute("cy")) + whole[3] - whole[2]); }
    else show();
  };
}`;

/** A page with a map that can be zoomed, moved and searched, by light and by dark. */
export const wordMapPage = (props: Omit<WordMapProps, "theme"> & { readonly title: string }): string =>
  pageOf(
    props.title,
    <>
      {[light, dark].map((theme) => (
        <figure key={theme.background} className={theme === light ? "light" : "dark"}>
          <div role="toolbar" aria-label="The map">
            <input type="search" placeholder="find a word" aria-label="find a word" />{" "}
            <button type="button" name="in">
              nearer
            </button>{" "}
            <button type="button" name="out">
              farther
            </button>{" "}
            <button type="button" name="all">
              all
            </button>{" "}
            <output />
          </div>
          <WordMap points={props.points} theme={theme} />
        </figure>
      ))}
      {/* biome-ignore lint/security/noDangerouslySetInnerHtml: it is a constant. */}
      <script dangerouslySetInnerHTML={{ __html: SCRIPT }} />
    </>,
  );

/** A map as lines of text, words where there is room, those that matter most first. */
export function wordMapText(points: readonly MapPoint[], columns: number, rows: number): string {
  const across = ranges(points);
  const lines = Array.from({ length: rows }, () => new Array<string>(columns).fill(" "));
  points.forEach(({ label, x, y }) => {
    const letters = [...label];
    // A terminal is no square, and a map has no measure: it fills both ways.
    const share = (value: number, [least, most]: Range) =>
      most > least ? (value - least) / (most - least) : 0.5;
    const row = Math.round(share(y, across.y) * (rows - 1));
    const middle = Math.floor(share(x, across.x) * columns);
    const from = Math.max(0, Math.min(columns - letters.length, middle - Math.floor(letters.length / 2)));
    if (letters.length > columns) return;
    const around = lines[row]!.slice(Math.max(0, from - 1), from + letters.length + 1);
    if (around.some((letter) => letter !== " ")) return;
    lines[row]!.splice(from, letters.length, ...letters);
  });
  return lines.map((line) => line.join("").trimEnd()).join("\n");
}
