import { useEffect, useState } from "react";
import type { RunDetail } from "../../../src/service/protocol.js";
import type { Api } from "../api/contract.js";
import { tabApi } from "../api/tab.js";

// Small trained models that come with the studio and answer in the tab, whether or not there is a server. `scripts/exhibits.mjs` trains them.

let engine: Api | undefined;
/** What runs the exhibits: a worker of its own, so that they are not among the reader's runs. */
export function exhibitApi(): Api {
  engine ??= tabApi({ warm: true });
  return engine;
}

/** The studio's own views of a run, with what they draw. */
const views = {
  see: async () => (await import("../pages/see.js")).One,
  explain: async () => (await import("../pages/explain.js")).One,
} as const;
export type ExhibitView = keyof typeof views;

const opened = new Map<string, Promise<RunDetail>>();

/** An exhibit by its name, fetched and opened once. */
function open(name: string): Promise<RunDetail> {
  const known = opened.get(name) ?? fetched(name);
  opened.set(name, known);
  known.catch(() => opened.delete(name));
  return known;
}

async function fetched(name: string): Promise<RunDetail> {
  const api = exhibitApi();
  const response = await fetch(new URL(`exhibits/${name}.zip`, document.baseURI));
  if (!response.ok) throw new Error(`the model of this exhibit cannot be fetched (${response.status}).`);
  const run = await api.open!(new File([await response.blob()], `${name}.zip`));
  return api.call("run", { run });
}

/** Fetches an exhibit and its view together, before they are shown. */
export const openExhibit = (name: string, view: ExhibitView) => Promise.all([open(name), views[view]()]);

type Opened = Awaited<ReturnType<typeof openExhibit>>;

/** An exhibit and its view, once both are there. */
export function useExhibit(name: string, view: ExhibitView): { opened?: Opened; problem?: string } {
  const [state, setState] = useState<{ opened?: Opened; problem?: string }>({});
  useEffect(() => {
    let current = true;
    setState({});
    openExhibit(name, view).then(
      (opened) => current && setState({ opened }),
      (error: Error) => current && setState({ problem: error.message }),
    );
    return () => {
      current = false;
    };
  }, [name, view]);
  return state;
}
