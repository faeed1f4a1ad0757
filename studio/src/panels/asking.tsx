import { type ReactNode, useState } from "react";
import type { RunDetail, RunSummary } from "../../../src/service/protocol.js";
import { linkTo, useApi, useAsked, usePlace, useRuns } from "../state.js";
import { chosenRun, NoFittingRuns, NoRuns, Problem, RunPicker } from "./basic.js";
import { Told } from "./told.js";

/** A page about one run: the one in its address, or the newest that can answer; another can be chosen. */
export function RunPage({
  page,
  title,
  lead,
  fits = () => true,
  children,
}: {
  readonly page: string;
  /** Whether the page can be about a run, where it is not about all. */
  readonly fits?: (run: RunSummary) => boolean;
  readonly title: string;
  readonly lead?: string;
  readonly children: (run: string) => ReactNode;
}) {
  const { argument } = usePlace();
  const { result: runs, problem } = useRuns();
  const fitting = runs?.filter(fits);
  // A run that was handed on from another page, but is of another kind, gives way.
  const named = fitting?.some(({ id }) => id === argument) || !runs?.some(({ id }) => id === argument);
  const run = chosenRun(fitting, named ? argument : "");
  return (
    <>
      <h1>{title}</h1>
      {lead && (
        <p className="lead">
          <Told text={lead} />
        </p>
      )}
      <Problem text={problem} />
      {runs && !run && (runs.length > 0 && fitting?.length === 0 ? <NoFittingRuns /> : <NoRuns />)}
      {run && (
        <>
          <RunPicker
            runs={fitting ?? []}
            value={run}
            onChoose={(id) => {
              location.hash = linkTo(page, id);
            }}
          />
          {children(run)}
        </>
      )}
    </>
  );
}

/** What a page shows of a run, once it is known what can be asked of it. */
export function OfRun({
  run,
  children,
}: {
  readonly run: string;
  readonly children: (detail: RunDetail) => ReactNode;
}) {
  const api = useApi();
  const { result, problem } = useAsked(`run ${run}`, () => api.call("run", { run }));
  return (
    <>
      <Problem text={problem} />
      {result && children(result)}
    </>
  );
}

/** Asks for so many examples of a split. */
export function SplitForm({
  splits,
  count: first,
  most,
  unit,
  action,
  busy,
  onSplit,
  onAsk,
}: {
  readonly splits: readonly string[];
  readonly count: number;
  readonly most: number;
  /** What is asked for. */
  readonly unit: string;
  /** What the button says, and what it says while it is at work. */
  readonly action: readonly [idle: string, busy: string];
  readonly busy: boolean;
  readonly onSplit?: (split: string) => void;
  readonly onAsk: (split: string, count: number) => void;
}) {
  const [chosen, setChosen] = useState<string>();
  const [count, setCount] = useState(first);
  const split = chosen ?? splits[0];
  return (
    <form
      className="row"
      onSubmit={(event) => {
        event.preventDefault();
        if (split) onAsk(split, count);
      }}
    >
      <label className="field">
        <span>Split</span>
        <select
          value={split}
          onChange={({ target }) => {
            setChosen(target.value);
            onSplit?.(target.value);
          }}
        >
          {splits.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      <label className="field">
        <span>{unit}</span>
        <input
          type="number"
          min={1}
          max={most}
          required
          value={Number.isNaN(count) ? "" : count}
          onChange={({ target }) => setCount(target.valueAsNumber)}
        />
      </label>
      <button type="submit" disabled={busy || !split}>
        {action[busy ? 1 : 0]}
      </button>
    </form>
  );
}
