import { createElement, useEffect, useRef, useState } from "react";
import { fromBase64 } from "../../../src/core/base64.js";
import type { VectorsOfRun } from "../../../src/service/protocol.js";
import { SERIES, type Theme } from "../../../src/views/theme.js";
import { RunPage } from "../panels/asking.js";
import { Busy, number, Panel, Problem, save } from "../panels/basic.js";
import { useApi, useAsked, useTheme } from "../state.js";
import type { MapNews, MapRequest } from "../tab/map.js";

export default function MapPage() {
  return (
    <RunPage
      page="map"
      title="Map"
      lead="Every word is a point in a room of many dimensions. Here they are laid on a plane so that neighbours stay neighbours (t-SNE); watch it form."
    >
      {(run) => <WordsOf key={run} run={run} />}
    </RunPage>
  );
}

/** Words that a map begins with, and that it may have. */
const COUNTS = [200, 500, 1000, 2000, 5000] as const;
const PERPLEXITIES = [5, 15, 30, 50] as const;
const ITERATIONS = 1000;

function WordsOf({ run }: { readonly run: string }) {
  const api = useApi();
  const [count, setCount] = useState<number>(COUNTS[1]);
  const [perplexity, setPerplexity] = useState<number>(PERPLEXITIES[1]);
  const [table, setTable] = useState<string>();
  const { result, problem, busy } = useAsked(JSON.stringify([run, count, table]), () =>
    api.call("vectors", { run, count, ...(table !== undefined && { table }) }),
  );
  return (
    <>
      <div className="row">
        <Choice label="Words" value={count} of={COUNTS} onChoose={setCount} />
        <Choice label="Neighbours of each" value={perplexity} of={PERPLEXITIES} onChoose={setPerplexity} />
        {result && result.tables.length > 1 && (
          <label className="field">
            <span>Vectors</span>
            <select value={table ?? ""} onChange={({ target }) => setTable(target.value || undefined)}>
              <option value="">the model's own</option>
              {result.tables.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
        )}
      </div>
      <Problem text={problem} />
      <Busy when={busy && !result} text="Reading the vectors …" />
      {result && (
        <Forming
          key={`${count} ${perplexity} ${result.table}`}
          run={run}
          vectors={result}
          perplexity={perplexity}
        />
      )}
    </>
  );
}

const Choice = <Item extends number>({
  label,
  value,
  of,
  onChoose,
}: {
  readonly label: string;
  readonly value: number;
  readonly of: readonly Item[];
  readonly onChoose: (item: Item) => void;
}) => (
  <label className="field">
    <span>{label}</span>
    <select value={value} onChange={({ target }) => onChoose(Number(target.value) as Item)}>
      {of.map((one) => (
        <option key={one} value={one}>
          {number(one)}
        </option>
      ))}
    </select>
  </label>
);

/** A map as a worker forms it. */
function useMap({ words, size, values }: VectorsOfRun, perplexity: number) {
  const [news, setNews] = useState<Extract<MapNews, { places: unknown }>>();
  const [found, setFound] = useState(0);
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    const worker = new Worker(new URL("../tab/map.ts", import.meta.url), { type: "module", name: "map" });
    worker.onmessage = ({ data }: MessageEvent<MapNews>) => {
      if ("problem" in data) setProblem(data.problem);
      else if ("found" in data) setFound(data.found);
      else setNews(data);
    };
    worker.onerror = ({ message }) => setProblem(message);
    const bytes = fromBase64(values);
    worker.postMessage({
      count: words.length,
      size,
      values: new Float32Array(bytes.slice().buffer),
      // What few words allow.
      perplexity: Math.max(1, Math.min(perplexity, Math.floor((words.length - 1) / 3))),
      iterations: ITERATIONS,
    } satisfies MapRequest);
    return () => worker.terminate();
  }, [words, size, values, perplexity]);
  return { news, found, problem };
}

/** What of the map is in view: its middle, and pixels for each unit. */
interface View {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
}
const WHOLE: View = { x: 0, y: 0, zoom: 1 };
/** How near one may come. */
const NEAREST = 64;

/** A view nearer or farther by a factor. */
const zoomed =
  (factor: number) =>
  ({ x, y, zoom }: View): View => ({ x, y, zoom: Math.min(NEAREST, Math.max(1, zoom * factor)) });

function Forming({
  run,
  vectors,
  perplexity,
}: {
  readonly run: string;
  readonly vectors: VectorsOfRun;
  readonly perplexity: number;
}) {
  const theme = useTheme();
  const { news, found, problem } = useMap(vectors, perplexity);
  const [view, setView] = useState(WHOLE);
  const [asked, setAsked] = useState("");
  const [classes, setClasses] = useState("");
  const kinds = new Map(
    classes.split("\n").flatMap((line) => {
      const [word, kind] = line.split("\t");
      return kind ? [[word!.trim(), kind.trim()] as const] : [];
    }),
  );
  const { words } = vectors;
  const wanted = asked.trim().toLowerCase();
  const hit = wanted === "" ? -1 : words.findIndex((word) => word.toLowerCase() === wanted);
  const near = hit >= 0 && news ? nearestOnMap(news.places, hit, 6).map((index) => words[index]!) : [];
  const points = () =>
    words.map((label, index) => ({
      label,
      x: news!.places[2 * index]!,
      y: news!.places[2 * index + 1]!,
      kind: kinds.get(label),
    }));
  const title = `${number(words.length)} words of ${run}`;
  return (
    <Panel
      title={
        news ? `After ${number(news.iteration)} of ${number(ITERATIONS)} iterations` : "Finding neighbours"
      }
      note={
        news
          ? `Divergence ${news.divergence.toFixed(3)} nats.`
          : `${number(found)} of ${number(words.length)} words have theirs.`
      }
    >
      <Problem text={problem} />
      <div className="row">
        <label className="field">
          <span>Find a word</span>
          <input
            type="search"
            list="words-of-map"
            value={asked}
            onChange={({ target }) => setAsked(target.value)}
          />
        </label>
        <datalist id="words-of-map">
          {words.slice(0, 500).map((word) => (
            <option key={word} value={word} />
          ))}
        </datalist>
        <button type="button" className="quiet" onClick={() => setView(zoomed(2))}>
          Nearer
        </button>
        <button type="button" className="quiet" onClick={() => setView(zoomed(0.5))}>
          Farther
        </button>
        <button type="button" className="quiet" onClick={() => setView(WHOLE)}>
          All
        </button>
        <button
          type="button"
          className="quiet"
          disabled={!news}
          onClick={async () => {
            const [{ WordMap }, { svgOf }] = await Promise.all([
              import("../../../src/views/word-map.js"),
              import("../../../src/views/render.js"),
            ]);
            const svg = svgOf(createElement(WordMap, { points: points(), title, theme }));
            save(new Blob([svg], { type: "image/svg+xml" }), `${run}-map.svg`);
          }}
        >
          Download as SVG
        </button>
      </div>
      <p className="note" role="status">
        {wanted === ""
          ? "Drag to move, use the wheel to come nearer."
          : hit < 0
            ? `“${asked}” is none of these words.`
            : `Near “${words[hit]}” on the map: ${near.join(", ")}.`}
      </p>
      {news && (
        <MapCanvas
          label={title}
          words={words}
          places={news.places}
          kinds={kinds}
          hit={hit}
          view={view}
          theme={theme}
          onView={setView}
        />
      )}
      <details>
        <summary>Colour by class</summary>
        <label className="field wide">
          <span>A word, a tab and its class a line</span>
          <textarea rows={4} value={classes} onChange={({ target }) => setClasses(target.value)} />
        </label>
      </details>
    </Panel>
  );
}

function nearestOnMap(places: Float64Array, of: number, count: number): number[] {
  const apart = Array.from({ length: places.length / 2 }, (_, index) =>
    Math.hypot(places[2 * index]! - places[2 * of]!, places[2 * index + 1]! - places[2 * of + 1]!),
  );
  return [...apart.keys()]
    .filter((index) => index !== of)
    .sort((a, b) => apart[a]! - apart[b]!)
    .slice(0, count);
}

const [HEIGHT, LETTER, MARGIN] = [640, 12, 24] as const;

function MapCanvas({
  label,
  words,
  places,
  kinds,
  hit,
  view,
  theme,
  onView,
}: {
  readonly label: string;
  readonly words: readonly string[];
  readonly places: Float64Array;
  readonly kinds: ReadonlyMap<string, string>;
  /** The word that was looked for; none where negative. */
  readonly hit: number;
  readonly view: View;
  readonly theme: Theme;
  readonly onView: (change: (view: View) => View) => void;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const held = useRef<{ x: number; y: number }>(undefined);
  useEffect(() => {
    const element = canvas.current!;
    const draw = () => drawMap(element, { words, places, kinds, hit, view, theme });
    draw();
    const observer = new ResizeObserver(draw);
    observer.observe(element);
    return () => observer.disconnect();
  }, [words, places, kinds, hit, view, theme]);
  // React listens to wheels passively, which cannot keep the page from scrolling.
  useEffect(() => {
    const element = canvas.current!;
    const turn = (event: WheelEvent) => {
      event.preventDefault();
      onView(zoomed(Math.exp(-event.deltaY / 300)));
    };
    element.addEventListener("wheel", turn, { passive: false });
    return () => element.removeEventListener("wheel", turn);
  }, [onView]);
  return (
    <canvas
      ref={canvas}
      role="img"
      aria-label={`A map of ${label}`}
      style={{ width: "100%", height: HEIGHT, touchAction: "none", cursor: "grab" }}
      onPointerDown={(event) => {
        held.current = { x: event.clientX, y: event.clientY };
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={({ clientX, clientY }) => {
        const before = held.current;
        if (!before) return;
        held.current = { x: clientX, y: clientY };
        onView(({ x, y, zoom }) => ({ x: x + clientX - before.x, y: y + clientY - before.y, zoom }));
      }}
      onPointerUp={() => {
        held.current = undefined;
      }}
    />
  );
}

function drawMap(
  canvas: HTMLCanvasElement,
  {
    words,
    places,
    kinds,
    hit,
    view,
    theme,
  }: {
    readonly words: readonly string[];
    readonly places: Float64Array;
    readonly kinds: ReadonlyMap<string, string>;
    readonly hit: number;
    readonly view: View;
    readonly theme: Theme;
  },
): void {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const density = devicePixelRatio;
  canvas.width = width * density;
  canvas.height = height * density;
  const context = canvas.getContext("2d")!;
  context.scale(density, density);
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let at = 0; at < places.length; at += 2) {
    [left, right] = [Math.min(left, places[at]!), Math.max(right, places[at]!)];
    [top, bottom] = [Math.min(top, places[at + 1]!), Math.max(bottom, places[at + 1]!)];
  }
  const scale =
    view.zoom *
    Math.min((width - 2 * MARGIN) / (right - left || 1), (height - 2 * MARGIN) / (bottom - top || 1));
  const at = (index: number) => [
    width / 2 + view.x * view.zoom + (places[2 * index]! - (left + right) / 2) * scale,
    height / 2 + view.y * view.zoom + (places[2 * index + 1]! - (top + bottom) / 2) * scale,
  ];
  const series = [...new Set(kinds.values())];
  const colour = (word: string) => {
    const kind = kinds.get(word);
    return kind === undefined ? theme.ink : SERIES[series.indexOf(kind) % SERIES.length]!;
  };
  context.font = `${LETTER}px system-ui, sans-serif`;
  context.textAlign = "center";
  // Words that matter most, and the one that was looked for, take their room first; others are dots.
  const taken = new Set<string>();
  const order = hit >= 0 ? [hit, ...words.keys()] : [...words.keys()];
  for (const index of order) {
    const [x, y] = at(index) as [number, number];
    if (x < -50 || y < -50 || x > width + 50 || y > height + 50) continue;
    const word = words[index]!;
    context.globalAlpha = 0.55;
    context.fillStyle = colour(word);
    context.beginPath();
    context.arc(x, y, index === hit ? 5 : 2.2, 0, 2 * Math.PI);
    context.fill();
    const half = context.measureText(word).width / 2;
    const cells: string[] = [];
    for (let column = Math.floor((x - half) / LETTER); column <= Math.floor((x + half) / LETTER); column++)
      for (const row of [0, 1]) cells.push(`${column} ${Math.floor(y / LETTER) - row}`);
    if (index !== hit && cells.some((cell) => taken.has(cell))) continue;
    for (const cell of cells) taken.add(cell);
    context.globalAlpha = 1;
    context.fillStyle = theme.text;
    if (index === hit) context.font = `700 ${LETTER + 4}px system-ui, sans-serif`;
    context.fillText(word, x, y - 4);
    if (index === hit) context.font = `${LETTER}px system-ui, sans-serif`;
  }
  context.globalAlpha = 1;
}
