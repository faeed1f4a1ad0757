import { useState } from "react";
import type { Evaluation, RunSummary } from "../../../src/service/protocol.js";
import { Gates } from "../../../src/views/gates.js";
import { ScoreByLength } from "../../../src/views/score-by-length.js";
import { Busy, NoRuns, Panel, Picture, Problem, RunPicker } from "../panels/basic.js";
import { Matrix } from "../panels/matrix.js";
import { linkTo, useAction, useApi, useAsked, usePlace, useRuns, useTheme } from "../state.js";

export default function Compare() {
  const { argument, query } = usePlace();
  const { result: runs, problem } = useRuns();
  const able = runs?.filter(({ validation }) => validation !== undefined) ?? [];
  const first = argument || able[0]?.id;
  const second = query.get("with") ?? able.find(({ id }) => id !== first)?.id ?? first;
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
            <RunPicker label="Second run" runs={able} value={second} onChoose={(id) => go(first, id)} />
          </div>
          <Both key={`${first} ${second}`} runs={[first, second]} able={able} />
        </>
      )}
    </>
  );
}

function Both({
  runs,
  able,
}: {
  readonly runs: readonly [string, string];
  readonly able: readonly RunSummary[];
}) {
  const api = useApi();
  const theme = useTheme();
  const detail = useAsked(`run ${runs[0]}`, () => api.call("run", { run: runs[0] }));
  const splits = detail.result?.splits ?? [];
  const [split, setSplit] = useState<string>();
  const chosen = split ?? splits[0];
  const [sentences, setSentences] = useState(200);
  const [found, setFound] = useState<readonly Evaluation[]>();
  const action = useAction();
  const examples = useAsked(chosen && `examples ${runs[0]} ${chosen}`, () =>
    api.call("examples", { run: runs[0], split: chosen! }),
  );
  const [draft, setDraft] = useState<string>();
  const [asked, setAsked] = useState<string>();
  const text = asked ?? examples.result?.[0];
  const seen = useAsked(text && `${runs.join(" ")} ${text}`, () =>
    Promise.all(runs.map((run) => api.call("see", { run, text: text! }))),
  );
  const nameOf = (index: number) => {
    const models = runs.map((run) => able.find(({ id }) => id === run)?.model ?? run);
    return models[0] === models[1] ? runs[index]! : models[index]!;
  };
  const names = [...new Set(found?.flatMap(({ metrics }) => Object.keys(metrics)))];
  return (
    <>
      <Problem text={detail.problem} />
      <Panel title="Scores over the same sentences">
        <form
          className="row"
          onSubmit={(event) => {
            event.preventDefault();
            action.run(async () => {
              const both: Evaluation[] = [];
              for (const run of runs)
                both.push(await api.call("evaluate", { run, split: chosen!, sentences }));
              setFound(both);
            });
          }}
        >
          <label className="field">
            <span>Split</span>
            <select value={chosen} onChange={({ target }) => setSplit(target.value)}>
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
              max={100000}
              required
              value={Number.isNaN(sentences) ? "" : sentences}
              onChange={({ target }) => setSentences(target.valueAsNumber)}
            />
          </label>
          <button type="submit" disabled={action.busy || !chosen}>
            {action.busy ? "Scoring …" : "Score both"}
          </button>
        </form>
        <Problem text={action.problem} />
        {found && (
          <div className="columns">
            <table className="readings">
              <thead>
                <tr>
                  <th scope="col">{found[0]!.sentences} sentences</th>
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
            <Picture label="BLEU by length">
              <ScoreByLength
                measure="BLEU"
                title="BLEU by source length"
                series={found.map(({ byLength }, index) => ({ name: nameOf(index), scores: byLength }))}
                theme={theme}
              />
            </Picture>
          </div>
        )}
      </Panel>
      <Panel title="One sentence">
        <form
          className="row ask"
          onSubmit={(event) => {
            event.preventDefault();
            setAsked(draft ?? text);
            setDraft(undefined);
          }}
        >
          <label className="field wide">
            <span>Sentence</span>
            <input value={draft ?? text ?? ""} required onChange={({ target }) => setDraft(target.value)} />
          </label>
          <button type="submit">Translate with both</button>
        </form>
        <Problem text={seen.problem} />
        <Busy when={seen.busy && !seen.result} text="Loading both models …" />
        <div className="columns">
          {seen.result?.map((one, index) => (
            <div key={index}>
              <h3>{runs[index]}</h3>
              <p className="output">{one.output}</p>
              {one.trace ? (
                <Matrix trace={one.trace} theme={theme} label={`Alignment of ${runs[index]}`} />
              ) : (
                one.gates && (
                  <Picture label={`Gates of ${runs[index]}`}>
                    <Gates trace={one.gates} theme={theme} />
                  </Picture>
                )
              )}
            </div>
          ))}
        </div>
      </Panel>
    </>
  );
}
