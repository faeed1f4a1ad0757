import { useRef, useState } from "react";
import { LONGEST_NOTES } from "../../../src/service/limits.js";
import type { RunSummary } from "../../../src/service/protocol.js";
import { scoresOf, shownScore } from "../../../src/task/scores.js";
import { LearningCurves } from "../../../src/views/learning-curves.js";
import {
  Busy,
  clock,
  NoRuns,
  number,
  Panel,
  Problem,
  Scrolled,
  Spark,
  State,
  save,
} from "../panels/basic.js";
import { linkTo, useAction, useApi, useRuns, useTheme } from "../state.js";

/** Orders of runs, by what people call them. */
const ORDERS: Readonly<Record<string, (a: RunSummary, b: RunSummary) => number>> = {
  newest: (a, b) => b.created.localeCompare(a.created),
  name: (a, b) => a.id.localeCompare(b.id),
  model: (a, b) => a.model.localeCompare(b.model),
  "validation loss": (a, b) =>
    (a.validation?.loss ?? Number.POSITIVE_INFINITY) - (b.validation?.loss ?? Number.POSITIVE_INFINITY),
  steps: (a, b) => b.step - a.step,
};

export default function Runs() {
  const api = useApi();
  const { result: runs, problem, again, busy } = useRuns();
  const action = useAction();
  const { open } = api;
  const [order, setOrder] = useState("newest");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const sorted = runs?.toSorted(ORDERS[order]);
  return (
    <>
      <h1>Runs</h1>
      <p>
        Every model that was trained here: what it learnt from, how far it came, and what can be asked of it.
        {api.place === "tab" && " They are kept in this browser, and nowhere else."}
      </p>
      <div className="row">
        <a className="button" href={linkTo("train")}>
          Train a model
        </a>
        {open && (
          <label className="button quiet">
            Open a downloaded run
            <input
              className="hidden"
              type="file"
              accept=".zip"
              onChange={({ target }) => {
                const [file] = target.files ?? [];
                if (file)
                  action.run(async () => {
                    await open(file);
                    again();
                  });
              }}
            />
          </label>
        )}
        {runs && runs.length > 1 && (
          <label className="field">
            <span>Order</span>
            <select value={order} onChange={({ target }) => setOrder(target.value)}>
              {Object.keys(ORDERS).map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
        )}
      </div>
      <Overlaid runs={sorted?.filter(({ id }) => chosen.includes(id)) ?? []} />
      <Problem text={problem ?? action.problem} />
      <Busy when={busy && !runs} text="Reading the runs …" />
      {runs?.length === 0 && <NoRuns />}
      <ul className="runs">
        {sorted?.map((run) => (
          <Run
            key={run.id}
            run={run}
            again={again}
            drawn={chosen.includes(run.id)}
            onDraw={(draw) =>
              setChosen((before) => [...before.filter((id) => id !== run.id), ...(draw ? [run.id] : [])])
            }
          />
        ))}
      </ul>
    </>
  );
}

/** Losses of the validations of several runs, one over the other. */
function Overlaid({ runs }: { readonly runs: readonly RunSummary[] }) {
  const theme = useTheme();
  if (runs.length === 0) return null;
  return (
    <Panel title="Validation loss">
      {new Set(runs.map(({ task, data }) => `${task} ${data}`)).size > 1 && (
        <p className="note">
          These runs learn from different data, so their losses do not say which is better.
        </p>
      )}
      <Scrolled label="Validation loss of the chosen runs">
        <LearningCurves
          measure="nats"
          curves={runs.map(({ id, validations }) => ({
            name: id,
            marked: true,
            points: validations.map(({ step, loss }) => ({ step, value: loss })),
          }))}
          theme={theme}
        />
      </Scrolled>
    </Panel>
  );
}

function Run({
  run,
  again,
  drawn,
  onDraw,
}: {
  readonly run: RunSummary;
  readonly again: () => void;
  readonly drawn: boolean;
  readonly onDraw: (draw: boolean) => void;
}) {
  const api = useApi();
  const action = useAction();
  const [asking, setAsking] = useState<"rename" | "note" | "remove">();
  const menu = useRef<HTMLDetailsElement>(null);
  const notes = useRef<HTMLTextAreaElement>(null);
  const ask = (what: typeof asking) => {
    if (menu.current) menu.current.open = false;
    setAsking(what);
  };
  const name = useRef<HTMLInputElement>(null);
  const { id, state, validation } = run;
  const act = (what: () => Promise<unknown>) =>
    action.run(async () => {
      await what();
      setAsking(undefined);
      again();
    });
  return (
    <li className="run">
      <div className="run-head">
        <h2>
          <a href={linkTo("train", id)}>{id}</a>
        </h2>
        <State state={state} />
        <Spark values={run.losses} />
        {run.validations.length > 1 && (
          <label className="check">
            <input type="checkbox" checked={drawn} onChange={({ target }) => onDraw(target.checked)} />
            Draw its curve
          </label>
        )}
      </div>
      <p className="facts">
        {run.model} on {run.data.split(/[\\/]/).at(-1)}, step {number(run.step)}, {clock(run.seconds)}
        {validation &&
          [
            `, validation loss ${validation.loss.toFixed(3)}`,
            ...scoresOf(validation, run.scores).map((score) => `${score.name} ${shownScore(score)}`),
          ].join(", ")}
      </p>
      <Problem text={action.problem ?? run.problem} />
      <div className="row">
        {validation && (
          <>
            <a className="button quiet" href={linkTo("see", id)}>
              See
            </a>
            <a className="button quiet" href={linkTo("explain", id)}>
              Explain
            </a>
            {run.groupsMistakes && (
              <a className="button quiet" href={linkTo("diagnose", id)}>
                Diagnose
              </a>
            )}
          </>
        )}
        {state === "training" && (
          <button
            type="button"
            disabled={action.busy}
            onClick={() => act(() => api.call("stop", { run: id }))}
          >
            Stop
          </button>
        )}
        {state !== "training" && state !== "done" && (
          <button
            type="button"
            disabled={action.busy}
            onClick={() => act(() => api.call("resume", { run: id }))}
          >
            Resume
          </button>
        )}
        {validation && (
          <>
            <button
              type="button"
              className="quiet"
              onClick={() => action.run(async () => save(await api.file(id, "model"), `${id}.onnx`))}
            >
              Download .onnx
            </button>
            <button
              type="button"
              className="quiet"
              onClick={() => action.run(async () => save(await api.file(id, "run"), `${id}.zip`))}
            >
              Download run
            </button>
          </>
        )}
        <details className="menu" ref={menu}>
          <summary className="button quiet">More</summary>
          <div>
            <button type="button" className="quiet" onClick={() => ask("note")}>
              {run.notes ? "Change the notes" : "Note something"}
            </button>
            {state !== "training" && (
              <>
                <button type="button" className="quiet" onClick={() => ask("rename")}>
                  Rename
                </button>
                <button type="button" className="quiet" onClick={() => ask("remove")}>
                  Delete
                </button>
              </>
            )}
          </div>
        </details>
      </div>
      {run.notes && asking !== "note" && <p className="notes">{run.notes}</p>}
      {asking === "note" && (
        <form
          className="row"
          onSubmit={(event) => {
            event.preventDefault();
            act(() => api.call("note", { run: id, notes: notes.current!.value }));
          }}
        >
          <label className="field wide">
            <span>Notes</span>
            <textarea
              ref={notes}
              defaultValue={run.notes ?? ""}
              rows={3}
              maxLength={LONGEST_NOTES}
              // biome-ignore lint/a11y/noAutofocus: the field was just asked for.
              autoFocus
            />
          </label>
          <button type="submit">Keep</button>
          <button type="button" className="quiet" onClick={() => setAsking(undefined)}>
            Cancel
          </button>
        </form>
      )}
      {asking === "rename" && (
        <form
          className="row"
          onSubmit={(event) => {
            event.preventDefault();
            act(() => api.call("rename", { run: id, name: name.current!.value }));
          }}
        >
          <label className="field">
            <span>New name</span>
            {/* biome-ignore lint/a11y/noAutofocus: the field was just asked for. */}
            <input ref={name} defaultValue={id} required autoFocus />
          </label>
          <button type="submit">Rename</button>
          <button type="button" className="quiet" onClick={() => setAsking(undefined)}>
            Cancel
          </button>
        </form>
      )}
      {asking === "remove" && (
        <div className="row" role="alertdialog" aria-label={`Delete ${id}?`}>
          <span>Delete “{id}” and all it learned? This cannot be undone.</span>
          <button type="button" className="danger" onClick={() => act(() => api.call("remove", { run: id }))}>
            Delete for good
          </button>
          <button type="button" className="quiet" onClick={() => setAsking(undefined)}>
            Keep it
          </button>
        </div>
      )}
    </li>
  );
}
