import { useState } from "react";
import type { RunDetail, SeenImage } from "../../../src/service/protocol.js";
import { AttentionTrajectory, type MapStyle, SpatialMaps } from "../../../src/views/spatial-maps.js";
import { lapseSvg, wordFrames } from "../../../src/views/time-lapse.js";
import { Busy, Panel, Picture, Problem, percent } from "../panels/basic.js";
import { type ChosenImage, ImageForm, MapOver } from "../panels/image.js";
import {
  Alternatives,
  ChangedNote,
  type Changes,
  Decoded,
  Hypotheses,
  useChanges,
  type WritingInput,
  writingQuery,
} from "../panels/steps.js";
import { linkTo, useApi, useAsked, useTheme } from "../state.js";
import { save } from "./runs.js";

/** Seconds each word is shown in a moving picture. */
const WORD_SECONDS = 0.8;

/** What stands for an image in addresses: `test:3`. */
export function imageFrom(text: string | null | undefined): ChosenImage | undefined {
  const [, split, index] = /^([\w-]+):(\d+)$/.exec(text ?? "") ?? [];
  return split === undefined ? undefined : { input: { split, index: Number(index) }, name: text! };
}

const addressOf = ({ input }: ChosenImage): string | undefined =>
  "split" in input ? `${input.split}:${input.index}` : undefined;

/** Captions an image, and shows where each word looked. */
export function SeeImage({
  run,
  detail,
  first,
  beam,
}: {
  readonly run: string;
  readonly detail: RunDetail;
  readonly first: string | undefined;
  readonly beam: number | undefined;
}) {
  const api = useApi();
  const [image, setImage] = useState<ChosenImage | undefined>(() => imageFrom(first));
  const changes = useChanges();
  const [sample, setSample] = useState<number>();
  const hard = detail.settings.configuration.attention === "hard";
  const writing: WritingInput = {
    ...(beam !== undefined && { beam }),
    ...changes.request,
    ...(sample !== undefined && { sample }),
  };
  const key = image && JSON.stringify([run, image.input, writing]);
  const request = (effect: boolean) => api.call("caption", { run, image: image!.input, ...writing, effect });
  const seen = useAsked(key, () => request(false));
  const caused = useAsked(seen.answered === key ? key : undefined, () => request(true));
  const { result } = seen;
  return (
    <>
      <ImageForm
        run={run}
        detail={detail}
        chosen={image}
        onChoose={(one) => {
          changes.reset();
          setImage(one);
        }}
      />
      {hard && (
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
      <Problem text={seen.problem} />
      <Busy when={seen.busy && !result} text="Loading the model …" />
      {result && (
        <Shown
          seen={result}
          effects={caused.answered === key ? caused.result?.steps.map(({ effect }) => effect!) : undefined}
          selected={Math.min(changes.selected, result.steps.length - 1)}
          changes={changes}
          explain={
            image && addressOf(image)
              ? linkTo("explain", run, { image: addressOf(image)!, ...writingQuery(writing) })
              : undefined
          }
        />
      )}
    </>
  );
}

function Shown({
  seen,
  effects,
  selected,
  changes,
  explain,
}: {
  readonly seen: SeenImage;
  readonly effects: readonly (readonly number[])[] | undefined;
  readonly selected: number;
  readonly changes: Changes;
  /** Where this very output is explained; an image that is not of the data has no address. */
  readonly explain: string | undefined;
}) {
  const theme = useTheme();
  const [style, setStyle] = useState<MapStyle>("smooth");
  const [view, setView] = useState<"filmstrip" | "path">("filmstrip");
  const step = seen.steps[selected]!;
  const { trace, grid, gold } = seen;
  const maps = {
    attention: trace?.weights[selected],
    salience: step.salience && rowsOf(positive(step.salience), grid.columns),
    effect: effects?.[selected] && rowsOf(positive(effects[selected]), grid.columns),
  };
  const word = gold?.words[selected];
  return (
    <>
      <p className="output" aria-live="polite" data-milliseconds={Math.round(seen.milliseconds)}>
        {seen.output}
      </p>
      <Decoded decoding={seen.decoding} />
      <ChangedNote changes={changes} />
      {gold && (
        <p className={`verdict ${gold.correct ? "explains" : "does-not"}`}>
          {gold.correct ? "All it says is there, and nothing is left out." : "Not all of this is right."}
        </p>
      )}
      {seen.references.length > 0 && (
        <details>
          <summary>{`As people, or the data, put it (${seen.references.length})`}</summary>
          <ul>
            {seen.references.map((one) => (
              <li key={one}>{one}</li>
            ))}
          </ul>
        </details>
      )}
      <fieldset className="row words" aria-label="Words of the caption">
        {seen.steps.map(({ piece }, index) => (
          <button
            key={index}
            type="button"
            className={index === selected ? "" : "quiet"}
            aria-pressed={index === selected}
            onClick={() => changes.select(index)}
            onPointerEnter={() => changes.select(index)}
          >
            {piece}
          </button>
        ))}
      </fieldset>
      <div className="columns">
        <Panel
          title={`“${step.piece}”`}
          note={
            trace
              ? "Where it looked for this word. Click a place to put all attention there, and see what it says then."
              : "This model sees the image once and has no attention; what its words depend on is measured by covering each place."
          }
        >
          <fieldset className="row" aria-label="How the map is drawn">
            {(["smooth", "grid"] as const).map((one) => (
              <button
                key={one}
                type="button"
                className={style === one ? "" : "quiet"}
                aria-pressed={style === one}
                onClick={() => setStyle(one)}
              >
                {one}
              </button>
            ))}
          </fieldset>
          <div className="maps">
            {maps.attention && (
              <MapOver
                seen={seen}
                weights={maps.attention}
                style={style}
                label={`attention of ${step.piece}`}
                onCell={(cell) =>
                  changes.force(
                    selected,
                    Array.from({ length: grid.rows * grid.columns }, (_, other) => (other === cell ? 1 : 0)),
                  )
                }
              >
                attention
                {word && ` · ${percent(word.mass)} of it on what the word tells of`}
              </MapOver>
            )}
            {maps.salience && (
              <MapOver
                seen={seen}
                weights={maps.salience}
                style={style}
                side={200}
                label={`salience of ${step.piece}`}
              >
                salience: where more attention would help
              </MapOver>
            )}
            {maps.effect ? (
              <MapOver
                seen={seen}
                weights={maps.effect}
                style={style}
                side={trace ? 200 : 320}
                label={`effect on ${step.piece}`}
              >
                causal effect: what it would miss
              </MapOver>
            ) : (
              <p className="busy" aria-live="polite">
                Covering places …
              </p>
            )}
          </div>
          <p className="note">
            {explain ? (
              <a href={explain}>Was it the cause?</a>
            ) : (
              "To ask whether it was the cause, give Explain the same image."
            )}
          </p>
        </Panel>
        <Panel
          title="What else it could have written"
          note={`“${step.piece}” is ${percent(step.probability)} likely.`}
        >
          <Alternatives
            piece={step.piece}
            alternatives={step.alternatives}
            onWrite={(word) => changes.write(selected, word)}
          />
        </Panel>
      </div>
      {trace && (
        <Panel title="Every word">
          <div className="row">
            <button
              type="button"
              className={view === "filmstrip" ? "" : "quiet"}
              aria-pressed={view === "filmstrip"}
              onClick={() => setView("filmstrip")}
            >
              Filmstrip
            </button>
            <button
              type="button"
              className={view === "path" ? "" : "quiet"}
              aria-pressed={view === "path"}
              onClick={() => setView("path")}
            >
              Path
            </button>
            <button
              type="button"
              className="quiet"
              onClick={() =>
                save(
                  new Blob([lapseSvg(wordFrames(trace, seen.output), { theme, seconds: WORD_SECONDS })], {
                    type: "image/svg+xml",
                  }),
                  "attention.svg",
                )
              }
            >
              Download as moving SVG
            </button>
          </div>
          <Picture label="Attention of every word">
            {view === "filmstrip" ? (
              <SpatialMaps trace={trace} theme={theme} style={style} />
            ) : (
              <AttentionTrajectory trace={trace} theme={theme} />
            )}
          </Picture>
        </Panel>
      )}
      <Hypotheses hypotheses={seen.hypotheses} />
    </>
  );
}

const positive = (values: readonly number[]): number[] => values.map((value) => Math.max(0, value));

/** Cells row by row as rows. */
const rowsOf = (cells: readonly number[], columns: number): number[][] =>
  Array.from({ length: cells.length / columns }, (_, row) => cells.slice(row * columns, (row + 1) * columns));
