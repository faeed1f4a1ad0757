import { useState } from "react";
import type { Seen } from "../../../src/service/protocol.js";
import { Gates } from "../../../src/views/gates.js";
import { Ribbon } from "../../../src/views/ribbon.js";
import { ByTask, RunPage, SentenceForm, useExamples } from "../panels/asking.js";
import { Busy, Panel, Picture, Problem, percent } from "../panels/basic.js";
import { Matrix } from "../panels/matrix.js";
import {
  Alternatives,
  ChangedNote,
  type Changes,
  Decoded,
  Hypotheses,
  useChanges,
  type WritingInput,
  writingFrom,
  writingQuery,
} from "../panels/steps.js";
import { linkTo, useApi, useAsked, usePlace, useTheme } from "../state.js";
import { SeeImage } from "./see-image.js";

const FIRST = "I love coffee";

export default function See() {
  const { query } = usePlace();
  return (
    <RunPage page="see" title="See">
      {(run) => (
        <ByTask
          key={`${run} ${query.get("image")}`}
          run={run}
          text={(first) => <Sentence run={run} first={first} beam={writingFrom(query).beam} />}
          image={(detail, first) => (
            <SeeImage run={run} detail={detail} first={first} beam={writingFrom(query).beam} />
          )}
          query={query}
        />
      )}
    </RunPage>
  );
}

function Sentence({
  run,
  first,
  beam,
}: {
  readonly run: string;
  readonly first: string | undefined;
  readonly beam: number | undefined;
}) {
  const api = useApi();
  const theme = useTheme();
  const { detail, examples } = useExamples(run);
  const [asked, setAsked] = useState<string>();
  const changes = useChanges();
  const start = first ?? (detail.result?.data === "bilingual" ? FIRST : examples?.[0]);
  const text = asked ?? start;
  const writing: WritingInput = { ...(beam !== undefined && { beam }), ...changes.request };
  const key = text === undefined ? undefined : JSON.stringify([run, text, writing]);
  const request = (effect: boolean) => api.call("see", { run, text: text!, ...writing, effect });
  const seen = useAsked(key, () => request(false));
  // What each word caused takes longer to measure, and follows when the picture is there.
  const caused = useAsked(seen.answered === key ? key : undefined, () => request(true));
  const ask = (sentence: string) => {
    changes.reset();
    changes.select(0);
    setAsked(sentence);
  };
  const { result } = seen;
  return (
    <>
      <SentenceForm text={text} examples={examples} action="Translate" another onAsk={ask} />
      <Problem text={seen.problem ?? detail.problem} />
      <Busy when={seen.busy && !result} text="Loading the model …" />
      {result && (
        <Shown
          seen={result}
          effects={caused.answered === key ? caused.result?.steps.map(({ effect }) => effect!) : undefined}
          selected={Math.min(changes.selected, result.steps.length - 1)}
          changes={changes}
          theme={theme}
          explain={linkTo("explain", run, { text: text!, ...writingQuery(writing) })}
        />
      )}
    </>
  );
}

function Shown({
  seen,
  effects,
  selected,
  changes,
  theme,
  explain,
}: {
  readonly seen: Seen;
  /** Causal effects of the source words, by step, once they are measured. */
  readonly effects: readonly (readonly number[])[] | undefined;
  readonly selected: number;
  readonly changes: Changes;
  readonly theme: ReturnType<typeof useTheme>;
  readonly explain: string;
}) {
  const [ribbon, setRibbon] = useState(false);
  const step = seen.steps[selected]!;
  const greatest = Math.max(1e-9, ...(step.salience ?? []).map(Math.abs));
  return (
    <>
      <p className="output" aria-live="polite" data-milliseconds={Math.round(seen.milliseconds)}>
        {seen.output}
      </p>
      <Decoded decoding={seen.decoding} />
      <ChangedNote changes={changes} />
      {seen.unknown.length > 0 && (
        <p className="note">It does not know {seen.unknown.map((one) => `“${one}”`).join(", ")}.</p>
      )}
      <div className="columns">
        {seen.trace ? (
          <Panel
            title="What it looked at"
            note="A row for each word it wrote. Click a row to look at that step; drag from one word to another to force its attention there."
          >
            <div className="row">
              <button
                type="button"
                className={ribbon ? "quiet" : ""}
                aria-pressed={!ribbon}
                onClick={() => setRibbon(false)}
              >
                Matrix
              </button>
              <button
                type="button"
                className={ribbon ? "" : "quiet"}
                aria-pressed={ribbon}
                onClick={() => setRibbon(true)}
              >
                Ribbon
              </button>
            </div>
            {ribbon ? (
              <Picture label="Alignment as ribbons">
                <Ribbon trace={seen.trace} theme={theme} selected={selected} />
              </Picture>
            ) : (
              <Matrix
                trace={seen.trace}
                theme={theme}
                label="Alignment"
                selected={selected}
                onSelect={changes.select}
                onMove={(row, from, to) => {
                  const weights = [...seen.trace!.weights[row]!];
                  weights[to] = weights[to]! + weights[from]!;
                  weights[from] = 0;
                  changes.force(row, weights);
                }}
              />
            )}
          </Panel>
        ) : (
          seen.gates && (
            <Panel
              title="Its gates over time"
              note="This model has no attention: it reads the sentence into one vector."
            >
              <Picture label="Gates">
                <Gates trace={seen.gates} theme={theme} />
              </Picture>
            </Panel>
          )
        )}
        <Panel title={`Step ${selected + 1}: “${step.piece}”`} note={`${percent(step.probability)} likely.`}>
          <div className="row">
            <button
              type="button"
              className="quiet"
              disabled={selected === 0}
              onClick={() => changes.select(selected - 1)}
            >
              Step back
            </button>
            <button
              type="button"
              className="quiet"
              disabled={selected === seen.steps.length - 1}
              onClick={() => changes.select(selected + 1)}
            >
              Step on
            </button>
          </div>
          <h3>What else it could have written</h3>
          <Alternatives
            piece={step.piece}
            alternatives={step.alternatives}
            onWrite={(word) => changes.write(selected, word)}
          />
          {step.salience && seen.trace && (
            <>
              <h3>What it looked at, and what that was worth</h3>
              <table className="readings">
                <thead>
                  <tr>
                    <th scope="col">word</th>
                    <th scope="col">attention</th>
                    <th scope="col">salience</th>
                    <th scope="col">effect</th>
                    <th scope="col">
                      <span className="hidden">force</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {seen.source.map((word, place) => {
                    const salience = step.salience![place]!;
                    return (
                      <tr key={place}>
                        <th scope="row">{word}</th>
                        <td>
                          <meter
                            min={0}
                            max={1}
                            value={seen.trace!.weights[selected]![place]!}
                            aria-label={`attention on ${word}`}
                          />{" "}
                          {seen.trace!.weights[selected]![place]!.toFixed(2)}
                        </td>
                        <td>
                          <meter
                            className={salience < 0 ? "against" : ""}
                            min={0}
                            max={1}
                            value={Math.abs(salience) / greatest}
                            aria-label={`salience of ${word}`}
                          />{" "}
                          {salience.toFixed(2)}
                        </td>
                        <td>{effects?.[selected]?.[place]?.toFixed(2) ?? (effects ? "" : "…")}</td>
                        <td>
                          <button
                            type="button"
                            className="link"
                            title="Put all attention of this step here, and go on"
                            onClick={() =>
                              changes.force(
                                selected,
                                seen.source.map((_, other) => (other === place ? 1 : 0)),
                              )
                            }
                          >
                            all here
                          </button>
                        </td>
                      </tr>
                    );
                  })}
                </tbody>
              </table>
              <p className="note">
                Salience is the gradient that reaches each weight, in nats per unit of attention: more
                attention there would make “{step.piece}” likelier (or, below 0, less likely). The effect is
                how many nats less likely it is once that word is masked.{" "}
                <a href={explain}>Was it the cause?</a>
              </p>
            </>
          )}
        </Panel>
      </div>
      <Hypotheses hypotheses={seen.hypotheses} />
    </>
  );
}
