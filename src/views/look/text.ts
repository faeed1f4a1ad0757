import {
  type LookWindow,
  meanOfLooks,
  placeLabels,
  placesOf,
  rowLabels,
  rowOf,
  rowsOf,
  type Trace,
  type TraceLook,
  windowsOf,
} from "../../attention/trace.js";
import { drawableAll } from "../drawable.js";
import { keepingText, meanOpen } from "./gates.js";
import { openLook, type Picture, type PictureOptions, viewOf } from "./look-view.js";
import { eachNote } from "./maps.js";
import { arithmeticOf, channelSums, clearestRow, poolingTitle } from "./mechanics.js";
import { isScore, shadingOf } from "./shading.js";
import { MANY } from "./windows.js";

export interface TerminalOptions {
  /** Whether the terminal shows 24-bit colour; shades of grey characters otherwise. */
  readonly colour: boolean;
  /** Columns of the terminal. */
  readonly width: number;
}

type Looks = readonly [TraceLook, ...TraceLook[]];
type Write = (trace: Trace, looks: Looks, terminal: TerminalOptions) => string;

const SHADES = [" ", "░", "▒", "▓", "█"] as const;
const BARS = " ▁▂▃▄▅▆▇█";

/** From the dark of an unlit cell to a bright blue, or to an orange below 0, evenly in lightness. */
function background(shade: number): string {
  const share = Math.abs(shade);
  const [red, green, blue] = shade < 0 ? [255, 150, 80] : [120, 190, 255];
  const mix = (from: number, to: number) => Math.round(from + (to - from) * share);
  return `${mix(28, red!)};${mix(32, green!)};${mix(40, blue!)}`;
}

const shaded = (shade: number): string =>
  SHADES[Math.min(SHADES.length - 1, Math.round(Math.max(0, shade) * (SHADES.length - 1)))] ?? "?";

/** Cells without a number, `size` letters wide. */
const cells = (shade: number, size: number, colour: boolean): string =>
  colour ? `\u001b[48;2;${background(shade)}m${" ".repeat(size)}\u001b[0m` : shaded(shade).repeat(size);

const bar = (share: number): string =>
  BARS[Math.round(Math.max(0, Math.min(1, share)) * (BARS.length - 1))] ?? "?";

/** A row for each step, a column for each place; scores as numbers in their unit. */
const matrixText: Write = (trace, [look], { colour, width }) => {
  const places = placesOf(trace, look);
  const source = drawableAll(
    places.kind === "tokens"
      ? places.labels
      : placeLabels({ kind: "slots", count: 0, title: "" }, look.shape[2]),
  );
  const target = drawableAll(rowLabels(trace, look));
  const shading = shadingOf(look);
  const left = Math.max(0, ...target.map((word) => word.length));
  const longest = look.data.reduce((most, weight) => Math.max(most, weight.toFixed(2).length), 4);
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
    const line = Array.from(rowOf(look, row), (weight, column) => {
      const size = widths[column]!;
      const shade = Math.sign(weight) * shading.of(weight);
      const number = Math.abs(weight) >= 0.005 && size >= longest + 2 ? weight.toFixed(2) : "";
      if (colour) {
        const foreground = Math.abs(shade) > 0.5 ? "16;20;28" : "200;208;218";
        return `\u001b[48;2;${background(shade)}m\u001b[38;2;${foreground}m${centred(number, size)}\u001b[0m`;
      }
      const block = shaded(shade);
      return size >= longest + 2 ? centred(`${block.repeat(2)}${number}`, size) : block.repeat(size);
    });
    lines.push(`${word.padStart(left)}  ${line.join("")}`);
  });
  if (!fits) lines.push("", source.map((word, index) => `${index + 1} ${word}`).join("  "));
  if (isScore(look) && look.data.length > 0)
    lines.push("", `Drawn by share of the greatest ${look.name}, ${shading.text(shading.greatest, 2)}.`);
  return lines.map((line) => line.trimEnd()).join("\n");
};

/** A line for each gate, a bar for each token as high as the gate is open on average. */
const gatesText: Write = (trace, looks, { width }) => {
  const tokens = drawableAll(rowLabels(trace, looks[0]));
  const left = Math.max(0, ...looks.map(({ name }) => name.length));
  const sizes = tokens.map((token) => Math.max(6, token.length + 2));
  const fits = left + 2 + sizes.reduce((a, b) => a + b, 0) <= width;
  const lines = looks.map((look) => {
    const line = meanOpen(rowsOf(look)).map((mean, index) =>
      fits ? `${bar(mean)} ${mean.toFixed(2)}`.padEnd(sizes[index]!) : bar(mean),
    );
    return `${look.name.padStart(left)}  ${line.join("")}`.trimEnd();
  });
  const header = fits ? tokens.map((token, index) => token.padEnd(sizes[index]!)).join("") : tokens.join(" ");
  const kept = looks.flatMap((look) => {
    const text = keepingText(look);
    return text === undefined ? [] : [`${look.name.padStart(left)}  ${text}`];
  });
  return [
    `${" ".repeat(left + 2)}${header}`.trimEnd(),
    ...lines,
    ...(kept.length > 0 ? ["", ...kept] : []),
  ].join("\n");
};

/** For every step a grid whose cells are as bright as their share of its greatest value. */
const mapsText: Write = (trace, [look], { colour, width }) => {
  const places = placesOf(trace, look);
  if (places.kind !== "grid") return "";
  const words = drawableAll(rowLabels(trace, look));
  const across = Math.max(2 * places.columns, 8);
  const columns = Math.max(1, Math.floor((width + 2) / (across + 2)));
  const greatest = words.map((_, row) =>
    rowOf(look, row).reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  );
  const lines: string[] = [];
  for (let start = 0; start < words.length; start += columns) {
    const part = words.slice(start, start + columns).map((word, index) => ({ word, row: start + index }));
    lines.push(part.map(({ word }) => word.slice(0, across).padEnd(across)).join("  "));
    if (isScore(look)) lines.push(part.map(({ row }) => greatest[row]!.toFixed(3).padEnd(across)).join("  "));
    for (let line = 0; line < places.rows; line++)
      lines.push(
        part
          .map(({ row }) => {
            const most = Math.max(1e-9, greatest[row]!);
            const values = rowOf(look, row).subarray(line * places.columns, (line + 1) * places.columns);
            const drawn = Array.from(values, (value) => cells(Math.max(0, value) / most, 2, colour));
            return drawn.join("") + " ".repeat(across - 2 * places.columns);
          })
          .join("  "),
      );
    lines.push("");
  }
  return [...lines.slice(0, -1), ...(isScore(look) && words.length > 0 ? ["", eachNote(look)] : [])]
    .map((line) => line.trimEnd())
    .join("\n");
};

/** Lines that slots are drawn in at most; of more, the greatest of neighbours. */
const LINES = 32;

/** For each head a line for every slot that it looks at, or for neighbouring slots, and a letter or two for every step. */
const memoryText: Write = (_, looks, { colour, width }) => {
  const [steps, , slots] = looks[0].shape;
  const lines = Math.min(LINES, slots);
  const first = (line: number) => Math.floor((line * slots) / lines);
  const names = Array.from({ length: lines }, (__, line) =>
    first(line) + 1 === first(line + 1) ? `${first(line + 1)}` : `${first(line) + 1}–${first(line + 1)}`,
  );
  const left = Math.max(...names.map((name) => name.length));
  const size = Math.max(1, Math.min(2, Math.floor((width - left - 2) / Math.max(1, steps))));
  return looks
    .flatMap((look) => {
      const shading = shadingOf(look);
      return Array.from({ length: look.shape[1] }, (__, head) =>
        [
          look.shape[1] > 1 ? `${look.name}, head ${head + 1}` : look.name,
          ...names.flatMap((name, line) => {
            const row = Array.from({ length: steps }, (___, step) =>
              shading.of(
                rowOf(look, step, head)
                  .subarray(first(line), first(line + 1))
                  .reduce((a, b) => Math.max(a, b), 0),
              ),
            );
            // Slots that are never looked at are left out.
            if (row.every((shade) => shade < 0.1)) return [];
            return `${name.padStart(left)}  ${row.map((shade) => cells(shade, size, colour)).join("")}`.trimEnd();
          }),
        ].join("\n"),
      );
    })
    .join("\n\n");
};

/** How one step came by what it handed on: a line for each channel, its greatest products and what the others add up to. */
const mechanicsText =
  (selected: number | undefined): Write =>
  (trace, [look]) => {
    const [, , places] = look.shape;
    const row = selected ?? clearestRow(look, look.weighed!);
    const weights = look.weighed!.by.subarray(row * places, (row + 1) * places);
    return [
      `“${drawableAll(rowLabels(trace, look))[row]}”: ${places} places × ${look.weighed!.features} channels, ${poolingTitle(look.weighed!)}`,
      ...channelSums(look, row).map((one) => `channel ${one.channel + 1}: ${arithmeticOf(one, weights)}`),
    ].join("\n");
  };

/** A line for each step, a bar for each image or stretch of sound. */
const barsText: Write = (trace, [look], { width }) => {
  const labels = drawableAll(rowLabels(trace, look));
  const left = Math.max(0, ...labels.map((label) => label.length));
  const shading = shadingOf(look);
  const most = Math.max(1e-9, Math.abs(shading.greatest));
  const places = placesOf(trace, look);
  const count = look.shape[2];
  const names = placeLabels(places, count);
  const letters = Math.max(1, Math.min(count, width - left - 2));
  const size = Math.max(1, Math.min(3, Math.floor((width - left - 2) / Math.max(1, count))));
  const first = (letter: number) => Math.floor((letter * count) / letters);
  return [
    `${" ".repeat(left + 2)}${names[0] ?? ""} to ${names.at(-1) ?? ""}; a full bar is ${shading.text(shading.greatest, 2)}`,
    ...labels.map((label, row) => {
      const bars = Array.from({ length: letters }, (_, letter) => {
        const values = rowOf(look, row).subarray(first(letter), first(letter + 1));
        return bar(values.reduce((a, b) => Math.max(a, b), 0) / most).repeat(size);
      });
      return `${label.padStart(left)}  ${bars.join("")}`.trimEnd();
    }),
  ].join("\n");
};

/** Where many windows are: the mean of their centres and one standard deviation each way. */
function cloudText(windows: readonly LookWindow[], share: (value: number) => string): string {
  const along = (axis: "x" | "y") => {
    const mean = windows.reduce((sum, one) => sum + one[axis], 0) / windows.length;
    const square = windows.reduce((sum, one) => sum + (one[axis] - mean) ** 2, 0) / windows.length;
    return `${share(mean)} ± ${share(Math.sqrt(square))}`;
  };
  return `${windows.length} around ${along("x")} from the left, ${along("y")} from the top`;
}

/** A line for each step: where its windows were, and how large, in per cent of the image. */
const windowsText: Write = (trace, [look]) => {
  const labels = drawableAll(rowLabels(trace, look));
  const left = Math.max(0, ...labels.map((label) => label.length));
  const share = (value: number) => `${(100 * value).toFixed(1)} %`;
  return labels
    .map((label, row) => {
      const all = windowsOf(look, row);
      if (all.length > MANY) return `${label.padStart(left)}  ${cloudText(all, share)}`;
      const windows = all.map(
        ({ x, y, width, height }) =>
          `centre ${share(x)} from the left, ${share(y)} from the top, ${share(width)} × ${share(height)}`,
      );
      return `${label.padStart(left)}  ${windows.join("; ")}`;
    })
    .join("\n");
};

/** The mean over heads, and how many they are. */
const headsText =
  (picture: Picture, open: PictureOptions["open"]): Write =>
  (trace, looks, terminal) => {
    const heads = looks.reduce((sum, { shape }) => sum + shape[1], 0);
    return [
      open
        ? `${open.look}, head ${open.head + 1}`
        : `the mean of ${heads} heads (${looks.map(({ name, shape }) => `${name}: ${shape[1]}`).join(", ")})`,
      matrixText(trace, [openLook(picture, open)], terminal),
    ].join("\n");
  };

/** Numbers that are the same but for rounding. */
const alike = (one: TraceLook, other: TraceLook): boolean =>
  one.shape.join() === other.shape.join() &&
  one.over === other.over &&
  one.data.every((value, index) => Math.abs(value - other.data[index]!) < 1e-5);

/**
 * Pictures that differ as text, in which heads are told of by their mean: a look that is no more than the mean of some heads is
 * told as theirs, where it stands.
 */
export function distinctAsText(pictures: readonly Picture[]): Picture[] {
  const heads = pictures.filter(({ views: [view] }) => view === "heads");
  const told = pictures.map((picture) => {
    const { looks, views } = picture;
    if (views[0] === "heads" || looks.length > 1) return picture;
    return heads.find((other) => alike(looks[0], meanOfLooks(other.looks))) ?? picture;
  });
  return [...new Set(told)];
}

/** A picture of a trace as text for the terminal. */
export function pictureText(
  trace: Trace,
  picture: Picture,
  { open, view, selected, ...terminal }: TerminalOptions & Pick<PictureOptions, "open" | "view" | "selected">,
): string {
  const one: Looks = [openLook(picture, open)];
  switch (viewOf(picture, view)) {
    case "gates":
      return gatesText(trace, picture.looks, terminal);
    case "memory":
      return memoryText(trace, picture.looks, terminal);
    case "heads":
      return headsText(picture, open)(trace, picture.looks, terminal);
    case "trail":
    case "canvases":
      return windowsText(trace, picture.looks, terminal);
    case "mechanics":
      return mechanicsText(selected)(trace, one, terminal);
    case "maps":
    case "path":
      return mapsText(trace, one, terminal);
    case "bars":
      return barsText(trace, one, terminal);
    default:
      return matrixText(trace, one, terminal);
  }
}
