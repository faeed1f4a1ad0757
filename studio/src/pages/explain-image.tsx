import { useState } from "react";
import type { ImageExplanation, RunDetail } from "../../../src/service/protocol.js";
import { SpatialMaps } from "../../../src/views/spatial-maps.js";
import { Agreements } from "../panels/agreements.js";
import { Busy, Panel, Picture, Problem } from "../panels/basic.js";
import { type ChosenImage, ImageForm } from "../panels/image.js";
import { beamOf, Decoded, type WritingInput } from "../panels/steps.js";
import { useApi, useAsked, useTheme } from "../state.js";
import { imageFrom } from "./see-image.js";

const NOTES = {
  attention: ["Attention", "Where it looked."],
  salience: [
    "Salience",
    "Where more attention would make the word likelier, by the gradient that reaches it.",
  ],
  effect: ["Causal effect", "Where covering the image makes the word less likely."],
} as const;

/** Attention, salience and causal effect of an image's caption, side by side. */
export function ExplainImage({
  run,
  detail,
  first,
  writing,
}: {
  readonly run: string;
  readonly detail: RunDetail;
  readonly first: string | undefined;
  /** How what is explained is written; for the image of the address alone where something was changed. */
  readonly writing: WritingInput;
}) {
  const api = useApi();
  const [image, setImage] = useState<ChosenImage | undefined>(() => imageFrom(first));
  const [asked, setAsked] = useState(writing);
  const explained = useAsked(image && JSON.stringify([run, image.input, asked]), () =>
    api.call("explainImage", { run, image: image!.input, ...asked }),
  );
  return (
    <>
      <ImageForm
        run={run}
        detail={detail}
        chosen={image}
        onChoose={(one) => {
          // What was changed was changed in the caption of one image.
          setAsked(beamOf(writing));
          setImage(one);
        }}
      />
      <Problem text={explained.problem} />
      <Busy when={explained.busy && !explained.result} text="Covering places …" />
      {explained.result && <Maps explanation={explained.result} />}
    </>
  );
}

function Maps({ explanation }: { readonly explanation: ImageExplanation }) {
  const theme = useTheme();
  const { output, decoding, words, maps, verdict, agreements } = explanation;
  return (
    <>
      <p className="output">{output}</p>
      <Decoded decoding={decoding} />
      {words.length === 0 && <p className="note">It wrote nothing, so there is nothing to explain.</p>}
      {verdict && <p className={`verdict ${verdict.verdict.replace(" ", "-")}`}>{verdict.sentence}</p>}
      {maps.map(({ method, trace }) => (
        <Panel key={method} title={NOTES[method][0]} note={NOTES[method][1]}>
          <Picture label={NOTES[method][0]}>
            <SpatialMaps trace={trace} theme={theme} />
          </Picture>
        </Panel>
      ))}
      {agreements.length > 0 && <Agreements agreements={agreements} greatest="place" />}
    </>
  );
}
