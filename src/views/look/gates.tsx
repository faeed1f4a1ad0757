import { halfLives, quartiles } from "../../attention/keeping.js";
import { rowLabels, rowsOf, type TraceLook } from "../../attention/trace.js";
import { headingHeight } from "../canvas.js";
import { drawableAll } from "../drawable.js";
import { textWidth } from "../theme.js";
import { type Draw, themeOf } from "./drawing.js";

/** What an open gate does, by the last word of its name. */
const MEANINGS: Readonly<Record<string, string>> = {
  reset: "how much of the state a new candidate sees",
  update: "how much of the state this word replaces",
  input: "how much of this word is written",
  forget: "how much of the memory is kept",
  output: "how much of the memory is shown",
};

const steps = (count: number): string => (count > 99 ? "> 99" : count.toFixed(1));

/** How long what a layer holds stays: of the middle unit, and of those a quarter from each end; undefined for a gate that does not say. */
export function keepingText(look: TraceLook): string | undefined {
  const found = halfLives(look);
  if (!found || found.length === 0) return undefined;
  const [lower, median, upper] = quartiles(found);
  return `half is gone after ${steps(median)} steps (${steps(lower)} to ${steps(upper)})`;
}

/** Rows a gate's units are drawn in at most; more units are averaged. */
const ROWS = 32;
const [ROW, MEAN, GAP] = [4, 44, 34];

/** Units in order of their mean, so that like ones lie together, averaged into at most `ROWS` rows: [row, token]. */
function bands(gate: readonly Float32Array[]): number[][] {
  const units = gate[0]?.length ?? 0;
  const means = Array.from({ length: units }, (_, unit) => gate.reduce((sum, step) => sum + step[unit]!, 0));
  const order = Array.from({ length: units }, (_, unit) => unit).sort((a, b) => means[b]! - means[a]!);
  const rows = Math.min(ROWS, units);
  return Array.from({ length: rows }, (_, row) => {
    const members = order.slice(Math.floor((row * units) / rows), Math.floor(((row + 1) * units) / rows));
    return gate.map((step) => members.reduce((sum, unit) => sum + step[unit]!, 0) / members.length);
  });
}

/** The mean of a gate over its units, for each token. */
export const meanOpen = (gate: readonly Float32Array[]): number[] =>
  gate.map((step) => step.reduce((a, b) => a + b, 0) / Math.max(1, step.length));

/**
 * Gates over time: for each gate its mean over units as a line, and under it the units, those open most at the top. The
 * lecture reads gates as attention over time: where a line dips or rises, the layer takes in or lets go.
 */
export const drawGates: Draw = (trace, looks, options) => {
  const theme = themeOf(options);
  const { title } = options;
  const tokens = drawableAll(rowLabels(trace, looks[0]));
  const widest = Math.max(0, ...tokens.map((token) => textWidth(token, 13)));
  const cell = Math.max(tokens.length > 40 ? 14 : 30, Math.min(widest + 10, 72));
  const slanted = widest + 10 > cell;
  const heading = title === undefined ? [] : title.split("\n");
  const [left, right] = [52, 24];
  const labels = slanted ? widest * 0.77 + 20 : 26;
  const top = headingHeight(title) + 20 + labels;
  const gates = looks.map((look) => {
    const gate = rowsOf(look);
    return {
      name: look.name,
      rows: bands(gate),
      means: meanOpen(gate),
      meaning: [MEANINGS[look.name.split(" ").at(-1)!], keepingText(look)].filter(Boolean).join("; "),
    };
  });
  const heights = gates.map(({ rows }) => GAP + MEAN + rows.length * ROW);
  const width = Math.ceil(
    Math.max(
      left + cell * tokens.length + right + (slanted ? widest * 0.64 : 0),
      420,
      ...gates.map(({ name, meaning }) => left + textWidth(`${name}  ${meaning}`, 13) + right),
      ...heading.map((line) => textWidth(line, 16) + 40),
    ),
  );
  const height = Math.ceil(top + heights.reduce((a, b) => a + b, 0) + 16);
  const x = (step: number) => left + (step + 0.5) * cell;
  const body = (
    <>
      {tokens.map((token, step) => (
        <text
          key={step}
          fill={theme.text}
          {...(slanted
            ? { transform: `translate(${x(step)} ${top - 8}) rotate(-50)` }
            : { x: x(step), y: top - 8, textAnchor: "middle" as const })}
        >
          {token}
        </text>
      ))}
      {gates.map(({ name, rows, means, meaning }, index) => {
        const start = top + heights.slice(0, index).reduce((a, b) => a + b, 0);
        const y = (value: number) => start + GAP + (1 - value) * (MEAN - 10);
        return (
          <g key={name}>
            <text x={left} y={start + 20} fontWeight={600} fill={theme.text}>
              {name}
              {meaning !== "" && (
                <tspan dx={10} fontWeight={400} fill={theme.faint}>
                  {meaning}
                </tspan>
              )}
            </text>
            {[0, 1].map((value) => (
              <g key={value}>
                <line
                  x1={left}
                  x2={left + cell * tokens.length}
                  y1={y(value)}
                  y2={y(value)}
                  stroke={theme.line}
                />
                <text x={left - 8} y={y(value) + 4} textAnchor="end" fontSize={11} fill={theme.faint}>
                  {value === 1 ? "open" : "closed"}
                </text>
              </g>
            ))}
            <polyline
              points={means.map((value, step) => `${x(step)},${y(value).toFixed(1)}`).join(" ")}
              fill="none"
              stroke={theme.ink}
              strokeWidth={2}
            />
            {means.map((value, step) => (
              <circle key={step} cx={x(step)} cy={y(value).toFixed(1)} r={3.5} fill={theme.ink}>
                <title>{`${name}, ${tokens[step]}: ${value.toFixed(3)} open on average`}</title>
              </circle>
            ))}
            {rows.map((row, position) =>
              row.map((value, step) => (
                <rect
                  key={`${position} ${step}`}
                  x={left + step * cell}
                  y={start + GAP + MEAN + position * ROW}
                  width={cell - 1}
                  height={ROW}
                  fill={theme.ink}
                  fillOpacity={Number(value.toFixed(3))}
                />
              )),
            )}
          </g>
        );
      })}
    </>
  );
  return {
    width,
    height,
    theme,
    fontSize: 13,
    label: `Gates while “${tokens.join(" ")}” is read`,
    title,
    body,
  };
};
