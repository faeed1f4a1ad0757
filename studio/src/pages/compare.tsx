import { type ReactNode, useState } from "react";
import type { Evaluation, RunDetail, RunSummary, Seen } from "../../../src/service/protocol.js";
import { Gates } from "../../../src/views/gates.js";
import { ScoreByLength } from "../../../src/views/score-by-length.js";
import { SpatialMaps } from "../../../src/views/spatial-maps.js";
import { SentenceForm, SplitForm, useExamples } from "../panels/asking.js";
import { Busy, NoRuns, Panel, Picture, Problem, RunPicker } from "../panels/basic.js";
import { type ChosenImage, ImageForm } from "../panels/image.js";
import { Matrix } from "../panels/matrix.js";
import { Decoded } from "../panels/steps.js";
import { type Asked, linkTo, useAction, useApi, useAsked, usePlace, useRuns, useTheme } from "../state.js";

export default function Compare() {
  const { argument, query } = usePlace();
  const { result: runs, problem } = useRuns();
  const able = runs?.filter(({ validation }) => validation !== undefined) ?? [];
  const first = argument || able[0]?.id;
  const task = able.find(({ id }) => id === first)?.task;
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
          <Both
            key={`${first} ${second}`}
            runs={[first, second]}
            able={able}
            isCaptioner={task === "captioning"}
          />
        </>
      )}
    </>
  );
}

function Both({
  runs,
  able,
  isCaptioner,
}: {
  readonly runs: readonly [string, string];
  readonly able: readonly RunSummary[];
  readonly isCaptioner: boolean;
}) {
  const api = useApi();
  const theme = useTheme();
  const [split, setSplit] = useState<string>();
  const { detail, examples, split: chosenSplit } = useExamples(runs[0], split);
  const [found, setFound] = useState<readonly Evaluation[]>();
  const action = useAction();
  const unit = isCaptioner ? "images" : "sentences";
  const nameOf = (index: number) => {
    const models = runs.map((run) => able.find(({ id }) => id === run)?.model ?? run);
    return models[0] === models[1] ? runs[index]! : models[index]!;
  };
  const names = [...new Set(found?.flatMap(({ metrics }) => Object.keys(metrics)))];
  return (
    <>
      <Problem text={detail.problem} />
      <Panel title={`Scores over the same ${unit}`}>
        <SplitForm
          splits={detail.result?.splits ?? []}
          sentences={200}
          most={100_000}
          unit={isCaptioner ? "Images" : "Sentences"}
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
                  <th scope="col">{`${found[0]!.sentences} ${unit}`}</th>
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
            {found[0]!.breakdown && (
              <Picture label={`${found[0]!.breakdown.measure} by ${found[0]!.breakdown.by}`}>
                <ScoreByLength
                  measure={found[0]!.breakdown.measure}
                  by={found[0]!.breakdown.by}
                  title={`${found[0]!.breakdown.measure} by ${found[0]!.breakdown.by}`}
                  series={found.map(({ breakdown }, index) => ({
                    name: nameOf(index),
                    scores: breakdown?.ranges ?? [],
                  }))}
                  theme={theme}
                />
              </Picture>
            )}
          </div>
        )}
      </Panel>
      {detail.result &&
        (isCaptioner ? (
          <OneImage runs={runs} detail={detail.result} split={chosenSplit} />
        ) : (
          <OneSentence runs={runs} examples={examples} />
        ))}
    </>
  );
}

/** What two models wrote of one input, side by side, each with its picture. */
function SideBySide<Answer extends Pick<Seen, "output" | "decoding">>({
  runs,
  seen,
  picture,
}: {
  readonly runs: readonly [string, string];
  readonly seen: Asked<readonly Answer[]>;
  readonly picture: (answer: Answer, run: string) => ReactNode;
}) {
  return (
    <>
      <Problem text={seen.problem} />
      <Busy when={seen.busy && !seen.result} text="Loading both models …" />
      <div className="columns">
        {seen.result?.map((one, index) => (
          <div key={index}>
            <h3>{runs[index]}</h3>
            <p className="output">{one.output}</p>
            <Decoded decoding={one.decoding} />
            {picture(one, runs[index]!)}
          </div>
        ))}
      </div>
    </>
  );
}

function OneImage({
  runs,
  detail,
  split,
}: {
  readonly runs: readonly [string, string];
  readonly detail: RunDetail;
  readonly split: string | undefined;
}) {
  const api = useApi();
  const theme = useTheme();
  const [image, setImage] = useState<ChosenImage>();
  const seen = useAsked(image && JSON.stringify([runs, image.input]), () =>
    Promise.all(runs.map((run) => api.call("caption", { run, image: image!.input }))),
  );
  return (
    <Panel title="One image">
      <ImageForm run={runs[0]} detail={detail} split={split} chosen={image} onChoose={setImage} />
      <SideBySide
        runs={runs}
        seen={seen}
        picture={({ trace }, run) =>
          trace ? (
            <Picture label={`Attention of ${run}`}>
              <SpatialMaps trace={trace} theme={theme} />
            </Picture>
          ) : (
            <p className="note">This model sees the image once and has no attention.</p>
          )
        }
      />
    </Panel>
  );
}

function OneSentence({
  runs,
  examples,
}: {
  readonly runs: readonly [string, string];
  readonly examples: readonly string[] | undefined;
}) {
  const api = useApi();
  const theme = useTheme();
  const [asked, setAsked] = useState<string>();
  const text = asked ?? examples?.[0];
  const seen = useAsked(text && `${runs.join(" ")} ${text}`, () =>
    Promise.all(runs.map((run) => api.call("see", { run, text: text! }))),
  );
  return (
    <Panel title="One sentence">
      <SentenceForm text={text} examples={examples} action="Translate with both" onAsk={setAsked} />
      <SideBySide
        runs={runs}
        seen={seen}
        picture={({ trace, gates }, run) =>
          trace ? (
            <Matrix trace={trace} theme={theme} label={`Alignment of ${run}`} />
          ) : (
            gates && (
              <Picture label={`Gates of ${run}`}>
                <Gates trace={gates} theme={theme} />
              </Picture>
            )
          )
        }
      />
    </Panel>
  );
}
