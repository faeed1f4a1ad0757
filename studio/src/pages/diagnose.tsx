import { useState } from "react";
import type { RunDetail } from "../../../src/service/protocol.js";
import type { Diagnosis } from "../../../src/task/contract.js";
import { MistakeCard } from "../../../src/views/diagnosis.js";
import { OfRun, RunPage, SplitForm } from "../panels/asking.js";
import { Busy, capital, Panel, Problem } from "../panels/basic.js";
import { Decoded, writingQuery } from "../panels/steps.js";
import { linkTo, useAction, useApi } from "../state.js";

export default function Diagnose() {
  return (
    <RunPage
      page="diagnose"
      title="Diagnose"
      fits={({ groupsMistakes }) => groupsMistakes}
      lead="Why are wrong captions wrong? Each mistake is put with its kind: it looked at the wrong thing, it looked right and named wrongly, it left something out, or it made something up."
    >
      {(run) => (
        <OfRun key={run} run={run}>
          {(detail) => <Split detail={detail} />}
        </OfRun>
      )}
    </RunPage>
  );
}

function Split({ detail }: { readonly detail: RunDetail }) {
  const api = useApi();
  const [found, setFound] = useState<Diagnosis>();
  const [kind, setKind] = useState<string>();
  const action = useAction();
  const shownKind = kind ?? found?.kinds.find(({ images }) => images > 0)?.kind;
  const shown = found?.images.filter(({ mistakes }) => mistakes.some((one) => one.kind === shownKind)) ?? [];
  return (
    <Panel title="A test set" note="Every image is captioned; the worst mistakes are shown first.">
      <SplitForm
        splits={detail.splits}
        count={200}
        most={5000}
        unit={capital(`${detail.words.example}s`)}
        action={["Diagnose", "Captioning …"]}
        busy={action.busy}
        onAsk={(split, examples) =>
          action.run(async () => {
            setFound(await api.call("diagnose", { run: detail.id, split, examples }));
            setKind(undefined);
          })
        }
      />
      <Problem text={action.problem} />
      <Busy when={action.busy} text="Captioning every image, and looking at what went wrong …" />
      {found && (
        <>
          <p className="output" aria-live="polite">
            {`${found.wrong} of ${found.examples} captions have a mistake, ${found.by === "gold" ? "by what is in the images" : "by the captions that people gave"}.`}
          </p>
          <Decoded decoding={found.decoding} />
          <fieldset className="row" aria-label="Kinds of mistake">
            {found.kinds.map(({ kind: one, title, images }) => (
              <button
                key={one}
                type="button"
                className={one === shownKind ? "" : "quiet"}
                aria-pressed={one === shownKind}
                disabled={images === 0}
                onClick={() => setKind(one)}
              >
                {`${title} (${images})`}
              </button>
            ))}
          </fieldset>
          <div className="mistakes">
            {shownKind &&
              shown.map((image) => (
                <div key={image.index}>
                  <MistakeCard image={image} kind={shownKind} maps={found.maps} />
                  <a
                    href={linkTo("see", detail.id, {
                      example: `${found.split}:${image.index}`,
                      ...writingQuery(found.decoding),
                    })}
                  >
                    See it
                  </a>
                </div>
              ))}
          </div>
        </>
      )}
    </Panel>
  );
}
