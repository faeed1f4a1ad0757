import { useEffect, useMemo, useRef, useState } from "react";
import { OWN_DATA } from "../../../src/data/own.js";
import type { DataSizes, DatasetInfo, ModelInfo } from "../../../src/service/protocol.js";
import { type Score, scoresOf, shownScore } from "../../../src/task/scores.js";
import { LearningCurves } from "../../../src/views/learning-curves.js";
import {
  afterStep,
  Busy,
  capital,
  clock,
  lengthsText,
  number,
  Panel,
  Problem,
  Scrolled,
  State,
  short,
} from "../panels/basic.js";
import { Losses } from "../panels/losses.js";
import { type Configuration, configurationFrom, defaultsOf, firstModel, Options } from "../panels/options.js";
import { WatchedPicture, watchedName } from "../panels/trace.js";
import { linkTo, useAction, useApi, useAsked, usePlace, useTheme, useWatched } from "../state.js";

/** `#/train` sets a training up; `#/train/RUN` watches one. */
export default function Train() {
  const { argument, query } = usePlace();
  return argument ? <Watch run={argument} /> : <SetUp query={query} />;
}

const timeName = (model: string): string =>
  `${model} ${new Date().toISOString().slice(0, 19).replace("T", " ").replaceAll(":", "-")}`;

function SetUp({ query }: { readonly query: URLSearchParams }) {
  const api = useApi();
  const models = useAsked("models", () => api.call("models", {}));
  const datasets = useAsked("datasets", () => api.call("datasets", {}));
  const { result: modelList } = models;
  const { result: dataList } = datasets;
  return (
    <>
      <h1>Train</h1>
      <Problem text={models.problem ?? datasets.problem} />
      {modelList && dataList ? (
        <Form
          key={query.toString()}
          models={modelList}
          datasets={dataList}
          query={query}
          reload={datasets.again}
        />
      ) : (
        <Busy when text="Asking what there is …" />
      )}
    </>
  );
}

const NO_SCORES: readonly Score[] = [];

/** The first data that a model can be trained on. */
const dataFor = (datasets: readonly DatasetInfo[], { takes }: ModelInfo): string =>
  (datasets.find((one) => one.kind === takes) ?? datasets[0]!).id;

function Form({
  models,
  datasets,
  query,
  reload,
}: {
  readonly models: readonly ModelInfo[];
  readonly datasets: readonly DatasetInfo[];
  readonly query: URLSearchParams;
  readonly reload: () => void;
}) {
  const api = useApi();
  const first = firstModel(models, query.get("model"), query.get("task"));
  const [model, setModel] = useState(first);
  const [configuration, setConfiguration] = useState<Configuration>(() => configurationFrom(first, query));
  const [data, setData] = useState(() => dataFor(datasets, first));
  const [name, setName] = useState(() => timeName(first.id));
  const [minutes, setMinutes] = useState(api.place === "tab" ? 5 : 2);
  const [steps, setSteps] = useState(Number.NaN);
  const [batch, setBatch] = useState(first.defaults.batch);
  const [learningRate, setLearningRate] = useState(first.defaults.learningRate);
  const [seed, setSeed] = useState(1);
  const [every, setEvery] = useState(api.place === "tab" ? 100 : 250);
  const [device, setDevice] = useState<"cpu" | "webgpu">("cpu");
  const [kind, setKind] = useState<"word" | "byte-pair">("word");
  const own = OWN_DATA[model.takes];
  const action = useAction();
  const drop = useAction();
  const place = datasets.find(({ id }) => id === data) ?? { id: data };
  const from = "from" in place && place.from ? { from: place.from, to: place.to } : {};
  const sizes = useAsked(`sizes ${data} ${datasets.length}`, () => api.call("dataSizes", { data, ...from }));
  const design = useAsked(
    sizes.result && sizes.result.kind === model.takes && Number.isInteger(batch)
      ? JSON.stringify([model.id, configuration, batch, sizes.result.sizes])
      : undefined,
    () =>
      api.call("design", {
        model: model.id,
        configuration,
        batch,
        sizes: sizes.result!.sizes,
      }),
  );
  const add = (file: File) =>
    drop.run(async () => {
      const added = await api.call("addData", {
        name: file.name.replace(/[^\p{L}\p{N} ._-]/gu, "-"),
        content: await file.text(),
      });
      reload();
      setData(added.data);
    });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        action.run(async () => {
          const budget = Number.isNaN(steps) ? { minutes } : { steps };
          const { run } = await api.call("start", {
            name,
            model: model.id,
            configuration,
            data,
            ...from,
            ...(own.hasWords && kind === "byte-pair" && { vocabulary: { kind, size: 8000, atLeast: 1 } }),
            seed,
            batch,
            learningRate,
            labelSmoothing: model.defaults.labelSmoothing,
            validateEvery: every,
            budget,
            device,
          });
          location.hash = linkTo("train", run);
        });
      }}
    >
      <Panel title="Model">
        <div className="fields">
          <label className="field">
            <span>Model</span>
            <select
              value={model.id}
              onChange={({ target }) => {
                const chosen = models.find(({ id }) => id === target.value)!;
                setModel(chosen);
                setConfiguration(defaultsOf(chosen.schema));
                if (chosen.task !== model.task) {
                  setData(dataFor(datasets, chosen));
                  setBatch(chosen.defaults.batch);
                }
                if (learningRate === model.defaults.learningRate)
                  setLearningRate(chosen.defaults.learningRate);
                setName(timeName(chosen.id));
              }}
            >
              {models.map(({ id }) => (
                <option key={id}>{id}</option>
              ))}
            </select>
            <small>
              {model.paper}: {model.title}
            </small>
          </label>
        </div>
        <Options schema={model.schema} value={configuration} onChange={setConfiguration} />
      </Panel>
      <Panel title="Data">
        {/* biome-ignore lint/a11y/noStaticElementInteractions: the button in it does the same. */}
        <div
          className="drop"
          onDragOver={(event) => event.preventDefault()}
          onDrop={(event) => {
            event.preventDefault();
            const [file] = event.dataTransfer.files;
            if (file && own.isTable) add(file);
          }}
        >
          <label className="field">
            <span>{capital(model.examples)}</span>
            <select value={data} onChange={({ target }) => setData(target.value)}>
              {datasets
                .filter(({ kind }) => kind === model.takes)
                .map(({ id, title }) => (
                  <option key={id} value={id}>
                    {id}: {title}
                  </option>
                ))}
            </select>
          </label>
          {own.isTable && (
            <label className="button quiet">
              Drop a table here, or choose one
              <input
                className="hidden"
                type="file"
                accept=".tsv,.txt"
                onChange={({ target }) => {
                  const [file] = target.files ?? [];
                  // So that the same file, mended, is taken again.
                  target.value = "";
                  if (file) add(file);
                }}
              />
            </label>
          )}
          <small>{own.hint}</small>
        </div>
        <Problem text={drop.problem ?? sizes.problem} />
        {sizes.result && <Sizes sizes={sizes.result} />}
      </Panel>
      <Panel title="Training">
        <div className="fields">
          <label className="field">
            <span>Name of the run</span>
            <input value={name} required maxLength={120} onChange={({ target }) => setName(target.value)} />
          </label>
          <Numeric
            label="Minutes"
            value={minutes}
            min={0.1}
            step={0.1}
            onChange={setMinutes}
            disabled={!Number.isNaN(steps)}
          />
          <Numeric label="or steps" value={steps} min={1} onChange={setSteps} optional />
          <Numeric
            label="Batch"
            value={batch}
            min={1}
            max={65536}
            onChange={setBatch}
            note="examples a step"
          />
          <Numeric
            label="Learning rate"
            value={learningRate}
            min={0.000001}
            max={100}
            step="any"
            onChange={setLearningRate}
          />
          <Numeric label="Seed" value={seed} min={0} onChange={setSeed} note="fixes the run" />
          <Numeric label="Validate every" value={every} min={1} onChange={setEvery} note="steps" />
          {(api.place === "server" || "gpu" in navigator) && (
            <label className="field">
              <span>Device</span>
              <select value={device} onChange={({ target }) => setDevice(target.value as "cpu")}>
                <option value="cpu">processor{api.place === "tab" ? " (WASM)" : ""}</option>
                <option value="webgpu">graphics processor (WebGPU)</option>
              </select>
              <small>small models are faster on the processor</small>
            </label>
          )}
          {own.hasWords && (
            <label className="field">
              <span>Vocabulary</span>
              <select value={kind} onChange={({ target }) => setKind(target.value as "word")}>
                <option value="word">words</option>
                <option value="byte-pair">pieces of words (byte pairs)</option>
              </select>
            </label>
          )}
        </div>
      </Panel>
      <p className="costs" aria-live="polite">
        {design.result
          ? `${short(design.result.parameters)} parameters · ${short(design.result.stepFlops, "FLOP")} a step · about ${short(design.result.memory, "B")} of memory${lengthsText(design.result.lengths, " (", ")")}`
          : ""}
      </p>
      <Problem text={action.problem ?? design.problem} />
      <div className="row">
        <button type="submit" disabled={action.busy}>
          {action.busy ? "Starting …" : "Train"}
        </button>
      </div>
    </form>
  );
}

const Sizes = ({ sizes }: { readonly sizes: DataSizes }) => (
  <>
    <p className="note">
      {number(sizes.train)} {sizes.noun} to train on, {number(sizes.validation)} to validate; {sizes.about}
      {sizes.examples[0] !== undefined && `. For example: “${sizes.examples[0]}”`}
    </p>
    {sizes.notes.map((note) => (
      <p key={note} className="warning">
        {note}
      </p>
    ))}
  </>
);

function Numeric({
  label,
  value,
  onChange,
  note,
  optional = false,
  ...limits
}: {
  readonly label: string;
  readonly value: number;
  readonly onChange: (value: number) => void;
  readonly note?: string;
  readonly optional?: boolean;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number | "any";
  readonly disabled?: boolean;
}) {
  return (
    <label className="field">
      <span>{label}</span>
      <input
        type="number"
        required={!optional}
        value={Number.isNaN(value) ? "" : value}
        onChange={({ target }) => onChange(target.valueAsNumber)}
        {...limits}
      />
      {note && <small>{note}</small>}
    </label>
  );
}

const WARNINGS: Readonly<Record<string, string>> = {
  uniform: "The attention is spread over all places alike; it says nothing yet. Try a lower learning rate.",
  still:
    "The attention looks at the same places at every step; it says nothing yet. Try a lower learning rate.",
};
/** Steps after which attention should have found something to look at. */
const SETTLED = 500;

function Watch({ run }: { readonly run: string }) {
  const api = useApi();
  const theme = useTheme();
  const { metrics, validations, traces, state, problem } = useWatched(run);
  const detail = useAsked(`run ${run}`, () => api.call("run", { run }));
  const action = useAction();
  const [sample, setSample] = useState(0);
  const last = metrics.at(-1);
  const validated = validations.at(-1);
  const collapse = validated && validated.step >= SETTLED ? validated.validation.collapse : undefined;
  const trace = traces.at(-1)?.traces[sample] ?? traces.at(-1)?.traces[0];
  const known = detail.result?.scores ?? NO_SCORES;
  const scores = useMemo(() => {
    const names = [
      ...new Set(
        validations.flatMap(({ validation }) => scoresOf(validation, known).map(({ name }) => name)),
      ),
    ];
    return names.map((name) => ({
      name,
      marked: true,
      points: validations.flatMap(({ step, validation }) =>
        scoresOf(validation, known).flatMap((score) =>
          score.name === name ? [{ step, value: score.value }] : [],
        ),
      ),
    }));
  }, [validations, known]);
  const title = useRef(document.title);
  useEffect(() => {
    const before = title.current;
    document.title = state === "training" && last ? `${last.step} · ${run}` : before;
    return () => {
      document.title = before;
    };
  }, [state, last, run]);
  return (
    <>
      <h1>
        {run} {state && <State state={state} />}
      </h1>
      <Problem text={detail.problem ?? problem ?? action.problem} />
      {detail.result && (
        <p className="facts">
          {detail.result.model} on {detail.result.data.split(/[\\/]/).at(-1)}; {detail.result.prepared}; seed{" "}
          {detail.result.settings.seed}
        </p>
      )}
      <div className="facts tiles" aria-live="off">
        <Tile name="step" value={last ? number(last.step) : "–"} />
        <Tile name="training loss" value={last ? last.loss.toFixed(3) : "–"} />
        <Tile name="validation loss" value={validated ? validated.validation.loss.toFixed(3) : "–"} />
        {(validated ? scoresOf(validated.validation, known) : []).map((score) => (
          <Tile key={score.name} name={score.name} value={shownScore(score)} />
        ))}
        <Tile name="tokens a second" value={last ? number(last.tokensPerSecond) : "–"} />
        <Tile
          name={state === "training" ? "time left" : "time"}
          value={last ? clock(state === "training" ? (last.secondsLeft ?? 0) : last.seconds) : "–"}
        />
      </div>
      {collapse && <p className="warning">{WARNINGS[collapse]}</p>}
      <div className="row">
        {state === "training" && (
          <button
            type="button"
            disabled={action.busy}
            onClick={() => action.run(() => api.call("stop", { run }))}
          >
            Stop and save
          </button>
        )}
        {(state === "stopped" || state === "failed") && (
          <button
            type="button"
            disabled={action.busy}
            onClick={() => action.run(() => api.call("resume", { run }))}
          >
            Resume
          </button>
        )}
        {validated && (
          <>
            <a className="button quiet" href={linkTo("see", run)}>
              See
            </a>
            <a className="button quiet" href={linkTo("explain", run)}>
              Explain
            </a>
            {detail.result?.groupsMistakes && (
              <a className="button quiet" href={linkTo("diagnose", run)}>
                Diagnose
              </a>
            )}
            <a className="button quiet" href={linkTo("time-lapse", run)}>
              Time-lapse
            </a>
          </>
        )}
      </div>
      <div className="columns">
        <Losses metrics={metrics} validations={validations} />
        <Panel title="Validation examples">
          <Scrolled label="Scores over steps">
            <LearningCurves measure="%" curves={scores} theme={theme} />
          </Scrolled>
        </Panel>
      </div>
      {trace && (
        <Panel
          title="Attention as it forms"
          note={`${afterStep(traces.at(-1)!.step)}, on an example it does not train on.`}
        >
          <fieldset className="row" aria-label="Samples">
            {traces.at(-1)!.traces.map((one, index) => (
              <button
                key={index}
                type="button"
                className={index === sample ? "" : "quiet"}
                aria-pressed={index === sample}
                onClick={() => setSample(index)}
              >
                {watchedName(one).split(" ").slice(0, 5).join(" ")} …
              </button>
            ))}
          </fieldset>
          <WatchedPicture watched={trace} label="Attention of a validation example" />
        </Panel>
      )}
    </>
  );
}

const Tile = ({ name, value }: { readonly name: string; readonly value: string }) => (
  <div className="tile">
    <strong>{value}</strong>
    <span>{name}</span>
  </div>
);
