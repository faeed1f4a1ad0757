import { type ReactNode, useMemo } from "react";
import { decodeTrace, placesOf, type Trace, type TraceLook } from "../../../src/attention/trace.js";
import { EFFECT_LOOK, SALIENCE_LOOK } from "../../../src/service/look-names.js";
import type { Answer } from "../../../src/service/protocol.js";
import { mainPicture, openLook, type Picture, picturesOf } from "../../../src/views/look/look-view.js";
import { isScore } from "../../../src/views/look/shading.js";
import { Decoded } from "./steps.js";

/** What an answer says of where the model looked, sorted by what it is for. */
export interface Looked {
  readonly trace: Trace;
  /** What its steps looked at; absent where the model has no attention. */
  readonly main?: Picture | undefined;
  /** What else there is to see: more heads, gates. */
  readonly others: readonly Picture[];
  /** Attention as one row of weights for each step, of the main picture. */
  readonly attention?: TraceLook | undefined;
  readonly salience?: TraceLook | undefined;
  readonly effect?: TraceLook | undefined;
}

const effectOf = ({ looks }: Trace): TraceLook | undefined => looks.find(({ name }) => name === EFFECT_LOOK);

/** Sorts what an answer says of where a model looked. */
export function lookedOf(trace: Trace): Looked {
  const pictures = picturesOf({ ...trace, looks: trace.looks.filter((look) => !isScore(look)) });
  const found = mainPicture(pictures);
  const main = found && found.title !== "gates" ? found : undefined;
  const attention = main && main.looks[0].kind === "weights" ? openLook(main, undefined) : undefined;
  return {
    trace,
    main,
    others: pictures.filter((picture) => picture !== main),
    attention,
    salience: trace.looks.find(
      ({ name }) => name === SALIENCE_LOOK || name === `${SALIENCE_LOOK} of ${main?.looks[0].name}`,
    ),
    effect: effectOf(trace),
  };
}

/** The same of an answer, and the causal effect from the answer that measured it. */
export const useLooked = (answer: Answer, effects: Answer | undefined): Looked =>
  useMemo(() => {
    const looked = lookedOf(decodeTrace(answer.trace));
    return { ...looked, effect: looked.effect ?? (effects && effectOf(decodeTrace(effects.trace))) };
  }, [answer, effects]);

/** The places that readings of a step are over; those of the effect where nothing weighs any. */
export function readPlaces({ trace, attention, effect }: Looked) {
  const look = attention ?? effect;
  return look && placesOf(trace, look);
}

/** What a model gave, in words: its output, whether it is right, and what it is to be compared with. */
export const Output = ({
  answer: { output, decoding, right, references, unknown, milliseconds },
  children,
}: {
  readonly answer: Answer;
  readonly children?: ReactNode;
}) => (
  <>
    <p className="output" aria-live="polite" data-milliseconds={Math.round(milliseconds)}>
      {output}
    </p>
    <Decoded decoding={decoding} />
    {children}
    {right !== undefined && (
      <p className={`verdict ${right ? "explains" : "does-not"}`}>
        {right ? "This is right." : "This is not right."}
      </p>
    )}
    {unknown.length > 0 && (
      <p className="note">It does not know {unknown.map((one) => `“${one}”`).join(", ")}.</p>
    )}
    {references.length > 0 && (
      <details>
        <summary>{`As people, or the data, put it (${references.length})`}</summary>
        <ul>
          {references.map((one) => (
            <li key={one}>{one}</li>
          ))}
        </ul>
      </details>
    )}
  </>
);
