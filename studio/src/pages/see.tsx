import { useEffect, useState } from "react";
import { type Places, placesOf, type TraceLook } from "../../../src/attention/trace.js";
import type { Answer, Asked, RunDetail } from "../../../src/service/protocol.js";
import { imageAt } from "../../../src/views/look/maps.js";
import { Output, readPlaces, useLooked } from "../panels/answer.js";
import { OfRun, RunPage } from "../panels/asking.js";
import { Busy, capital, Panel, Problem, percent } from "../panels/basic.js";
import { Blocks } from "../panels/blocks.js";
import { firstInput, InputForm, inputFrom, inputQuery, useExamples } from "../panels/input.js";
import { LookPicture, MapControls } from "../panels/look.js";
import { hasNumbers, StepNumbers } from "../panels/numbers.js";
import { PlaceMaps, PlaceTable, WindowFields } from "../panels/reading.js";
import {
  Alternatives,
  ChangedNote,
  type Changes,
  Hypotheses,
  stepFrom,
  useChanges,
  type WritingInput,
  writingFrom,
  writingQuery,
} from "../panels/steps.js";
import { linkTo, useAddress, useApi, useAsked, usePlace } from "../state.js";

export default function See() {
  const { query, visit } = usePlace();
  return (
    <RunPage page="see" title="See">
      {(run) => (
        <OfRun key={`${run} ${visit}`} run={run}>
          {(detail) => <One detail={detail} query={query} />}
        </OfRun>
      )}
    </RunPage>
  );
}

/** Temperatures that words are drawn at. */
const WARMTHS = [0.5, 1, 1.5] as const;

/** A run that is asked. */
export function One({
  detail,
  query,
  isExhibit = false,
}: {
  readonly detail: RunDetail;
  /** What is asked first. */
  readonly query: URLSearchParams;
  /** Whether it is shown in a page of its own telling: it answers while one types, and no other page knows it. */
  readonly isExhibit?: boolean;
}) {
  const api = useApi();
  const run = detail.id;
  const [chosen, setChosen] = useState<Asked | undefined>(() => inputFrom(detail, query));
  // Data may have to be made for its examples: an input that was given is answered before.
  const [answering, setAnswering] = useState(chosen !== undefined);
  const examples = useExamples(detail, { when: !answering });
  const first = writingFrom(query);
  const changes = useChanges(first, stepFrom(query));
  const [sample, setSample] = useState(first.sample);
  const [temperature, setTemperature] = useState(first.temperature);
  const { beam } = first;
  const input = chosen ?? firstInput(detail, examples);
  const writing: WritingInput = {
    ...(beam !== undefined && { beam }),
    ...changes.request,
    ...(sample !== undefined && { sample }),
    ...(temperature !== undefined && { temperature, sample: sample ?? 1 }),
  };
  const key = input && JSON.stringify([run, input, writing]);
  const request = (effect: boolean) => api.call("ask", { run, input: input!, ...writing, effect });
  const seen = useAsked(key, () => request(false));
  // What each place caused takes longer to measure, and follows when the picture is there.
  const caused = useAsked(seen.answered === key ? key : undefined, () => request(true));
  const over = Boolean(seen.problem ?? caused.problem ?? caused.result);
  useEffect(() => {
    if (over) setAnswering(false);
  }, [over]);
  const address = input && inputQuery(detail, input);
  const step = changes.selected > 0 ? { step: String(changes.selected + 1) } : {};
  useAddress(
    isExhibit || !address ? undefined : linkTo("see", run, { ...address, ...writingQuery(writing), ...step }),
  );
  return (
    <>
      <InputForm
        detail={detail}
        examples={examples}
        input={input}
        action="See"
        live={isExhibit}
        onAsk={(one) => {
          changes.reset();
          changes.select(0);
          setChosen(one);
        }}
      />
      {detail.can.beam && (
        <p className="row">
          <label className="row">
            <span>Words</span>
            <select
              value={temperature ?? ""}
              onChange={({ target }) => {
                changes.reset();
                setTemperature(target.value === "" ? undefined : Number(target.value));
                setSample(undefined);
              }}
            >
              <option value="">the likeliest</option>
              {WARMTHS.map((one) => (
                <option key={one} value={one}>{`drawn, temperature ${one}`}</option>
              ))}
            </select>
          </label>
          {temperature !== undefined && (
            <button type="button" className="quiet" onClick={() => setSample((before) => (before ?? 1) + 1)}>
              Draw other words
            </button>
          )}
        </p>
      )}
      {detail.can.sample && (
        <p className="row">
          <button
            type="button"
            className="quiet"
            onClick={() => setSample((before) => (before === undefined ? 1 : before + 1))}
          >
            {sample === undefined ? "Draw the places instead" : "Draw again"}
          </button>
          {sample !== undefined && (
            <button type="button" className="quiet" onClick={() => setSample(undefined)}>
              Look where it is likeliest
            </button>
          )}
        </p>
      )}
      <Problem text={seen.problem ?? caused.problem} />
      <Busy when={seen.busy && !seen.result} text="Loading the model …" />
      {seen.result && (
        <Shown
          answer={seen.result}
          effects={caused.answered === key ? caused.result : undefined}
          changes={changes}
          explain={
            isExhibit ? null : address && linkTo("explain", run, { ...address, ...writingQuery(writing) })
          }
        />
      )}
    </>
  );
}

/** An answer, where it looked, and what may be changed in that. */
export function Shown({
  answer,
  effects,
  changes,
  explain,
}: {
  readonly answer: Answer;
  /** The same with the causal effect of every place, once it is measured. */
  readonly effects: Answer | undefined;
  readonly changes: Changes;
  /** Where this very output is explained; an image that is not of the data has no address. Null where nothing explains. */
  readonly explain: string | undefined | null;
}) {
  const looked = useLooked(answer, effects);
  const { trace, main, others, attention, salience, effect } = looked;
  const { steps, changeable } = answer;
  const selected = Math.max(0, Math.min(changes.selected, steps.length - 1));
  const step = steps[selected];
  /** What a step wrote; where steps have names of their own, those before it. */
  const stepTitle = (index: number): string => {
    const [label, { piece, alternatives }] = [trace.steps[index]?.label, steps[index]!];
    return alternatives || label === undefined || label === piece ? piece : `${label}: ${piece}`;
  };
  const places = readPlaces(looked);
  /** What a look goes over, with the picture of the step where each has its own, as frames of a film do. */
  const placesAt = (look: TraceLook): Places => {
    const found = placesOf(trace, look);
    const image = imageAt(trace, look, selected);
    return found.kind === "grid" && image ? { ...found, image } : found;
  };
  // Where pictures are narrow they stand beside the step; maps of every step are wide, and come after those of one.
  const over = main ? main.title : places?.kind === "grid" ? "spatial" : "alignment";
  const beside = over === "alignment" || over === "heads" || over === "gates";
  const below = over === "spatial";
  const onForce = changes.force;
  const forces = attention && changeable.includes(attention.name) ? onForce : undefined;
  const picture = main && (
    <Panel
      title={below ? "Every step" : "What it looked at"}
      note={
        changeable.includes(main.looks[0].name)
          ? steps.length > 0
            ? "Click a step to look at it; drag to force its attention elsewhere."
            : "Click a head to open it; drag within a row to force its attention elsewhere."
          : undefined
      }
    >
      <LookPicture
        trace={trace}
        picture={main}
        label={below ? "Attention of every step" : main.heading}
        selected={selected}
        onSelect={changes.select}
        onForce={onForce}
        changeable={changeable}
      />
    </Panel>
  );
  const window = main?.looks[0].kind === "windows" ? main.looks[0] : undefined;
  const reading = places &&
    step && {
      places,
      attention,
      salience,
      effect,
      // What is taken away is of the input, which need not be what was looked at: a memory's slots are none.
      elsewhere: attention !== undefined && effect !== undefined && effect.over !== attention.over,
      step: selected,
      piece: step.piece,
    };
  return (
    <>
      <Output answer={answer}>
        <ChangedNote changes={changes} />
      </Output>
      <Blocks blocks={answer.blocks} />
      {!beside && steps.length > 1 && (
        <fieldset className="row words" aria-label="Steps">
          {steps.map((_, index) => (
            <button
              key={index}
              type="button"
              className={index === selected ? "" : "quiet"}
              aria-pressed={index === selected}
              onClick={() => changes.select(index)}
              onPointerEnter={() => changes.select(index)}
            >
              {stepTitle(index)}
            </button>
          ))}
        </fieldset>
      )}
      {!beside && !below && picture}
      <div className="columns">
        {beside && picture}
        {!main && others.map((one) => <Other key={one.name} trace={trace} picture={one} />)}
        {step && (
          <Panel
            title={
              stepTitle(selected) === step.piece
                ? `Step ${selected + 1}: “${step.piece}”`
                : stepTitle(selected)
            }
            note={step.probability !== undefined && `${percent(step.probability)} likely.`}
          >
            {steps.length > 1 && (
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
                  disabled={selected === steps.length - 1}
                  onClick={() => changes.select(selected + 1)}
                >
                  Step on
                </button>
                {places?.kind === "grid" && <MapControls />}
              </div>
            )}
            {beside && step.alternatives && (
              <>
                <h3>What else it could have written</h3>
                <Alternatives
                  piece={step.piece}
                  alternatives={step.alternatives}
                  onWrite={(word) => changes.write(selected, word)}
                />
              </>
            )}
            {!main && (
              <p className="note">
                This model has no attention; what it depends on is measured by taking each place away.
              </p>
            )}
            {window && selected < window.shape[0] && (
              <WindowFields
                key={`${selected} ${window.data[selected * window.shape[1] * 4]}`}
                look={window}
                step={selected}
                onForce={changeable.includes(window.name) ? onForce : undefined}
              />
            )}
            {reading &&
              (places.kind === "grid" ? (
                <>
                  {forces && (
                    <p className="note">
                      Click a place to put all attention there, and see what it says then.
                    </p>
                  )}
                  <PlaceMaps {...reading} placesAt={placesAt} onForce={forces} mass={step.looked?.mass} />
                </>
              ) : (
                <>
                  <h3>{attention ? "What it looked at, and what that was worth" : "What it depends on"}</h3>
                  <PlaceTable {...reading} onForce={forces} />
                </>
              ))}
            {places && explain !== null && (
              <p className="note">
                {explain ? (
                  <a href={explain}>Was it the cause?</a>
                ) : (
                  "To ask whether it was the cause, give Explain the same input."
                )}
              </p>
            )}
          </Panel>
        )}
        {!beside && step?.alternatives && (
          <Panel title="What else it could have written">
            <Alternatives
              piece={step.piece}
              alternatives={step.alternatives}
              onWrite={(word) => changes.write(selected, word)}
            />
          </Panel>
        )}
      </div>
      {below && picture}
      {attention && places && places.kind !== "grid" && step && hasNumbers(attention) && (
        <StepNumbers look={attention} places={places} step={selected} title={stepTitle(selected)} />
      )}
      {main && others.map((one) => <Other key={one.name} trace={trace} picture={one} />)}
      <Hypotheses hypotheses={answer.hypotheses} />
    </>
  );
}

/** Something else there is to see: what heads of a layer that reads looked at, gates. */
const Other = ({ trace, picture }: Pick<Parameters<typeof LookPicture>[0], "trace" | "picture">) => (
  <Panel title={picture.heading} note={picture.name === picture.title ? undefined : capital(picture.name)}>
    <LookPicture trace={trace} picture={picture} label={picture.heading} />
  </Panel>
);
