import { useState } from "react";
import type { DesignedPart, ModelDesign, ModelInfo } from "../../../src/service/protocol.js";
import { type DrawnPart, ModelDrawing } from "../../../src/views/model-drawing.js";
import { Busy, lengthsText, number, Panel, Problem, short } from "../panels/basic.js";
import { type Configuration, defaultsOf, firstModel, Options } from "../panels/options.js";
import { Told } from "../panels/told.js";
import { Zoomed } from "../panels/zoomed.js";
import { linkTo, useApi, useAsked, usePlace, useTheme } from "../state.js";

export default function Design() {
  const api = useApi();
  const { argument } = usePlace();
  const models = useAsked("models", () => api.call("models", {}));
  const model = models.result && firstModel(models.result, argument);
  return (
    <>
      <h1>Design</h1>
      <Problem text={models.problem} />
      <Busy when={models.busy && !models.result} text="Asking what there is …" />
      {model && (
        <>
          <label className="field">
            <span>Model</span>
            <select
              value={model.id}
              onChange={({ target }) => {
                location.hash = linkTo("design", target.value);
              }}
            >
              {models.result!.map(({ id }) => (
                <option key={id}>{id}</option>
              ))}
            </select>
            <small>
              {model.paper}: {model.title}
            </small>
          </label>
          <Variant key={model.id} model={model} />
        </>
      )}
    </>
  );
}

const BATCH = 64;

function Variant({ model }: { readonly model: ModelInfo }) {
  const api = useApi();
  const theme = useTheme();
  const plain = defaultsOf(model.schema);
  const usual = defaultsOf(model.sizes);
  const [sizes, setSizes] = useState<Configuration>(usual);
  const [configuration, setConfiguration] = useState<Configuration>(plain);
  const [opened, setOpened] = useState<string>();
  const ask = (value: Configuration, made: Configuration) =>
    api.call("design", { model: model.id, configuration: value, batch: BATCH, sizes: made });
  const design = useAsked(JSON.stringify([model.id, configuration, sizes]), () => ask(configuration, sizes));
  const before = useAsked(`default ${model.id}`, () => ask(plain, usual));
  const part = design.result?.parts.find(({ id }) => id === opened);
  const query = Object.fromEntries([
    ["model", model.id],
    ...Object.entries(configuration).map(([name, value]) => [name, String(value)]),
  ]);
  return (
    <>
      <Panel title="Options" note="Exchange the attention or the sizes and see what changes.">
        <Options schema={model.schema} value={configuration} onChange={setConfiguration} />
        {Object.keys(model.sizes.properties).length > 0 && (
          <details className="apart">
            <summary>What it is made for</summary>
            <Options schema={model.sizes} value={sizes} onChange={setSizes} />
          </details>
        )}
        <Problem text={design.problem} />
        {design.result && before.result && <Totals now={design.result} before={before.result} />}
        <div className="row">
          <a className="button" href={linkTo("train", "", query)}>
            Train this variant
          </a>
        </div>
      </Panel>
      {design.result && (
        <Panel
          title="Parts"
          note={`Parameters, and operations of reading a batch of ${BATCH} examples forward${lengthsText(design.result.lengths, ", ")}. Open a part for its equations and its ONNX nodes.`}
        >
          <Zoomed label="The model as a drawing of its parts">
            <ModelDrawing
              model={model.id}
              parts={design.result.parts.map(drawn)}
              theme={theme}
              opened={opened}
              onOpen={setOpened}
            />
          </Zoomed>
        </Panel>
      )}
      {part && <Opened part={part} onClose={() => setOpened(undefined)} />}
    </>
  );
}

/** A part as it is drawn, with what it costs. */
const drawn = ({ parameterCount, flops, ...part }: DesignedPart): DrawnPart => ({
  ...part,
  facts: `${short(parameterCount)} parameters · ${short(flops, "FLOP")}`,
});

function Totals({ now, before }: { readonly now: ModelDesign; readonly before: ModelDesign }) {
  const row = (name: string, of: (design: ModelDesign) => number, unit: string) => {
    const ratio = of(now) / of(before);
    return (
      <tr>
        <th scope="row">{name}</th>
        <td>{short(of(now), unit)}</td>
        <td>{Math.abs(ratio - 1) < 0.001 ? "as by default" : `${ratio.toFixed(2)} × the default`}</td>
      </tr>
    );
  };
  return (
    <table className="readings" aria-live="polite">
      <tbody>
        {row("parameters", ({ parameters }) => parameters, "")}
        {row("a training step", ({ stepFlops }) => stepFlops, "FLOP")}
        {row("memory, about", ({ memory }) => memory, "B")}
        {row("ONNX nodes of a step", ({ onnxNodes }) => onnxNodes, "")}
      </tbody>
    </table>
  );
}

const Opened = ({ part, onClose }: { readonly part: DesignedPart; readonly onClose: () => void }) => (
  <Panel title={part.title}>
    <div className="columns">
      <div>
        <h3>Equations</h3>
        <ul className="equations">
          {part.equations.map((one) => (
            <li key={one}>
              <Told text={one} />
            </li>
          ))}
        </ul>
        <h3>Parameters</h3>
        <table className="readings">
          <tbody>
            {part.parameters.map(({ name, shape }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>[{shape.join(", ")}]</td>
                <td>{number(shape.reduce((a, b) => a * b, 1))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div>
        <h3>ONNX nodes</h3>
        <ul className="operations">
          {part.operations.map(({ name, times }) => (
            <li key={name}>
              {name} {times > 1 && <span className="faint">× {times}</span>}
            </li>
          ))}
        </ul>
      </div>
    </div>
    <button type="button" className="quiet" onClick={onClose}>
      Close
    </button>
  </Panel>
);
