import { useEffect, useState } from "react";
import { RunPage } from "../panels/asking.js";
import { afterStep, Panel, save } from "../panels/basic.js";
import { Losses } from "../panels/losses.js";
import { WatchedPicture, watchedDrawing, watchedName } from "../panels/trace.js";
import { useTheme, useWatched } from "../state.js";

export default function TimeLapse() {
  return (
    <RunPage page="time-lapse" title="Time-lapse">
      {(run) => <Lapse key={run} run={run} />}
    </RunPage>
  );
}

/** Milliseconds a frame is shown. */
const FRAME = 400;

function Lapse({ run }: { readonly run: string }) {
  const theme = useTheme();
  const { traces, metrics, validations, state } = useWatched(run);
  const [sample, setSample] = useState(0);
  const [at, setAt] = useState<number>();
  const [playing, setPlaying] = useState(false);
  const last = traces.length - 1;
  const index = Math.min(at ?? last, last);
  useEffect(() => {
    if (!playing) return;
    const timer = setInterval(() => {
      setAt((before) => {
        const next = (before ?? 0) + 1;
        if (next >= last) setPlaying(false);
        return Math.min(next, last);
      });
    }, FRAME);
    return () => clearInterval(timer);
  }, [playing, last]);
  if (last < 0)
    return (
      <p className="note">
        {state === "training"
          ? "Attention is kept from before the first step on; it is still to come, if the model has any."
          : "This run has kept no attention: its model has none."}
      </p>
    );
  const { step, traces: samples } = traces[index]!;
  const validation = validations.find((one) => one.step === step)?.validation;
  return (
    <>
      <Panel title={afterStep(step)} note={validation && `Validation loss ${validation.loss.toFixed(3)}.`}>
        <div className="row">
          <button
            type="button"
            onClick={() => {
              if (!playing && index === last) setAt(0);
              setPlaying(!playing);
            }}
          >
            {playing ? "Pause" : "Play"}
          </button>
          <label className="field wide">
            <span>Step</span>
            <input
              type="range"
              min={0}
              max={last}
              value={index}
              aria-valuetext={`step ${step}`}
              onChange={({ target }) => {
                setPlaying(false);
                setAt(target.valueAsNumber);
              }}
            />
          </label>
          <label className="field">
            <span>Example</span>
            <select value={sample} onChange={({ target }) => setSample(Number(target.value))}>
              {samples.map((one, position) => (
                <option key={position} value={position}>
                  {watchedName(one)}
                </option>
              ))}
            </select>
          </label>
          <button
            type="button"
            className="quiet"
            onClick={async () => {
              const { movingSvg } = await import("../../../src/views/look/render.js");
              const [first, ...rest] = traces.flatMap((one) =>
                watchedDrawing(one.traces[sample]!, { theme, title: `step ${one.step}` }),
              );
              if (first)
                save(
                  new Blob([movingSvg([first, ...rest], FRAME / 1000)], { type: "image/svg+xml" }),
                  `${run}.svg`,
                );
            }}
          >
            Download as animated SVG
          </button>
        </div>
        <WatchedPicture watched={samples[sample]!} label={`Attention after step ${step}`} />
      </Panel>
      <Losses metrics={metrics} validations={validations} at={step} />
    </>
  );
}
