import { placesOf, rowLabels, rowOf } from "../../attention/trace.js";
import { headingHeight, Note, noteLines } from "../canvas.js";
import { drawableAll, headingLines } from "../drawable.js";
import { textWidth } from "../theme.js";
import { type Draw, themeOf } from "./drawing.js";
import { Heat } from "./heat.js";
import { darkestNote, shadingOf } from "./shading.js";

const [LEFT, GAP, NAME, AXIS, NOTE] = [34, 26, 24, 26, 24];

/** Numbers that are written along an axis of so many cells of so many pixels: at least `apart` pixels from each other. */
function ticks(count: number, cell: number, apart: number): number[] {
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((one) => one * cell >= apart) ?? 1000;
  return Array.from({ length: count }, (_, index) => index + 1).filter(
    (one) => one === 1 || (one % step === 0 && (one - 1) * cell >= apart),
  );
}

const clamp = (value: number, least: number, most: number): number => Math.max(least, Math.min(most, value));

/** Pixels that panels take from left to right at most, and below which each has a line of its own. */
const [ROOM, NARROW] = [972, 480];

/** Heads of a memory over time, a panel for each: steps from left to right, slots from top to bottom. */
export const drawMemory: Draw = (trace, looks, options) => {
  const theme = themeOf(options);
  const { title, selected } = options;
  const [{ shape }] = looks;
  const [steps, slots] = [shape[0], shape[2]];
  const places = placesOf(trace, looks[0]);
  const labels = drawableAll(rowLabels(trace, looks[0]));
  const panels = looks.flatMap((look) => {
    const shading = shadingOf(look);
    return Array.from({ length: look.shape[1] }, (_, head) => ({
      look,
      head,
      shading,
      name: look.shape[1] === 1 ? look.name : `${look.name}, head ${head + 1}`,
    }));
  });
  const room = Math.min(ROOM, options.room ?? ROOM);
  const beside = room < NARROW ? 1 : Math.min(2, panels.length);
  const wide = Math.min(760, room - 12 - beside * (LEFT + GAP));
  const across = clamp(Math.floor(wide / Math.max(1, steps * beside)), 4, 26);
  const down = clamp(Math.floor(420 / Math.max(1, slots)), 3, 22);
  const [width, height] = [
    Math.max(across * steps, ...panels.map(({ name }) => textWidth(name, 13) * 1.1)),
    down * slots,
  ];
  const labelled = labels.every((label) => textWidth(label, 11) <= across + 2);
  const top = headingHeight(title) + 12;
  const perLine = clamp(Math.floor((room - 12) / (width + LEFT + GAP)), 1, panels.length);
  const block = NAME + height + AXIS + 10;
  const placeOf = (index: number) => ({
    x: 12 + LEFT + (index % perLine) * (width + LEFT + GAP),
    y: top + NAME + Math.floor(index / perLine) * block,
  });
  const note = noteLines(darkestNote(looks[0], panels[0]!.shading), options.room);
  const lines = Math.ceil(panels.length / perLine);
  const whole = top + lines * block + 8 + (note.lines.length > 0 ? NOTE + note.more : 0);
  const body = (
    <>
      {panels.map(({ look, head, shading, name }, index) => {
        const { x, y } = placeOf(index);
        return (
          <g key={index} transform={`translate(${x} ${y})`}>
            <text y={-9} fontWeight={600} fill={theme.text}>
              {name}
            </text>
            <rect width={across * steps} height={height} fill="none" stroke={theme.line} />
            {selected !== undefined && selected < steps && (
              <rect
                x={selected * across}
                width={across}
                height={height}
                fill={theme.ink}
                fillOpacity={0.12}
              />
            )}
            <Heat
              rows={slots}
              columns={steps}
              shade={(slot, step) => {
                const value = rowOf(look, step, head)[slot]!;
                return Math.sign(value) * shading.of(value);
              }}
              colours={[theme.ink, theme.against]}
              cell={[across, down]}
            />
            {ticks(slots, down, 15).map((slot) => (
              <text
                key={slot}
                x={-6}
                y={(slot - 0.5) * down + 4}
                textAnchor="end"
                fontSize={11}
                fill={theme.faint}
              >
                {slot}
              </text>
            ))}
            {(labelled ? labels.map((_, step) => step + 1) : ticks(steps, across, 24)).map((step) => (
              <text
                key={step}
                x={(step - 0.5) * across}
                y={height + 15}
                textAnchor="middle"
                fontSize={11}
                fill={theme.faint}
              >
                {labelled ? labels[step - 1] : step}
              </text>
            ))}
          </g>
        );
      })}
      <Note note={note} y={whole - 10 - note.more} theme={theme} />
    </>
  );
  return {
    width: Math.ceil(
      Math.max(
        12 + perLine * (width + LEFT + GAP),
        note.width,
        ...headingLines(title).map((line) => textWidth(line, 16) + 40),
      ),
    ),
    height: Math.ceil(whole),
    theme,
    fontSize: 13,
    label: `${panels.map(({ name }) => name).join(" and ")} over ${slots} ${places.kind === "slots" ? `× ${places.title}` : "places"} in ${steps} steps`,
    title,
    body,
    at(x, y) {
      for (const [index, { look, head }] of panels.entries()) {
        const panel = placeOf(index);
        const [row, place] = [Math.floor((x - panel.x) / across), Math.floor((y - panel.y) / down)];
        if (row >= 0 && row < steps && place >= 0 && place < slots) return { look, row, head, place };
      }
      return undefined;
    },
    boxes({ look, row, head, place }) {
      const { x, y } = placeOf(panels.findIndex((one) => one.look === look && one.head === head));
      return [
        { x: x + row * across, y, width: across, height },
        ...(place === undefined ? [] : [{ x, y: y + place * down, width: across * steps, height: down }]),
      ];
    },
  };
};
