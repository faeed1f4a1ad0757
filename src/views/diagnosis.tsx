import type { ReactElement } from "react";
import type { SpatialTrace } from "../attention/trace.js";
import { AttendedImage } from "./spatial-maps.js";

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
    readonly trace: SpatialTrace;
  }[];
}

const SIDE = 160;

/** The mean of what some words looked at, as one step of a trace. */
function meanTrace(trace: SpatialTrace, words: readonly number[]): SpatialTrace {
  const chosen = words.filter((word) => trace.weights[word]);
  if (chosen.length === 0) return trace;
  const { rows, columns } = trace.grid;
  const mean = Array.from({ length: rows }, (_, row) =>
    Array.from(
      { length: columns },
      (__, column) =>
        chosen.reduce((sum, word) => sum + trace.weights[word]![row]![column]!, 0) / chosen.length,
    ),
  );
  return { ...trace, words: [chosen.map((word) => trace.words[word]).join(" ")], weights: [mean] };
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
  const { trace, mistakes, output, references } = image;
  const height = Math.round((SIDE * trace.image.height) / trace.image.width);
  const own = mistakes.filter((mistake) => mistake.kind === kind);
  const words = own.flatMap((mistake) => mistake.words);
  const looked = words.length > 0 && trace.weights.length > 0 ? meanTrace(trace, words) : undefined;
  const name = `mistake-${kind.replace(/\W/g, "-")}-${image.index}`;
  return (
    <article className="mistake">
      <div className="mistake-images">
        <svg viewBox={`0 0 ${SIDE} ${height}`} width={SIDE} height={height} role="img">
          <title>{`the image ${image.name}`}</title>
          <AttendedImage trace={trace} side={SIDE} name={`${name}-plain`} />
        </svg>
        {looked && (
          <svg viewBox={`0 0 ${SIDE} ${height}`} width={SIDE} height={height} role="img">
            <title>
              {maps === "attention"
                ? `where “${looked.words[0]}” looked`
                : `what “${looked.words[0]}” depends on`}
            </title>
            <AttendedImage trace={looked} step={0} side={SIDE} name={`${name}-looked`} />
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
