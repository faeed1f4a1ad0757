import { useState } from "react";
import { type Decoding, decodingText } from "../../../src/decode/decoding.js";
import type { Choice, RequestInputs, Seen } from "../../../src/service/protocol.js";
import { Panel, percent } from "./basic.js";

/** Changes up to a step: what was changed after it was changed in another output. */
const upTo = <Value,>(changes: Readonly<Record<string, Value>>, step: number): Record<string, Value> =>
  Object.fromEntries(Object.entries(changes).filter(([at]) => Number(at) <= step));

/** Words and attention that a reader puts in place of the model's own, by step, and the step that is looked at. */
export function useChanges() {
  const [words, setWords] = useState<Readonly<Record<string, string>>>({});
  const [attention, setAttention] = useState<Readonly<Record<string, readonly number[]>>>({});
  const [selected, select] = useState(0);
  return {
    words,
    attention,
    selected,
    select,
    changed: Object.keys(words).length + Object.keys(attention).length > 0,
    /** The changes as a request takes them. */
    request: {
      words,
      attention: Object.fromEntries(Object.entries(attention).map(([step, row]) => [step, [...row]])),
    },
    /** Writes this word at a step. */
    write(step: number, word: string) {
      setWords((before) => ({ ...upTo(before, step), [step]: word }));
      setAttention((before) => upTo(before, step));
      select(step);
    },
    /** Uses these weights at a step instead of the model's own. */
    force(step: number, row: readonly number[]) {
      setAttention((before) => ({ ...upTo(before, step), [step]: row }));
      setWords((before) => upTo(before, step - 1));
      select(step);
    },
    reset() {
      setWords({});
      setAttention({});
    },
  };
}

export type Changes = ReturnType<typeof useChanges>;

/** How an output is to be written, as requests take it. */
export type WritingInput = Partial<Pick<RequestInputs["caption"], "beam" | "words" | "attention" | "sample">>;

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

/** How it is written where nothing is changed. */
export const beamOf = ({ beam }: WritingInput): WritingInput => (beam === undefined ? {} : { beam });

/** Says how an output was written. */
export const Decoded = ({ decoding }: { readonly decoding: Decoding }) => (
  <p className="note decoding">{`Decoding: ${decodingText(decoding)}.`}</p>
);

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
export const Hypotheses = ({ hypotheses }: Pick<Seen, "hypotheses">) =>
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
