import { useState } from "react";
import type { AlignmentTrace, ScoreKind } from "../../../src/attention/trace.js";
import { EFFECT, SALIENCE } from "../../../src/explain/method/score-kinds.js";
import type { Explanation, SplitExplanation } from "../../../src/service/protocol.js";
import { Agreements, METHOD_NAMES } from "../panels/agreements.js";
import { ByTask, RunPage, SentenceForm, SplitForm, useExamples } from "../panels/asking.js";
import { Busy, Panel, Problem, percent } from "../panels/basic.js";
import { Matrix } from "../panels/matrix.js";
import { beamOf, Decoded, type WritingInput, writingFrom } from "../panels/steps.js";
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
          key={`${run} ${query.get("text")} ${query.get("image")} ${query.get("writing")}`}
          run={run}
          query={query}
          text={(first) => <One run={run} first={first} writing={writingFrom(query)} />}
          image={(detail, first) => (
            <ExplainImage run={run} detail={detail} first={first} writing={writingFrom(query)} />
          )}
        />
      )}
    </RunPage>
  );
}

function One({
  run,
  first,
  writing,
}: {
  readonly run: string;
  readonly first: string | undefined;
  /** How what is explained is written; what was changed is of the first sentence alone. */
  readonly writing: WritingInput;
}) {
  const api = useApi();
  const { detail, examples } = useExamples(run);
  const [asked, setAsked] = useState<string>();
  const [how, setHow] = useState(writing);
  const text = asked ?? first ?? examples?.[0];
  const explained = useAsked(text === undefined ? undefined : JSON.stringify([run, text, how]), () =>
    api.call("explain", { run, text: text!, ...how }),
  );
  const ask = (sentence: string) => {
    setHow(beamOf(writing));
    setAsked(sentence);
  };
  return (
    <>
      <SentenceForm text={text} examples={examples} action="Explain" onAsk={ask} />
      <Problem text={explained.problem ?? detail.problem} />
      <Busy when={explained.busy && !explained.result} text="Taking words away …" />
      {explained.result && (
        <Maps
          explanation={explained.result}
          onReference={(pieces) => setHow({ words: Object.fromEntries(pieces.entries()) })}
        />
      )}
      {detail.result && (
        <Split
          run={run}
          splits={detail.result.splits}
          onPick={(one) => {
            ask(one);
            scrollTo({ top: 0 });
          }}
        />
      )}
    </>
  );
}

function Maps({
  explanation,
  onReference,
}: {
  readonly explanation: Explanation;
  /** Explains the data's own translation, of these pieces, instead. */
  readonly onReference: (pieces: readonly string[]) => void;
}) {
  const theme = useTheme();
  const { source, target, attention, salience, effect, gold, reference } = explanation;
  const trace = (weights: readonly (readonly number[])[], scores?: ScoreKind): AlignmentTrace => ({
    kind: "alignment",
    source,
    target,
    weights,
    ...(scores && { scores }),
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
      <Decoded decoding={explanation.decoding} />
      {reference && !gold && (
        <p className="note">
          The data has another translation, whose right alignment is known.{" "}
          <button type="button" className="quiet" onClick={() => onReference(reference)}>
            Explain that one
          </button>
        </p>
      )}
      {target.length === 0 && <p className="note">It wrote nothing, so there is nothing to explain.</p>}
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
            note="Gradient that reaches each weight, in nats per unit of attention; the darkest would help most, what would harm is left white."
          >
            <Matrix trace={trace(salience, SALIENCE)} theme={theme} label="Salience" />
          </Panel>
        )}
        <Panel
          title="Causal effect"
          note="How much less likely each word is once a source word and its annotation are masked, in nats."
        >
          <Matrix trace={trace(effect, EFFECT)} theme={theme} label="Causal effect" />
        </Panel>
        {goldWeights && (
          <Panel
            title="Gold"
            note="The alignment the sentence was made with; lighter links are only possible."
          >
            <Matrix trace={trace(goldWeights, { title: "certainty" })} theme={theme} label="Gold alignment" />
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
          <Decoded decoding={found.decoding} />
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
