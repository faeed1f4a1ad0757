import { useState } from "react";
import type { ImageExplanation, RunDetail } from "../../../src/service/protocol.js";
import { SpatialMaps } from "../../../src/views/spatial-maps.js";
import { Agreements } from "../panels/agreements.js";
import { Busy, Panel, Picture, Problem } from "../panels/basic.js";
import { type ChosenImage, ImageForm } from "../panels/image.js";
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
}: {
  readonly run: string;
  readonly detail: RunDetail;
  readonly first: string | undefined;
}) {
  const api = useApi();
  const [image, setImage] = useState<ChosenImage | undefined>(() => imageFrom(first));
  const explained = useAsked(image && JSON.stringify([run, image.input]), () =>
    api.call("explainImage", { run, image: image!.input }),
  );
  return (
    <>
      <ImageForm run={run} detail={detail} chosen={image} onChoose={setImage} />
      <Problem text={explained.problem} />
      <Busy when={explained.busy && !explained.result} text="Covering places …" />
      {explained.result && <Maps explanation={explained.result} />}
    </>
  );
}

function Maps({ explanation }: { readonly explanation: ImageExplanation }) {
  const theme = useTheme();
  const { output, maps, verdict, agreements } = explanation;
  return (
    <>
      <p className="output">{output}</p>
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
