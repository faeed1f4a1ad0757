import { useMemo, useState } from "react";
import { decodeTrace, lookOfRows, placesOf, type Trace } from "../../../src/attention/trace.js";
import { EFFECT_LOOK, SALIENCE_LOOK } from "../../../src/service/look-names.js";
import type { Asked, Explanation, RunDetail, SplitExplanation } from "../../../src/service/protocol.js";
import { type Picture, picturesOf } from "../../../src/views/look/look-view.js";
import { Agreements, METHOD_NAMES } from "../panels/agreements.js";
import { OfRun, RunPage, SplitForm } from "../panels/asking.js";
import { Busy, capital, Panel, Problem, percent } from "../panels/basic.js";
import { firstInput, InputForm, inputFrom, inputQuery, textInput, useExamples } from "../panels/input.js";
import { LookPicture } from "../panels/look.js";
import { beamOf, Decoded, type WritingInput, writingFrom, writingQuery } from "../panels/steps.js";
import { Told } from "../panels/told.js";
import { linkTo, useAction, useAddress, useApi, useAsked, usePlace } from "../state.js";

export default function Explain() {
  const { query, visit } = usePlace();
  return (
    <RunPage
      page="explain"
      title="Explain"
      lead="A map shows where a model looked. Whether that made it write what it wrote is another question: here both are measured, side by side."
    >
      {(run) => (
        <OfRun key={`${run} ${visit}`} run={run}>
          {(detail) => <One detail={detail} query={query} />}
        </OfRun>
      )}
    </RunPage>
  );
}

/** A run that is explained. */
export function One({
  detail,
  query,
  isExhibit = false,
}: {
  readonly detail: RunDetail;
  readonly query: URLSearchParams;
  /** Whether it is shown in a page of its own telling, whose address is not of its run. */
  readonly isExhibit?: boolean;
}) {
  const api = useApi();
  const run = detail.id;
  const examples = useExamples(detail);
  const [chosen, setChosen] = useState<Asked | undefined>(() => inputFrom(detail, query));
  // What was changed was changed in the output of the input of the address alone.
  const [how, setHow] = useState<WritingInput>(() => writingFrom(query));
  const input = chosen ?? firstInput(detail, examples);
  const address = input && inputQuery(detail, input);
  useAddress(
    address && !isExhibit ? linkTo("explain", run, { ...address, ...writingQuery(how) }) : undefined,
  );
  const explained = useAsked(input && JSON.stringify([run, input, how]), () =>
    api.call("explain", { run, input: input!, ...how }),
  );
  const ask = (one: Asked) => {
    setHow(beamOf(how));
    setChosen(one);
  };
  return (
    <>
      <InputForm detail={detail} examples={examples} input={input} action="Explain" onAsk={ask} />
      <Problem text={explained.problem} />
      <Busy when={explained.busy && !explained.result} text={`Taking each ${detail.words.place} away …`} />
      {explained.result && (
        <Maps
          explanation={explained.result}
          cause={detail.words.cause}
          onReference={(pieces) => setHow({ words: Object.fromEntries(pieces.entries()) })}
        />
      )}
      <Split
        detail={detail}
        onPick={(text) => {
          const one = textInput(detail, text);
          if (one) ask(one);
          scrollTo({ top: 0 });
        }}
      />
    </>
  );
}

/** The look that gold alignments are drawn as. */
const GOLD = "certainty";

/** What each look says, by its name; any other is attention. */
const NOTES: Readonly<Record<string, string>> = {
  [SALIENCE_LOOK]:
    "Gradient that reaches each weight, in nats per unit of attention: where more attention would help most.",
  [EFFECT_LOOK]: "How much less likely each decision is once a place is taken away, in nats.",
  [GOLD]: "The alignment the example was made with; lighter links are only possible.",
};

/** The trace of an explanation, with what is right as one more look over the places that effects are known of. */
function withGold({ trace, truth }: Explanation): Trace {
  const decoded = decodeTrace(trace);
  const effect = decoded.looks.find(({ name }) => name === EFFECT_LOOK);
  if (!truth?.gold || !effect) return decoded;
  const [rows, , places] = effect.shape;
  const links = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: places }, (__, place) => {
      const link = truth.gold!.find(({ source, target }) => source === place && target === row);
      return link ? (link.sure ? 1 : 0.35) : 0;
    }),
  );
  const gold = lookOfRows(links, { name: GOLD, over: effect.over, kind: "weights", unit: "" });
  return { ...decoded, looks: [...decoded.looks, gold] };
}

/** What a picture shows, in a sentence: of several looks, each has a salience of its own. */
const noteOf = ({ name, looks: [{ unit }] }: Picture): string =>
  NOTES[name] ?? (unit === undefined ? "Where it looked." : NOTES[SALIENCE_LOOK]!);

/** What an output depends on, by every method that there is. */
export function Maps({
  explanation,
  cause,
  onReference,
}: {
  readonly explanation: Explanation;
  /** What a place is called that may be a cause. */
  readonly cause: string;
  /** Explains the data's own output, of these pieces, instead. */
  readonly onReference?: (pieces: readonly string[]) => void;
}) {
  const trace = useMemo(() => withGold(explanation), [explanation]);
  const pictures = useMemo(() => picturesOf(trace), [trace]);
  const { output, decoding, pieces, truth, verdict, agreements, further } = explanation;
  const narrow = pictures.every(({ looks: [look] }) => placesOf(trace, look).kind === "tokens");
  return (
    <>
      <p className="output">{output}</p>
      <Decoded decoding={decoding} />
      {onReference && truth?.reference && !truth.gold && (
        <p className="note">
          The data has another output, whose right alignment is known.{" "}
          <button type="button" className="quiet" onClick={() => onReference(truth.reference!)}>
            Explain that one
          </button>
        </p>
      )}
      {pieces.length === 0 && <p className="note">It wrote nothing, so there is nothing to explain.</p>}
      {verdict && <p className={`verdict ${verdict.verdict.replace(" ", "-")}`}>{verdict.sentence}</p>}
      <div className={narrow ? "columns" : ""}>
        {pictures.map((picture) => {
          const title = picture.name === GOLD ? "Gold" : capital(picture.name);
          return (
            <Panel
              key={picture.name}
              title={title}
              note={picture.name in further ? `${capital(further[picture.name]!)}.` : noteOf(picture)}
            >
              <LookPicture trace={trace} picture={picture} label={title} />
            </Panel>
          );
        })}
      </div>
      {agreements.length > 0 && <Agreements agreements={agreements} greatest={cause} />}
    </>
  );
}

const interval = (value: { mean: number; low: number; high: number }): string =>
  `${value.mean.toFixed(2)} (${value.low.toFixed(2)} to ${value.high.toFixed(2)})`;

function Split({ detail, onPick }: { readonly detail: RunDetail; readonly onPick: (text: string) => void }) {
  const api = useApi();
  const [found, setFound] = useState<SplitExplanation>();
  const action = useAction();
  const many = `${detail.words.example}s`;
  return (
    <Panel title="A whole test set" note={`The same over many ${many}, with 95 % bootstrap intervals.`}>
      <SplitForm
        splits={detail.splits}
        count={50}
        most={500}
        unit={capital(many)}
        action={["Measure", "Measuring …"]}
        busy={action.busy}
        onAsk={(split, examples) =>
          action.run(async () =>
            setFound(await api.call("explainSplit", { run: detail.id, split, examples })),
          )
        }
      />
      <Problem text={action.problem} />
      {found && (
        <>
          <table className="readings">
            <thead>
              <tr>
                <th scope="col">{`over ${found.examples} ${many}`}</th>
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
            <p className="note">
              <Told
                text={`Entropy of the attention: ${interval(found.entropy)} nats a ${detail.words.decision}.`}
              />
            </p>
          )}
          {found.worst.length > 0 && (
            <>
              <h3>Where attention and cause disagree most</h3>
              <ul className="hypotheses">
                {found.worst.map(({ text, output, sameGreatest }, index) => (
                  <li key={index}>
                    {textInput(detail, text) ? (
                      <button type="button" className="link" onClick={() => onPick(text)}>
                        {text}
                      </button>
                    ) : (
                      text
                    )}{" "}
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
