import { type ReactNode, useState } from "react";
import type { RunDetail } from "../../../src/service/protocol.js";
import { linkTo, useApi, useAsked, usePlace, useRuns } from "../state.js";
import { chosenRun, NoRuns, NoRunsOf, Problem, RunPicker } from "./basic.js";

/** A page about one run: the one in its address, or the newest that can answer; another can be chosen. */
export function RunPage({
  page,
  title,
  lead,
  task,
  children,
}: {
  readonly page: string;
  /** The kind of model the page is about, where it is about one kind alone. */
  readonly task?: string;
  readonly title: string;
  readonly lead?: string;
  readonly children: (run: string) => ReactNode;
}) {
  const { argument } = usePlace();
  const { result: runs, problem } = useRuns();
  const fitting = runs?.filter((one) => task === undefined || one.task === task);
  // A run that was handed on from another page, but is of another kind, gives way.
  const named = fitting?.some(({ id }) => id === argument) || !runs?.some(({ id }) => id === argument);
  const run = chosenRun(fitting, named ? argument : "");
  return (
    <>
      <h1>{title}</h1>
      {lead && <p className="lead">{lead}</p>}
      <Problem text={problem} />
      {runs && !run && (runs.length > 0 && task ? <NoRunsOf task={task} /> : <NoRuns />)}
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

/** What a page shows of a run, by what the run reads; the address may name the sentence or image. */
export function ByTask({
  run,
  query,
  text,
  image,
}: {
  readonly run: string;
  readonly query: URLSearchParams;
  readonly text: (first: string | undefined) => ReactNode;
  readonly image: (detail: RunDetail, first: string | undefined) => ReactNode;
}) {
  const api = useApi();
  const detail = useAsked(`run ${run}`, () => api.call("run", { run }));
  return (
    <>
      <Problem text={detail.problem} />
      {detail.result?.task === "translation" && text(query.get("text") ?? undefined)}
      {detail.result?.task === "captioning" && image(detail.result, query.get("image") ?? undefined)}
    </>
  );
}

/** What a run is, and a few sentences of a split of its data (the first, unless one is named). */
export function useExamples(run: string, split?: string) {
  const api = useApi();
  const detail = useAsked(`run ${run}`, () => api.call("run", { run }));
  const chosen = split ?? detail.result?.splits[0];
  const examples = useAsked(chosen && `examples ${run} ${chosen}`, () =>
    api.call("examples", { run, split: chosen! }),
  );
  return { detail, split: chosen, examples: examples.result };
}

/** Asks for a sentence; one of the examples can be taken. */
export function SentenceForm({
  text,
  examples,
  action,
  another = false,
  onAsk,
}: {
  readonly text: string | undefined;
  readonly examples: readonly string[] | undefined;
  /** What the button says. */
  readonly action: string;
  /** Whether a second button takes an example at random. */
  readonly another?: boolean;
  readonly onAsk: (text: string) => void;
}) {
  const [draft, setDraft] = useState<string>();
  const ask = (sentence: string) => {
    setDraft(undefined);
    onAsk(sentence);
  };
  return (
    <form
      className="row ask"
      onSubmit={(event) => {
        event.preventDefault();
        ask(draft ?? text ?? "");
      }}
    >
      <label className="field wide">
        <span>Sentence</span>
        <input
          value={draft ?? text ?? ""}
          required
          list="examples"
          onChange={({ target }) => setDraft(target.value)}
        />
      </label>
      <datalist id="examples">
        {examples?.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      <button type="submit">{action}</button>
      {another && examples && (
        <button
          type="button"
          className="quiet"
          onClick={() => ask(examples[Math.floor(Math.random() * examples.length)]!)}
        >
          Another
        </button>
      )}
    </form>
  );
}

/** Asks for so many sentences of a split. */
export function SplitForm({
  splits,
  sentences: first,
  most,
  unit = "Sentences",
  action,
  busy,
  onSplit,
  onAsk,
}: {
  readonly splits: readonly string[];
  readonly sentences: number;
  readonly most: number;
  /** What is asked for. */
  readonly unit?: string;
  /** What the button says, and what it says while it is at work. */
  readonly action: readonly [idle: string, busy: string];
  readonly busy: boolean;
  readonly onSplit?: (split: string) => void;
  readonly onAsk: (split: string, sentences: number) => void;
}) {
  const [chosen, setChosen] = useState<string>();
  const [sentences, setSentences] = useState(first);
  const split = chosen ?? splits[0];
  return (
    <form
      className="row"
      onSubmit={(event) => {
        event.preventDefault();
        if (split) onAsk(split, sentences);
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
          value={Number.isNaN(sentences) ? "" : sentences}
          onChange={({ target }) => setSentences(target.valueAsNumber)}
        />
      </label>
      <button type="submit" disabled={busy || !split}>
        {action[busy ? 1 : 0]}
      </button>
    </form>
  );
}
