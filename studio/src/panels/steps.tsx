import { useState } from "react";
import { type Decoding, decodingText } from "../../../src/decode/decoding.js";
import type { Answer, Choice, RequestInputs } from "../../../src/service/protocol.js";
import { Panel, percent } from "./basic.js";

/** Changes up to a step: what was changed after it was changed in another output. */
const upTo = <Value,>(changes: Readonly<Record<string, Value>>, step: number): Record<string, Value> =>
  Object.fromEntries(Object.entries(changes).filter(([at]) => Number(at) <= step));

/** Rows of one look by step. */
type Rows = Readonly<Record<string, readonly number[]>>;

/**
 * Words and looks that a reader puts in place of the model's own, by step, and the step that is looked at.
 * @param first those to begin with, and the step, as an address has them
 */
export function useChanges(first: WritingInput = {}, step = 0) {
  const [words, setWords] = useState((first.words ?? {}) as Readonly<Record<string, string>>);
  const [looks, setLooks] = useState((first.looks ?? {}) as Readonly<Record<string, Rows>>);
  const [selected, select] = useState(step);
  const looksUpTo = (before: Readonly<Record<string, Rows>>, step: number) =>
    Object.fromEntries(
      Object.entries(before)
        .map(([name, rows]) => [name, upTo(rows, step)] as const)
        .filter(([, rows]) => Object.keys(rows).length > 0),
    );
  return {
    selected,
    select,
    changed: Object.keys(words).length + Object.keys(looks).length > 0,
    /** The changes as a request takes them. */
    request: { words, looks } as unknown as Pick<RequestInputs["ask"], "words" | "looks">,
    /** Writes this word at a step. */
    write(step: number, word: string) {
      setWords((before) => ({ ...upTo(before, step), [step]: word }));
      setLooks((before) => looksUpTo(before, step));
      select(step);
    },
    /** Uses these numbers as a row of a look instead of the model's own. */
    force(look: string, step: number, row: readonly number[]) {
      setLooks((before) => {
        const kept = looksUpTo(before, step);
        return { ...kept, [look]: { ...kept[look], [step]: row } };
      });
      setWords((before) => upTo(before, step - 1));
      select(step);
    },
    reset() {
      setWords({});
      setLooks({});
    },
  };
}

export type Changes = ReturnType<typeof useChanges>;

/** How an output is to be written, as requests take it. */
export type WritingInput = Partial<
  Pick<RequestInputs["ask"], "beam" | "words" | "looks" | "sample" | "temperature">
>;

/** How an output is written as the part of an address, so that another page tells of the same output. */
export const writingQuery = (writing: WritingInput): Record<string, string> => {
  const told = Object.entries(writing).filter(
    ([, value]) => value !== undefined && (typeof value !== "object" || Object.keys(value).length > 0),
  );
  return told.length > 0 ? { writing: JSON.stringify(Object.fromEntries(told)) } : {};
};

/** The same from an address. What is no such thing is left to the request to refuse. */
export function writingFrom(query: URLSearchParams): WritingInput {
  try {
    const found: unknown = JSON.parse(query.get("writing") ?? "{}");
    return typeof found === "object" && found !== null ? found : {};
  } catch {
    return {};
  }
}

/** The step that an address names, counted from 1, as it is counted here. */
export const stepFrom = (query: URLSearchParams): number =>
  Math.max(0, Math.trunc(Number(query.get("step") ?? 1)) - 1) || 0;

/** How it is written where nothing is changed. */
export const beamOf = ({ beam }: WritingInput): WritingInput => (beam === undefined ? {} : { beam });

/** Says how an output was written. */
export const Decoded = ({ decoding }: { readonly decoding: Decoding | undefined }) =>
  decoding ? <p className="note decoding">{`Decoding: ${decodingText(decoding)}.`}</p> : null;

/** Says that an output is that of the reader's changes, and takes them back. */
export const ChangedNote = ({ changes }: { readonly changes: Changes }) =>
  changes.changed ? (
    <p className="warning">
      This is what it says with your changes.{" "}
      <button type="button" className="quiet" onClick={changes.reset}>
        Undo them
      </button>
    </p>
  ) : null;

/** The likeliest words of a step; another than the one that was written can be written instead. */
export const Alternatives = ({
  piece: written,
  alternatives,
  onWrite,
}: {
  readonly piece: string;
  readonly alternatives: readonly Choice[];
  readonly onWrite: (word: string) => void;
}) => (
  <ul className="bars">
    {alternatives.map(({ piece, probability }) => (
      <li key={piece}>
        <button
          type="button"
          className="quiet"
          disabled={piece === written}
          title="Write this instead and go on"
          onClick={() => onWrite(piece)}
        >
          {piece}
        </button>
        <meter min={0} max={1} value={probability} aria-label={`probability of ${piece}`} />
        <span>{percent(probability)}</span>
      </li>
    ))}
  </ul>
);

/** What the beam held, where it held more than one. */
export const Hypotheses = ({ hypotheses }: Pick<Answer, "hypotheses">) =>
  hypotheses.length > 1 ? (
    <Panel
      title="Hypotheses of the beam"
      note="Best first, by the mean log-probability of a token, the end included."
    >
      <ol className="hypotheses">
        {hypotheses.map(({ output, score }, index) => (
          <li key={index}>
            {output} <span className="faint">{score.toFixed(3)} nats a token</span>
          </li>
        ))}
      </ol>
    </Panel>
  ) : null;
