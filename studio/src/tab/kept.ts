import { createStore, del, entries, set } from "idb-keyval";
import type { Backend } from "../../../src/session/index.js";
import { TabRun } from "./run.js";

/** Milliseconds between two writes of a run that is being trained. */
const PAUSE = 10_000;

/** Keeps runs in this browser (IndexedDB), each as the archive that is downloaded of it, so that they outlive the tab. */
export class KeptRuns {
  readonly #store = createStore("regard", "runs");
  readonly #waiting = new Map<TabRun, ReturnType<typeof setTimeout>>();

  /** Runs that were kept, the oldest first. What cannot be read any more is left where it is. */
  async read(backend: Backend): Promise<TabRun[]> {
    const kept = await entries<string, Uint8Array>(this.#store);
    return kept
      .flatMap(([id, bytes]) => {
        try {
          return [TabRun.opened(id, bytes, backend)];
        } catch {
          return [];
        }
      })
      .sort((a, b) => a.created.localeCompare(b.created));
  }

  /** Keeps a run from now on: at once where it changed for good, and every few seconds while it is trained. */
  keep(run: TabRun): void {
    run.onKept = () => {
      if (!run.isBusy) return void this.write(run);
      if (!this.#waiting.has(run))
        this.#waiting.set(
          run,
          setTimeout(() => void this.write(run), PAUSE),
        );
    };
    run.onKept();
  }

  /** Writes a run as it is now; where the browser has no room for it, the run says so. */
  async write(run: TabRun): Promise<void> {
    clearTimeout(this.#waiting.get(run));
    this.#waiting.delete(run);
    const { id } = run;
    try {
      await set(id, run.archive(), this.#store);
      run.unkept = undefined;
    } catch (error) {
      run.unkept = `this browser does not keep the run (${(error as Error).message}); download it before the tab is closed.`;
    }
  }

  /** Forgets a run, or the name that it had. */
  async forget(id: string, run?: TabRun): Promise<void> {
    if (run) {
      clearTimeout(this.#waiting.get(run));
      this.#waiting.delete(run);
    }
    await del(id, this.#store);
  }
}
