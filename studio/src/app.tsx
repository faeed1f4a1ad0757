import { Component, lazy, type ReactNode, Suspense } from "react";
import { Problem } from "./panels/basic.js";
import { linkTo, useApi, usePlace } from "./state.js";

const pages = {
  runs: { title: "Runs", view: lazy(() => import("./pages/runs.js")) },
  train: { title: "Train", view: lazy(() => import("./pages/train.js")) },
  see: { title: "See", view: lazy(() => import("./pages/see.js")) },
  explain: { title: "Explain", view: lazy(() => import("./pages/explain.js")) },
  diagnose: { title: "Diagnose", view: lazy(() => import("./pages/diagnose.js")) },
  compare: { title: "Compare", view: lazy(() => import("./pages/compare.js")) },
  map: { title: "Map", view: lazy(() => import("./pages/map.js")) },
  open: { title: "Open", view: lazy(() => import("./pages/open.js")) },
  design: { title: "Design", view: lazy(() => import("./pages/design.js")) },
  "time-lapse": { title: "Time-lapse", view: lazy(() => import("./pages/time-lapse.js")) },
} as const;

/** Pages that are not in the bar: what the studio opens on, a chapter of its tour, and its exhibit alone, for pages of others. */
const others = {
  start: { view: lazy(() => import("./pages/start.js")) },
  tour: { view: lazy(() => import("./pages/tour.js")) },
  exhibit: { view: lazy(() => import("./pages/exhibit.js")) },
} as const;

export function App() {
  const { page, argument } = usePlace();
  const here = pages[page as keyof typeof pages] ?? others[page as keyof typeof others];
  return (
    <>
      <button type="button" className="skip" onClick={() => document.getElementById("content")?.focus()}>
        Skip to the page
      </button>
      {page !== "exhibit" && <Bar />}
      <main id="content" tabIndex={-1}>
        <Boundary key={`${page} ${argument}`}>
          <Suspense fallback={<p className="busy">Loading …</p>}>
            {here ? (
              <here.view />
            ) : (
              <p>
                There is no page “{page}”. <a href={linkTo("runs")}>To the runs</a>
              </p>
            )}
          </Suspense>
        </Boundary>
      </main>
    </>
  );
}

/** What stands above every page. */
function Bar() {
  const { page, argument } = usePlace();
  const { place } = useApi();
  return (
    <header>
      <a className="brand" href={linkTo("start")}>
        Regard
      </a>
      <nav aria-label="Pages">
        {Object.entries(pages).map(([id, { title }]) => (
          <a
            key={id}
            href={linkTo(id, keeps(id) && keeps(page) ? argument : "")}
            aria-current={id === page ? "page" : undefined}
          >
            {title}
          </a>
        ))}
      </nav>
      <span
        className="place"
        title={
          place === "server"
            ? "Models run on this machine's server."
            : "Models run in this tab; nothing leaves it."
        }
      >
        {place === "server" ? "on this machine" : "in this tab"}
      </span>
    </header>
  );
}

/** Pages about one run hand it on to each other. */
const keeps = (page: string): boolean => ["see", "explain", "diagnose", "map", "time-lapse"].includes(page);

/** Keeps what goes wrong in one page from taking the others with it. */
class Boundary extends Component<{ readonly children: ReactNode }, { readonly problem?: string }> {
  override state: { readonly problem?: string } = {};

  static getDerivedStateFromError(error: Error) {
    return { problem: error.message };
  }

  override render() {
    const { problem } = this.state;
    if (problem === undefined) return this.props.children;
    return (
      <>
        <Problem text={`This page cannot be shown: ${problem}`} />
        <p>
          <a href={linkTo("runs")}>To the runs</a>
        </p>
      </>
    );
  }
}
