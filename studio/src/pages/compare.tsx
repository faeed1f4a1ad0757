import { useMemo, useState } from "react";
import { decodeTrace } from "../../../src/attention/trace.js";
import type { Answer, Asked, Evaluation, RunDetail, RunSummary } from "../../../src/service/protocol.js";
import { ScoreByLength } from "../../../src/views/score-by-length.js";
import { lookedOf, Output } from "../panels/answer.js";
import { OfRun, SplitForm } from "../panels/asking.js";
import { Busy, capital, NoRuns, Panel, Problem, RunPicker, Scrolled } from "../panels/basic.js";
import { Blocks } from "../panels/blocks.js";
import { firstInput, InputForm, useExamples } from "../panels/input.js";
import { LookPicture } from "../panels/look.js";
import { Decoded } from "../panels/steps.js";
import { linkTo, useAction, useApi, useAsked, usePlace, useRuns, useTheme } from "../state.js";

export default function Compare() {
  const { argument, query } = usePlace();
  const { result: runs, problem } = useRuns();
  const able = runs?.filter(({ validation }) => validation !== undefined) ?? [];
  const first = argument || able[0]?.id;
  const task = able.find(({ id }) => id === first)?.task;
  // Only what is asked the same can be compared.
  const fitting = able.filter((one) => one.task === task);
  const named = query.get("with");
  // Until the runs are known, the one in the address is taken at its word.
  const second =
    named && (!runs || fitting.some(({ id }) => id === named))
      ? named
      : (fitting.find(({ id }) => id !== first)?.id ?? first);
  const go = (a: string, b: string) => {
    location.hash = linkTo("compare", a, { with: b });
  };
  return (
    <>
      <h1>Compare</h1>
      <Problem text={problem} />
      {runs && !first && <NoRuns />}
      {first && second && (
        <>
          <div className="row">
            <RunPicker label="First run" runs={able} value={first} onChoose={(id) => go(id, second)} />
            <RunPicker label="Second run" runs={fitting} value={second} onChoose={(id) => go(first, id)} />
          </div>
          <OfRun key={`${first} ${second}`} run={first}>
            {(detail) => <Both detail={detail} runs={[first, second]} able={able} />}
          </OfRun>
        </>
      )}
    </>
  );
}

function Both({
  detail,
  runs,
  able,
}: {
  readonly detail: RunDetail;
  readonly runs: readonly [string, string];
  readonly able: readonly RunSummary[];
}) {
  const api = useApi();
  const theme = useTheme();
  const [split, setSplit] = useState<string>();
  const [found, setFound] = useState<readonly Evaluation[]>();
  const action = useAction();
  const many = `${detail.words.example}s`;
  const nameOf = (index: number) => {
    const models = runs.map((run) => able.find(({ id }) => id === run)?.model ?? run);
    return models[0] === models[1] ? runs[index]! : models[index]!;
  };
  const names = [...new Set(found?.flatMap(({ metrics }) => Object.keys(metrics)))];
  const breakdown = found?.[0]?.breakdown;
  return (
    <>
      <Panel title={`Scores over the same ${many}`}>
        <SplitForm
          splits={detail.splits}
          count={200}
          most={100_000}
          unit={capital(many)}
          action={["Score both", "Scoring …"]}
          busy={action.busy}
          onSplit={setSplit}
          onAsk={(chosen, sentences) =>
            action.run(async () => {
              const both: Evaluation[] = [];
              for (const run of runs)
                both.push(await api.call("evaluate", { run, split: chosen, sentences }));
              setFound(both);
            })
          }
        />
        <Problem text={action.problem} />
        {found && <Decoded decoding={found[0]!.decoding} />}
        {found && (
          <div className="columns">
            <table className="readings">
              <thead>
                <tr>
                  <th scope="col">{`${found[0]!.sentences} ${many}`}</th>
                  {runs.map((run, index) => (
                    <th scope="col" key={index}>
                      {run}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {names.map((name) => (
                  <tr key={name}>
                    <th scope="row">{name}</th>
                    {found.map(({ metrics }, index) => (
                      <td key={index}>{metrics[name] === undefined ? "–" : metrics[name].toFixed(3)}</td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
            {breakdown && (
              <Scrolled label={`${breakdown.measure} by ${breakdown.by}`}>
                <ScoreByLength
                  measure={breakdown.measure}
                  by={breakdown.by}
                  title={`${breakdown.measure} by ${breakdown.by}`}
                  series={found.map((one, index) => ({
                    name: nameOf(index),
                    scores: one.breakdown?.ranges ?? [],
                  }))}
                  theme={theme}
                />
              </Scrolled>
            )}
          </div>
        )}
      </Panel>
      <One detail={detail} runs={runs} split={split} />
    </>
  );
}

/** What two models gave for one input, side by side, each with where it looked. */
function One({
  detail,
  runs,
  split,
}: {
  readonly detail: RunDetail;
  readonly runs: readonly [string, string];
  readonly split: string | undefined;
}) {
  const api = useApi();
  const examples = useExamples(detail, { split });
  const [chosen, setChosen] = useState<Asked>();
  const input = chosen ?? firstInput(detail, examples);
  const seen = useAsked(input && JSON.stringify([runs, input]), () =>
    Promise.all(runs.map((run) => api.call("ask", { run, input: input! }))),
  );
  return (
    <Panel title={`One ${detail.words.example}`}>
      <InputForm detail={detail} examples={examples} input={input} action="Ask both" onAsk={setChosen} />
      <Problem text={seen.problem} />
      <Busy when={seen.busy && !seen.result} text="Loading both models …" />
      <div className="columns">
        {seen.result?.map((answer, index) => (
          <div key={index}>
            <h3>{runs[index]}</h3>
            <Given answer={answer} run={runs[index]!} />
          </div>
        ))}
      </div>
    </Panel>
  );
}

function Given({ answer, run }: { readonly answer: Answer; readonly run: string }) {
  const { trace, main, others } = useMemo(() => lookedOf(decodeTrace(answer.trace)), [answer]);
  const picture = main ?? others[0];
  return (
    <>
      <Output answer={answer} />
      <Blocks blocks={answer.blocks} />
      {!main && <p className="note">This model has no attention.</p>}
      {picture && (
        <LookPicture trace={trace} picture={picture} label={`${capital(picture.name)} of ${run}`} />
      )}
    </>
  );
}
