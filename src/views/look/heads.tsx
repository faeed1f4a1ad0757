import { placeLabels, placesOf, rowLabels, rowOf, type TraceLook } from "../../attention/trace.js";
import { headingHeight } from "../canvas.js";
import { drawable, headingLines } from "../drawable.js";
import { textWidth } from "../theme.js";
import { type Draw, themeOf } from "./drawing.js";
import { Heat } from "./heat.js";
import { shadingOf, wholeOf } from "./shading.js";

const [MOST, LEAST, GAP, NUMBERS] = [108, 40, 10, 22];
/** The width that all heads of a layer have beside its name, so that twelve fit a card of the studio without scrolling. */
const ROOM = 960;

/**
 * All heads of all layers that look at the same, small: a line for each layer, a column for each head, in each a row for every
 * place that looks and a column for every place that is looked at. One of them is opened as a matrix.
 */
export const drawHeads: Draw = (trace, looks, options) => {
  const theme = themeOf(options);
  const { title } = options;
  const [{ shape }] = looks;
  const heads = Math.max(...looks.map((look) => look.shape[1]));
  const [rows, places] = [
    Math.max(...looks.map((look) => look.shape[0])),
    Math.max(...looks.map((look) => look.shape[2])),
  ];
  const most = Math.min(MOST, Math.max(LEAST, ROOM / heads - GAP));
  const cell = Math.min(most / Math.max(1, rows, places), 22);
  const [across, down] = [cell * places, cell * rows];
  const names = looks.map(({ name }) => drawable(name));
  const left = Math.ceil(Math.max(...names.map((name) => textWidth(name, 13)))) + 28;
  const top = headingHeight(title) + 12 + NUMBERS;
  const placeOf = (layer: number, head: number) => ({
    x: left + head * (across + GAP),
    y: top + layer * (down + GAP),
  });
  const shadings = looks.map(shadingOf);
  const body = (
    <>
      {Array.from({ length: heads }, (_, head) => (
        <text
          key={head}
          x={placeOf(0, head).x + across / 2}
          y={top - 8}
          textAnchor="middle"
          fill={theme.faint}
        >
          {head + 1}
        </text>
      ))}
      <text x={left - 12} y={top - 8} textAnchor="end" fill={theme.faint}>
        head
      </text>
      {looks.map((look, layer) => (
        <g key={layer}>
          <text
            x={left - 12}
            y={placeOf(layer, 0).y + down / 2 + 5}
            textAnchor="end"
            fontWeight={600}
            fill={theme.text}
          >
            {names[layer]}
          </text>
          {Array.from({ length: look.shape[1] }, (_, head) => {
            const { x, y } = placeOf(layer, head);
            return (
              <g key={head} transform={`translate(${+x.toFixed(2)} ${+y.toFixed(2)})`}>
                <title>{`${names[layer]}, head ${head + 1}`}</title>
                <rect
                  width={+across.toFixed(2)}
                  height={+down.toFixed(2)}
                  fill={theme.background}
                  stroke={theme.line}
                />
                <Heat
                  rows={look.shape[0]}
                  columns={look.shape[2]}
                  shade={(row, place) => {
                    const value = rowOf(look, row, head)[place]!;
                    return Math.sign(value) * shadings[layer]!.of(value);
                  }}
                  colours={[theme.ink, theme.against]}
                  cell={[cell, cell]}
                />
              </g>
            );
          })}
        </g>
      ))}
    </>
  );
  const columns = placeLabels(placesOf(trace, looks[0]), shape[2]);
  return {
    width: Math.ceil(
      Math.max(
        left + heads * (across + GAP) + 8,
        ...headingLines(title).map((line) => textWidth(line, 16) + 40),
      ),
    ),
    height: Math.ceil(top + looks.length * (down + GAP) + 8),
    theme,
    fontSize: 13,
    label: `${looks.length} × ${heads} heads of “${rowLabels(trace, looks[0]).join(" ")}” over ${wholeOf(placesOf(trace, looks[0]), columns)}`,
    title,
    body,
    at(x, y) {
      const [head, layer] = [Math.floor((x - left) / (across + GAP)), Math.floor((y - top) / (down + GAP))];
      const look: TraceLook | undefined = looks[layer];
      if (!look || head < 0 || head >= look.shape[1]) return undefined;
      const corner = placeOf(layer, head);
      const [row, place] = [Math.floor((y - corner.y) / cell), Math.floor((x - corner.x) / cell)];
      return row < look.shape[0] && place < look.shape[2] ? { look, row, head, place } : undefined;
    },
    boxes: ({ look, head }) => [
      { ...placeOf(looks.indexOf(look as (typeof looks)[0]), head), width: across, height: down },
    ],
  };
};
