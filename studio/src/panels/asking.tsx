import { type ReactNode, useState } from "react";
import { linkTo, useApi, useAsked, usePlace, useRuns } from "../state.js";
import { chosenRun, NoRuns, Problem, RunPicker } from "./basic.js";

/** A page about one run: the one in its address, or the newest that can answer; another can be chosen. */
export function RunPage({
  page,
  title,
  lead,
  children,
}: {
  readonly page: string;
  readonly title: string;
  readonly lead?: string;
  readonly children: (run: string) => ReactNode;
}) {
  const { argument } = usePlace();
  const { result: runs, problem } = useRuns();
  const run = chosenRun(runs, argument);
  return (
    <>
      <h1>{title}</h1>
      {lead && <p className="lead">{lead}</p>}
      <Problem text={problem} />
      {runs && !run && <NoRuns />}
      {run && (
        <>
          <RunPicker
            runs={runs ?? []}
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
  action,
  busy,
  onSplit,
  onAsk,
}: {
  readonly splits: readonly string[];
  readonly sentences: number;
  readonly most: number;
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
        <span>Sentences</span>
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
