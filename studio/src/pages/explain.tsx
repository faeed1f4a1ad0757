import { useState } from "react";
import type { AlignmentTrace } from "../../../src/attention/trace.js";
import type { Explanation, SplitExplanation } from "../../../src/service/protocol.js";
import { scoresAsWeights } from "../../../src/views/scores.js";
import { Agreements, METHOD_NAMES } from "../panels/agreements.js";
import { ByTask, RunPage, SentenceForm, SplitForm, useExamples } from "../panels/asking.js";
import { Busy, Panel, Problem, percent } from "../panels/basic.js";
import { Matrix } from "../panels/matrix.js";
import { useAction, useApi, useAsked, usePlace, useTheme } from "../state.js";
import { ExplainImage } from "./explain-image.js";

export default function Explain() {
  const { query } = usePlace();
  return (
    <RunPage
      page="explain"
      title="Explain"
      lead="A map shows where a model looked. Whether that made it write what it wrote is another question: here both are measured, side by side."
    >
      {(run) => (
        <ByTask
          key={`${run} ${query.get("text")} ${query.get("image")}`}
          run={run}
          query={query}
          text={(first) => <One run={run} first={first} />}
          image={(detail, first) => <ExplainImage run={run} detail={detail} first={first} />}
        />
      )}
    </RunPage>
  );
}

function One({ run, first }: { readonly run: string; readonly first: string | undefined }) {
  const api = useApi();
  const { detail, examples } = useExamples(run);
  const [asked, setAsked] = useState<string>();
  const text = asked ?? first ?? examples?.[0];
  const explained = useAsked(text === undefined ? undefined : `${run} ${text}`, () =>
    api.call("explain", { run, text: text! }),
  );
  return (
    <>
      <SentenceForm text={text} examples={examples} action="Explain" onAsk={setAsked} />
      <Problem text={explained.problem ?? detail.problem} />
      <Busy when={explained.busy && !explained.result} text="Taking words away …" />
      {explained.result && <Maps explanation={explained.result} />}
      {detail.result && (
        <Split
          run={run}
          splits={detail.result.splits}
          onPick={(one) => {
            setAsked(one);
            scrollTo({ top: 0 });
          }}
        />
      )}
    </>
  );
}

function Maps({ explanation }: { readonly explanation: Explanation }) {
  const theme = useTheme();
  const { source, target, attention, salience, effect, gold } = explanation;
  const trace = (weights: readonly (readonly number[])[]): AlignmentTrace => ({
    kind: "alignment",
    source,
    target,
    weights,
  });
  const goldWeights =
    gold &&
    target.map((_, row) =>
      source.map((__, column) => {
        const link = gold.find((one) => one.target === row && one.source === column);
        return link ? (link.sure ? 1 : 0.35) : 0;
      }),
    );
  return (
    <>
      <p className="output">{explanation.output}</p>
      {explanation.verdict && (
        <p className={`verdict ${explanation.verdict.verdict.replace(" ", "-")}`}>
          {explanation.verdict.sentence}
        </p>
      )}
      <div className="columns">
        {attention && (
          <Panel title="Attention" note="Where it looked.">
            <Matrix trace={trace(attention)} theme={theme} label="Attention" />
          </Panel>
        )}
        {salience && (
          <Panel
            title="Salience"
            note="Gradient that reaches each weight; the darkest would help most, what would harm is left white."
          >
            <Matrix trace={trace(scoresAsWeights(salience))} theme={theme} label="Salience" />
          </Panel>
        )}
        <Panel
          title="Causal effect"
          note="How much less likely each word is once a source word and its annotation are masked."
        >
          <Matrix trace={trace(scoresAsWeights(effect))} theme={theme} label="Causal effect" />
        </Panel>
        {goldWeights && (
          <Panel
            title="Gold"
            note="The alignment the sentence was made with; lighter links are only possible."
          >
            <Matrix trace={trace(goldWeights)} theme={theme} label="Gold alignment" />
          </Panel>
        )}
      </div>
      {explanation.agreements.length > 0 && (
        <Agreements agreements={explanation.agreements} greatest="word" />
      )}
    </>
  );
}

function Split({
  run,
  splits,
  onPick,
}: {
  readonly run: string;
  readonly splits: readonly string[];
  readonly onPick: (text: string) => void;
}) {
  const api = useApi();
  const [found, setFound] = useState<SplitExplanation>();
  const action = useAction();
  const interval = (value: { mean: number; low: number; high: number }) =>
    `${value.mean.toFixed(2)} (${value.low.toFixed(2)} to ${value.high.toFixed(2)})`;
  return (
    <Panel title="A whole test set" note="The same over many sentences, with 95 % bootstrap intervals.">
      <SplitForm
        splits={splits}
        sentences={50}
        most={500}
        action={["Measure", "Measuring …"]}
        busy={action.busy}
        onAsk={(split, examples) =>
          action.run(async () => setFound(await api.call("explainSplit", { run, split, examples })))
        }
      />
      <Problem text={action.problem} />
      {found && (
        <>
          <table className="readings">
            <thead>
              <tr>
                <th scope="col">over {found.examples} sentences</th>
                <th scope="col">rank correlation</th>
                <th scope="col">same greatest</th>
              </tr>
            </thead>
            <tbody>
              {found.agreements.map(({ of, with: other, correlation, sameGreatest }) => (
                <tr key={`${of} ${other}`}>
                  <th scope="row">
                    {METHOD_NAMES[of]} and {METHOD_NAMES[other]}
                  </th>
                  <td>{correlation ? interval(correlation) : "–"}</td>
                  <td>{interval(sameGreatest)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {found.entropy && (
            <p className="note">Entropy of the attention: {interval(found.entropy)} nats a word.</p>
          )}
          {found.worst.length > 0 && (
            <>
              <h3>Where attention and cause disagree most</h3>
              <ul className="hypotheses">
                {found.worst.map(({ text, output, sameGreatest }) => (
                  <li key={text}>
                    <button type="button" className="link" onClick={() => onPick(text)}>
                      {text}
                    </button>{" "}
                    → {output} <span className="faint">{percent(sameGreatest)} the same</span>
                  </li>
                ))}
              </ul>
            </>
          )}
        </>
      )}
    </Panel>
  );
}
