import { useState } from "react";
import type { DesignedPart, ModelDesign, ModelInfo } from "../../../src/service/protocol.js";
import { FONT, type Theme, textWidth } from "../../../src/views/theme.js";
import { Busy, lengthsText, number, Panel, Problem, Scrolled, short } from "../panels/basic.js";
import { type Configuration, defaultsOf, firstModel, Options } from "../panels/options.js";
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
          <details>
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
          <Scrolled label="The model as a drawing of its parts">
            <Drawing design={design.result} theme={theme} opened={opened} onOpen={setOpened} />
          </Scrolled>
        </Panel>
      )}
      {part && <Opened part={part} onClose={() => setOpened(undefined)} />}
    </>
  );
}

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

const [BOX_HEIGHT, GAP_X, GAP_Y, MARGIN] = [74, 28, 46, 16];

/** Parts in rows: each below everything it reads, loops through the decoder apart. */
function rowsOf(parts: readonly DesignedPart[]): string[][] {
  const depth = new Map<string, number>();
  for (const { id, from } of parts)
    depth.set(id, 1 + Math.max(0, ...from.map((other) => depth.get(other) ?? 0)));
  const rows: string[][] = [];
  for (const { id } of parts) {
    const row = depth.get(id)! - 1;
    rows[row] = [...(rows[row] ?? []), id];
  }
  return rows;
}

function Drawing({
  design,
  theme,
  opened,
  onOpen,
}: {
  readonly design: ModelDesign;
  readonly theme: Theme;
  readonly opened: string | undefined;
  readonly onOpen: (part: string | undefined) => void;
}) {
  const rows = rowsOf(design.parts);
  const part = (id: string) => design.parts.find((one) => one.id === id)!;
  const facts = ({ parameterCount, flops }: DesignedPart) =>
    `${short(parameterCount)} parameters · ${short(flops, "FLOP")}`;
  const widthOf = (id: string) =>
    Math.max(
      textWidth(part(id).title, 14) * 1.06,
      textWidth(facts(part(id)), 12),
      textWidth(part(id).gives, 12),
    ) + 28;
  const rowWidth = (row: readonly string[]) => row.reduce((sum, id) => sum + widthOf(id) + GAP_X, -GAP_X);
  const width = Math.max(...rows.map(rowWidth)) + 2 * MARGIN + 40;
  const height = rows.length * (BOX_HEIGHT + GAP_Y) - GAP_Y + 2 * MARGIN;
  const places = new Map<string, { x: number; y: number; width: number }>();
  rows.forEach((row, index) => {
    let x = (width - rowWidth(row)) / 2;
    for (const id of row) {
      places.set(id, { x, y: MARGIN + index * (BOX_HEIGHT + GAP_Y), width: widthOf(id) });
      x += widthOf(id) + GAP_X;
    }
  });
  return (
    // biome-ignore lint/a11y/useSemanticElements: a drawing cannot be a fieldset.
    <svg
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
      fontFamily={FONT}
      fontSize={12}
      role="group"
      aria-label={`Parts of ${design.model}`}
    >
      <rect width={width} height={height} fill={theme.background} />
      {design.parts.flatMap(({ id, from }) =>
        from.flatMap((other) => {
          const [a, b] = [places.get(other), places.get(id)!];
          if (!a) return [];
          const [x0, x1] = [a.x + a.width / 2, b.x + b.width / 2];
          const back = a.y >= b.y;
          const path = back
            ? `M${a.x + a.width} ${a.y + 20}C${width - 4} ${a.y} ${width - 4} ${b.y + BOX_HEIGHT} ${b.x + b.width} ${b.y + BOX_HEIGHT - 16}`
            : `M${x0} ${a.y + BOX_HEIGHT}C${x0} ${a.y + BOX_HEIGHT + 26} ${x1} ${b.y - 26} ${x1} ${b.y}`;
          return [
            <path
              key={`${other} ${id}`}
              d={path}
              fill="none"
              stroke={theme.faint}
              strokeWidth={1.5}
              strokeDasharray={back ? "5 4" : undefined}
            >
              <title>{`${other} → ${id}${back ? ", from the step before" : ""}`}</title>
            </path>,
          ];
        }),
      )}
      {design.parts.map((one) => {
        const { x, y, width: size } = places.get(one.id)!;
        const isOpen = opened === one.id;
        const toggle = () => onOpen(isOpen ? undefined : one.id);
        return (
          // biome-ignore lint/a11y/useSemanticElements: a button element cannot be part of a drawing.
          <g
            key={one.id}
            className="part"
            role="button"
            tabIndex={0}
            aria-pressed={isOpen}
            onClick={toggle}
            onKeyDown={(event) => {
              if (event.key !== "Enter" && event.key !== " ") return;
              event.preventDefault();
              toggle();
            }}
          >
            <rect
              x={x}
              y={y}
              width={size}
              height={BOX_HEIGHT}
              rx={8}
              fill={theme.background}
              stroke={isOpen ? theme.ink : theme.faint}
              strokeWidth={isOpen ? 2.5 : 1.2}
            />
            <text x={x + 14} y={y + 22} fontSize={14} fontWeight={600} fill={theme.text}>
              {one.title}
            </text>
            <text x={x + 14} y={y + 42} fill={theme.faint}>
              {one.gives}
            </text>
            <text x={x + 14} y={y + 60} fill={theme.text}>
              {facts(one)}
            </text>
          </g>
        );
      })}
    </svg>
  );
}

const Opened = ({ part, onClose }: { readonly part: DesignedPart; readonly onClose: () => void }) => (
  <Panel title={part.title}>
    <div className="columns">
      <div>
        <h3>Equations</h3>
        <ul className="equations">
          {part.equations.map((one) => (
            <li key={one}>{one}</li>
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
