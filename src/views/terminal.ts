import type { AlignmentTrace, GatesTrace, SpatialTrace } from "../attention/trace.js";
import { drawableAll } from "./drawable.js";
import { darkestNote, eachNote, greatestOf, shadesOf, withUnit } from "./scores.js";

export interface TerminalOptions {
  /** Whether the terminal shows 24-bit colour; shades of grey characters otherwise. */
  readonly colour: boolean;
  /** Columns of the terminal. */
  readonly width: number;
}

const SHADES = [" ", "░", "▒", "▓", "█"] as const;

/** From the dark of an unlit cell to a bright blue, evenly in lightness. */
function background(weight: number): string {
  const mix = (from: number, to: number) => Math.round(from + (to - from) * weight);
  return `${mix(28, 120)};${mix(32, 190)};${mix(40, 255)}`;
}

/** An alignment as text: a row for each word written, a column for each word read; scores as numbers in their unit. */
export function alignmentText(trace: AlignmentTrace, { colour, width }: TerminalOptions): string {
  const { weights, scores } = trace;
  const [source, target] = [drawableAll(trace.source), drawableAll(trace.target)];
  const shades = shadesOf(trace);
  const left = Math.max(0, ...target.map((word) => word.length));
  const longest = weights.flat().reduce((most, weight) => Math.max(most, weight.toFixed(2).length), 4);
  const needed = source.map((word) => Math.max(longest + 2, word.length + 2));
  const fits = left + 2 + needed.reduce((a, b) => a + b, 0) <= width;
  // Where the words do not fit, columns are numbered and the words listed below.
  const widths = fits
    ? needed
    : source.map(() => Math.max(3, Math.min(6, Math.floor((width - left - 2) / source.length))));
  const labels = fits ? source : source.map((_, index) => String(index + 1));
  const centred = (text: string, size: number) => {
    const before = Math.max(0, Math.floor((size - text.length) / 2));
    return " ".repeat(before) + text.padEnd(size - before);
  };
  const lines = [
    `${" ".repeat(left + 2)}${labels.map((label, index) => centred(label, widths[index]!)).join("")}`,
  ];
  target.forEach((word, row) => {
    const cells = weights[row]!.map((weight, column) => {
      const size = widths[column]!;
      const shade = shades[row]![column]!;
      const number = Math.abs(weight) >= 0.005 && size >= longest + 2 ? weight.toFixed(2) : "";
      if (colour) {
        const foreground = shade > 0.5 ? "16;20;28" : "200;208;218";
        return `\u001b[48;2;${background(shade)}m\u001b[38;2;${foreground}m${centred(number, size)}\u001b[0m`;
      }
      const block = SHADES[Math.min(SHADES.length - 1, Math.round(shade * (SHADES.length - 1)))] ?? "?";
      return size >= longest + 2 ? centred(`${block.repeat(2)}${number}`, size) : block.repeat(size);
    });
    lines.push(`${word.padStart(left)}  ${cells.join("")}`);
  });
  if (!fits) lines.push("", source.map((word, index) => `${index + 1} ${word}`).join("  "));
  if (scores && weights.flat().length > 0)
    lines.push("", darkestNote(scores, withUnit(greatestOf(weights), scores, 2)));
  return lines.map((line) => line.trimEnd()).join("\n");
}

const BARS = " ▁▂▃▄▅▆▇█";

/** Gates as text: a line for each gate, a bar for each token as high as the gate is open on average. */
export function gatesText(trace: GatesTrace, { width }: TerminalOptions): string {
  const { gates } = trace;
  const tokens = drawableAll(trace.tokens);
  const left = Math.max(0, ...Object.keys(gates).map((name) => name.length));
  const sizes = tokens.map((token) => Math.max(6, token.length + 2));
  const fits = left + 2 + sizes.reduce((a, b) => a + b, 0) <= width;
  const lines = Object.entries(gates).map(([name, gate]) => {
    const cells = gate.map((step, index) => {
      const mean = step.reduce((a, b) => a + b, 0) / Math.max(1, step.length);
      const bar = BARS[Math.round(mean * (BARS.length - 1))] ?? "?";
      return fits ? `${bar} ${mean.toFixed(2)}`.padEnd(sizes[index]!) : bar;
    });
    return `${name.padStart(left)}  ${cells.join("")}`.trimEnd();
  });
  const header = fits ? tokens.map((token, index) => token.padEnd(sizes[index]!)).join("") : tokens.join(" ");
  return [`${" ".repeat(left + 2)}${header}`.trimEnd(), ...lines].join("\n");
}

/** Maps over an image as text: for every word a grid whose cells are as bright as their share of its greatest weight. */
export function spatialText(
  { weights, grid, scores, ...trace }: SpatialTrace,
  { colour, width }: TerminalOptions,
): string {
  const words = drawableAll(trace.words);
  const across = Math.max(2 * grid.columns, 8);
  const columns = Math.max(1, Math.floor((width + 2) / (across + 2)));
  const lines: string[] = [];
  for (let start = 0; start < words.length; start += columns) {
    const part = words.slice(start, start + columns);
    lines.push(part.map((word) => word.slice(0, across).padEnd(across)).join("  "));
    if (scores)
      lines.push(
        part
          .map((_, index) =>
            greatestOf(weights[start + index]!)
              .toFixed(3)
              .padEnd(across),
          )
          .join("  "),
      );
    for (let row = 0; row < grid.rows; row++)
      lines.push(
        part
          .map((_, index) => {
            const map = weights[start + index]!;
            const most = Math.max(1e-9, ...map.flat());
            const cells = map[row]!.map((weight) => {
              const share = Math.max(0, weight) / most;
              if (colour) return `\u001b[48;2;${background(share)}m  \u001b[0m`;
              return (
                SHADES[Math.min(SHADES.length - 1, Math.round(share * (SHADES.length - 1)))] ?? "?"
              ).repeat(2);
            });
            return cells.join("") + " ".repeat(across - 2 * grid.columns);
          })
          .join("  "),
      );
    lines.push("");
  }
  return [...lines.slice(0, -1), ...(scores && words.length > 0 ? ["", eachNote(scores)] : [])]
    .map((line) => line.trimEnd())
    .join("\n");
}
