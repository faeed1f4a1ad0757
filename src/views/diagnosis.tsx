import type { ReactElement } from "react";
import { decodeTrace, rowOf, type Trace, type TraceJson } from "../attention/trace.js";
import { type GridPlaces, heightOf, MapOver, SCALE_BELOW, ScaledMap } from "./look/maps.js";

/** A diagnosis as views take it. */
export interface DiagnosisView {
  readonly examples: number;
  readonly wrong: number;
  readonly by: "gold" | "references";
  readonly maps: "attention" | "effect";
  readonly kinds: readonly { readonly kind: string; readonly title: string; readonly images: number }[];
  readonly images: readonly {
    readonly index: number;
    readonly name: string;
    readonly output: string;
    readonly references: readonly string[];
    readonly mistakes: readonly {
      readonly kind: string;
      readonly words: readonly number[];
      readonly sentence: string;
    }[];
    readonly trace: TraceJson;
  }[];
}

const SIDE = 160;

/** The mean of what some words looked at, and what they are; undefined where none of them looked. */
function meanOf({ looks: [look], steps }: Trace, words: readonly number[]) {
  const chosen = words.filter((word) => look && word < look.shape[0]);
  if (!look || chosen.length === 0) return undefined;
  const values = new Float32Array(look.shape[2]);
  for (const word of chosen)
    rowOf(look, word).forEach((value, place) => {
      values[place]! += value / chosen.length;
    });
  return { text: chosen.map((word) => steps[word]!.label).join(" "), values };
}

/** One wrong caption: the image, where its wrong words looked, and what is wrong. */
export function MistakeCard({
  image,
  kind,
  maps,
}: {
  readonly image: DiagnosisView["images"][number];
  readonly kind: string;
  readonly maps: DiagnosisView["maps"];
}): ReactElement {
  const { mistakes, output, references } = image;
  const trace = decodeTrace(image.trace);
  const places = trace.places.source as GridPlaces;
  const height = heightOf(places.image, SIDE);
  const scaled = height + SCALE_BELOW;
  const own = mistakes.filter((mistake) => mistake.kind === kind);
  const words = own.flatMap((mistake) => mistake.words);
  const looked = meanOf(trace, words);
  const name = `mistake-${kind.replace(/\W/g, "-")}-${image.index}`;
  return (
    <article className="mistake">
      <div className="mistake-images">
        <svg viewBox={`0 0 ${SIDE} ${height}`} width={SIDE} height={height} role="img">
          <title>{`the image ${image.name}`}</title>
          <MapOver places={places} side={SIDE} name={`${name}-plain`} />
        </svg>
        {looked && (
          <svg viewBox={`0 0 ${SIDE} ${scaled}`} width={SIDE} height={scaled} role="img">
            <title>
              {maps === "attention" ? `where “${looked.text}” looked` : `what “${looked.text}” depends on`}
            </title>
            <ScaledMap
              places={places}
              look={trace.looks[0]!}
              values={looked.values}
              side={SIDE}
              name={`${name}-looked`}
            />
          </svg>
        )}
      </div>
      <p className="mistake-output">{output}</p>
      <ul>
        {own.map(({ sentence }) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      <p className="mistake-reference">{`for example: ${references[0] ?? ""}`}</p>
    </article>
  );
}

/** The mistakes of a captioner, a section for each kind. */
export function DiagnosisReport({ diagnosis }: { readonly diagnosis: DiagnosisView }): ReactElement {
  const { wrong, examples, by, maps, kinds, images } = diagnosis;
  return (
    <>
      <p>
        {`${wrong} of ${examples} captions have a mistake, ${
          by === "gold" ? "by what is in the images" : "by the captions that people gave"
        }. Beside each image is ${
          maps === "attention" ? "where its wrong words looked" : "what its wrong words depend on"
        }.`}
      </p>
      {kinds.map(({ kind, title, images: count }) => {
        const shown = images.filter(({ mistakes }) => mistakes.some((mistake) => mistake.kind === kind));
        return (
          <section key={kind}>
            <h2>{`${title} (${count})`}</h2>
            {count > shown.length && <p>{`The worst ${shown.length} are shown.`}</p>}
            <div className="mistakes">
              {shown.map((image) => (
                <MistakeCard key={image.index} image={image} kind={kind} maps={maps} />
              ))}
            </div>
          </section>
        );
      })}
    </>
  );
}
