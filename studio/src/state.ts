import {
  createContext,
  type RefCallback,
  use,
  useCallback,
  useEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import type { RunEvent, RunState, RunSummary } from "../../src/service/protocol.js";
import type { MapStyle } from "../../src/views/look/drawing.js";
import { MAP_OPACITY } from "../../src/views/look/maps.js";
import { dark, light, type Theme } from "../../src/views/theme.js";
import type { Api } from "./api/contract.js";

export const ApiContext = createContext<Api | undefined>(undefined);

export function useApi(): Api {
  const api = use(ApiContext);
  if (!api) throw new Error("no api");
  return api;
}

const darkQuery = matchMedia("(prefers-color-scheme: dark)");

/** The colours for pictures, as the reader's system wants them. */
export const useTheme = (): Theme =>
  useSyncExternalStore(
    (changed) => {
      darkQuery.addEventListener("change", changed);
      return () => darkQuery.removeEventListener("change", changed);
    },
    () => darkQuery.matches,
  )
    ? dark
    : light;

/** How maps over an image are drawn, on every page alike. */
export interface MapDrawing {
  readonly style: MapStyle;
  /** How much colours cover the image, 0 to 1. */
  readonly opacity: number;
}

let mapDrawing: MapDrawing = { style: "smooth", opacity: MAP_OPACITY };
const mapDrawingChanged = new Set<() => void>();

export const useMapDrawing = (): readonly [MapDrawing, (change: Partial<MapDrawing>) => void] => [
  useSyncExternalStore(
    (changed) => {
      mapDrawingChanged.add(changed);
      return () => mapDrawingChanged.delete(changed);
    },
    () => mapDrawing,
  ),
  changeMapDrawing,
];

function changeMapDrawing(change: Partial<MapDrawing>): void {
  mapDrawing = { ...mapDrawing, ...change };
  for (const changed of mapDrawingChanged) changed();
}

/** Pixels are taken in steps, so that not every pixel is another drawing. */
const ROOM_STEP = 20;

/** The width of an element in pixels, rounded down; undefined until it is on the page, which is before it is first painted. */
export function useRoom(): readonly [room: number | undefined, ref: RefCallback<HTMLElement>] {
  const [room, setRoom] = useState<number>();
  const ref = useCallback((element: HTMLElement | null) => {
    if (!element) return;
    const measure = () => setRoom(Math.floor(element.clientWidth / ROOM_STEP) * ROOM_STEP);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [room, ref];
}

/** Where the page is: `#/page/argument?name=value`. */
export interface Place {
  readonly page: string;
  readonly argument: string;
  readonly query: URLSearchParams;
  /** How often a reader went somewhere before. */
  readonly visit: number;
}

/** Where a reader went, by a link or the address bar, and how often that was: what a page notes of its own state is no visit. */
let visited = { hash: location.hash, count: 0 };
addEventListener("hashchange", () => {
  visited = { hash: location.hash, count: visited.count + 1 };
});

export function usePlace(): Place {
  const { hash, count } = useSyncExternalStore(
    (changed) => {
      addEventListener("hashchange", changed);
      return () => removeEventListener("hashchange", changed);
    },
    () => visited,
  );
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [page = "", argument = ""] = path.split("/");
  return {
    page: page || "start",
    argument: decoded(argument),
    query: new URLSearchParams(query),
    visit: count,
  };
}

/** Milliseconds for which a state stands until it is noted: browsers refuse an address that changes with every movement. */
const SETTLED = 300;
/** Letters of an address that every browser and messenger takes. */
const LONGEST_ADDRESS = 8000;

/** Notes what a page shows in the address bar, so that a link or a reload shows the same; undefined notes nothing. */
export function useAddress(hash: string | undefined): void {
  useEffect(() => {
    if (hash === undefined || hash.length > LONGEST_ADDRESS) return;
    const timer = setTimeout(() => {
      if (hash !== location.hash) history.replaceState(history.state, "", hash);
    }, SETTLED);
    return () => clearTimeout(timer);
  }, [hash]);
}

/** A part of an address as a text; as it stands where it is none, such as "%". */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const linkTo = (page: string, argument = "", query: Record<string, string> = {}): string => {
  const search = new URLSearchParams(query).toString();
  return `#/${page}${argument ? `/${encodeURIComponent(argument)}` : ""}${search ? `?${search}` : ""}`;
};

export interface Asked<Result> {
  readonly result: Result | undefined;
  readonly problem: string | undefined;
  readonly busy: boolean;
  /** The key that the result answers, which may be an older one than was asked for last. */
  readonly answered: string | undefined;
}

const NOTHING_ASKED = { result: undefined, problem: undefined, busy: false, answered: undefined } as const;

/** Asks for something whenever `key` changes; an undefined key asks for nothing. Late answers to older keys are dropped. */
export function useAsked<Result>(
  key: string | undefined,
  ask: () => Promise<Result>,
): Asked<Result> & { again(): void } {
  const [state, setState] = useState<Asked<Result>>(NOTHING_ASKED);
  const [count, setCount] = useState(0);
  const latest = useRef(ask);
  latest.current = ask;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new count asks again.
  useEffect(() => {
    if (key === undefined) {
      setState(NOTHING_ASKED);
      return;
    }
    let current = true;
    setState((before) => ({ ...before, busy: true }));
    latest.current().then(
      (result) => current && setState({ result, problem: undefined, busy: false, answered: key }),
      (error: Error) => current && setState((before) => ({ ...before, problem: error.message, busy: false })),
    );
    return () => {
      current = false;
    };
  }, [key, count]);
  return { ...state, again: useCallback(() => setCount((before) => before + 1), []) };
}

/** Something a button does: whether it is under way, and what went wrong. */
export function useAction(): {
  busy: boolean;
  problem: string | undefined;
  run(action: () => Promise<unknown>): void;
} {
  const [state, setState] = useState<{ busy: boolean; problem: string | undefined }>({
    busy: false,
    problem: undefined,
  });
  return {
    ...state,
    run(action) {
      setState({ busy: true, problem: undefined });
      action().then(
        () => setState({ busy: false, problem: undefined }),
        (error: Error) => setState({ busy: false, problem: error.message }),
      );
    },
  };
}

/** Milliseconds between two looks at the list of runs. */
const LOOK = 1500;

/** Every run, kept up to date. */
export function useRuns(): Asked<readonly RunSummary[]> & { again(): void } {
  const api = useApi();
  const asked = useAsked("runs", () => api.call("runs", {}));
  const { again } = asked;
  useEffect(() => {
    const timer = setInterval(again, LOOK);
    return () => clearInterval(timer);
  }, [again]);
  return asked;
}

type Of<Kind extends RunEvent["kind"]> = Extract<RunEvent, { kind: Kind }>;

/** What a run has recorded, growing while it trains. */
export interface Watched {
  readonly metrics: readonly Of<"metric">[];
  readonly validations: readonly Of<"validation">[];
  readonly traces: readonly Of<"traces">[];
  readonly state: RunState | undefined;
  readonly problem: string | undefined;
}

const NOTHING: Watched = { metrics: [], validations: [], traces: [], state: undefined, problem: undefined };

function grown(before: Watched, events: readonly RunEvent[]): Watched {
  let now = before;
  const of = <Kind extends RunEvent["kind"]>(kind: Kind) =>
    events.filter((event): event is Of<Kind> => event.kind === kind);
  if (of("reset").length > 0) now = NOTHING;
  const since = events.slice(events.findLastIndex(({ kind }) => kind === "reset") + 1);
  const metrics = since.filter((event) => event.kind === "metric");
  const validations = since.filter((event) => event.kind === "validation");
  const traces = since.filter((event) => event.kind === "traces");
  const state = of("state").at(-1);
  return {
    metrics: metrics.length > 0 ? [...now.metrics, ...metrics] : now.metrics,
    validations: validations.length > 0 ? [...now.validations, ...validations] : now.validations,
    traces: traces.length > 0 ? [...now.traces, ...traces] : now.traces,
    state: state?.state ?? now.state,
    problem: state ? state.problem : now.problem,
  };
}

export function useWatched(run: string | undefined): Watched {
  const api = useApi();
  const [watched, setWatched] = useState(NOTHING);
  useEffect(() => {
    setWatched(NOTHING);
    if (!run) return;
    return api.watch(run, (events) => setWatched((before) => grown(before, events)));
  }, [api, run]);
  return watched;
}
