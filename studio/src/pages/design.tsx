import { useState } from "react";
import type { DesignedPart, ModelDesign, ModelInfo } from "../../../src/service/protocol.js";
import { FONT, type Theme, textWidth } from "../../../src/views/theme.js";
import { Busy, lengthsText, number, Panel, Problem, Scrolled, short } from "../panels/basic.js";
import { type Configuration, defaultsOf, firstModel, Options } from "../panels/options.js";
import { Told } from "../panels/told.js";
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

/** Pixels that an edge takes in a row that it passes through. */
const LANE = 20;

/** What stands in a row: a part, or an edge that passes through from a part further above to one further below. */
type Item = { readonly part: string } | { readonly edge: string };

interface Edge {
  readonly from: string;
  readonly to: string;
  /** From the step before: up again. */
  readonly back: boolean;
}

/** Parts in rows, each below everything it reads but what it reads of the step before, and edges where they pass through. */
function layersOf(parts: readonly DesignedPart[]): { rows: Item[][]; edges: Edge[] } {
  const depth = new Map<string, number>();
  for (const { id, from } of parts)
    depth.set(id, 1 + Math.max(-1, ...from.map((other) => depth.get(other) ?? -1)));
  const edges = parts.flatMap(({ id, from }) =>
    from.flatMap((other) =>
      depth.has(other) ? [{ from: other, to: id, back: depth.get(other)! >= depth.get(id)! }] : [],
    ),
  );
  const rows: Item[][] = [];
  // In the order in which what they come from stands above, so that few edges cross.
  const positions = new Map<string, number>();
  for (let row = 0; row <= Math.max(...depth.values()); row++) {
    const above = (edge: Edge) =>
      positions.get(depth.get(edge.from) === row - 1 ? edge.from : nameOf(edge)) ?? 0;
    const items = [
      ...parts
        .filter(({ id }) => depth.get(id) === row)
        .map(({ id }) => {
          const read = edges.filter(({ to, back }) => to === id && !back);
          return { item: { part: id }, name: id, from: read.map(above) };
        }),
      ...edges
        .filter(({ from, to, back }) => !back && depth.get(from)! < row && depth.get(to)! > row)
        .map((edge) => ({ item: { edge: nameOf(edge) }, name: nameOf(edge), from: [above(edge)] })),
    ].map((one, index) => ({
      ...one,
      at: one.from.length > 0 ? one.from.reduce((a, b) => a + b, 0) / one.from.length : index,
    }));
    items.sort((a, b) => a.at - b.at);
    items.forEach(({ name }, index) => {
      positions.set(name, (index + 0.5) / items.length);
    });
    rows.push(items.map(({ item }) => item));
  }
  return { rows, edges };
}

const nameOf = ({ from, to }: Edge): string => `${from} → ${to}`;

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
  const { rows, edges } = layersOf(design.parts);
  const part = (id: string) => design.parts.find((one) => one.id === id)!;
  const facts = ({ parameterCount, flops }: DesignedPart) =>
    `${short(parameterCount)} parameters · ${short(flops, "FLOP")}`;
  const widthOf = (id: string) =>
    Math.max(
      textWidth(part(id).title, 14) * 1.06,
      textWidth(facts(part(id)), 12),
      textWidth(part(id).gives, 12),
    ) + 28;
  const itemWidth = (item: Item) => ("part" in item ? widthOf(item.part) : LANE);
  const rowWidth = (row: readonly Item[]) => row.reduce((sum, item) => sum + itemWidth(item) + GAP_X, -GAP_X);
  const width = Math.max(...rows.map(rowWidth)) + 2 * MARGIN + 40;
  const height = rows.length * (BOX_HEIGHT + GAP_Y) - GAP_Y + 2 * MARGIN;
  const places = new Map<string, { x: number; y: number; width: number }>();
  /** Where edges pass through rows, from above to below. */
  const lanes = new Map<string, { x: number; y: number }[]>();
  rows.forEach((row, index) => {
    let x = (width - rowWidth(row)) / 2;
    const y = MARGIN + index * (BOX_HEIGHT + GAP_Y);
    for (const item of row) {
      const size = itemWidth(item);
      if ("part" in item) places.set(item.part, { x, y, width: size });
      else lanes.set(item.edge, [...(lanes.get(item.edge) ?? []), { x: x + size / 2, y }]);
      x += size + GAP_X;
    }
  });
  const pathOf = (edge: Edge): string => {
    const [a, b] = [places.get(edge.from)!, places.get(edge.to)!];
    if (edge.back)
      return `M${a.x + a.width} ${a.y + 20}C${width - 4} ${a.y} ${width - 4} ${b.y + BOX_HEIGHT} ${b.x + b.width} ${b.y + BOX_HEIGHT - 16}`;
    const curve = (x0: number, y0: number, x1: number, y1: number) =>
      `C${x0} ${y0 + 26} ${x1} ${y1 - 26} ${x1} ${y1}`;
    let [x, y] = [a.x + a.width / 2, a.y + BOX_HEIGHT];
    let path = `M${x} ${y}`;
    for (const lane of lanes.get(nameOf(edge)) ?? []) {
      path += `${curve(x, y, lane.x, lane.y)}V${lane.y + BOX_HEIGHT}`;
      [x, y] = [lane.x, lane.y + BOX_HEIGHT];
    }
    return path + curve(x, y, b.x + b.width / 2, b.y);
  };
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
      {edges.map((edge) => (
        <path
          key={nameOf(edge)}
          d={pathOf(edge)}
          fill="none"
          stroke={theme.faint}
          strokeWidth={1.5}
          strokeDasharray={edge.back ? "5 4" : undefined}
        >
          <title>{`${nameOf(edge)}${edge.back ? ", from the step before" : ""}`}</title>
        </path>
      ))}
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
