import type { ReactNode } from "react";
import {
  type Image,
  type LookWindow,
  type Places,
  placesOf,
  rowLabels,
  type Trace,
  type TraceLook,
  windowsOf,
} from "../../attention/trace.js";
import { RegardError } from "../../core/index.js";
import { headingHeight } from "../canvas.js";
import { drawable, headingLines } from "../drawable.js";
import { textWidth } from "../theme.js";
import { type Box, type Draw, enlarged, GREEN, nameOf, type Spot, themeOf } from "./drawing.js";
import { Dimmed, heightOf } from "./maps.js";

/** The dark edge of what is drawn in green. */
const EDGE = "#05070a";

function canvasOf(trace: Trace, look: TraceLook): Extract<Places, { kind: "canvas" | "grid" }> {
  const places = placesOf(trace, look);
  if (places.kind !== "canvas" && places.kind !== "grid")
    throw new RegardError(
      `look "${look.name}" is of windows, but they lie on ${places.kind}, not on a canvas.`,
    );
  return places;
}

/** A window in pixels of a picture of an image. */
const boxOf = ({ x, y, width, height }: LookWindow, across: number, down: number, scale = 1): Box => ({
  x: (x - (width * scale) / 2) * across,
  y: (y - (height * scale) / 2) * down,
  width: width * scale * across,
  height: height * scale * down,
});

const rounded = ({ x, y, width, height }: Box) => ({
  x: +x.toFixed(2),
  y: +y.toFixed(2),
  width: +width.toFixed(2),
  height: +height.toFixed(2),
});

/** A window with a dark edge, so that it is seen on anything. */
const Frame = ({
  box,
  opacity,
  colour = GREEN,
}: {
  box: Box;
  opacity: number;
  colour?: string;
}): ReactNode => (
  <g fill="none" strokeOpacity={opacity}>
    <rect {...rounded(box)} stroke={EDGE} strokeWidth={3.5} />
    <rect {...rounded(box)} stroke={colour} strokeWidth={1.8} />
  </g>
);

const SIDE = 360;
const [THUMB, GAP, LABEL, ACROSS] = [64, 6, 20, 8];

/** Every resolution of a glimpse: the windows themselves, each as large as every scale of the canvas says. */
const glimpsesOf = (look: TraceLook, row: number, scales: readonly number[]): LookWindow[] =>
  windowsOf(look, row).flatMap((window) =>
    scales.map((scale) => ({ ...window, width: window.width * scale, height: window.height * scale })),
  );

/**
 * The way of a gaze: a green line from window to window, the first filled, the last hollow, over the image, which is grey and dim
 * but where a window lay; and beside it what each glimpse holds, a row for every resolution.
 */
export const drawTrail: Draw = (trace, [look], options) => {
  const theme = themeOf(options);
  const { title, selected } = options;
  const canvas = canvasOf(trace, look);
  const { image } = canvas;
  const scales = (canvas.kind === "canvas" && canvas.scales) || [1];
  const labels = rowLabels(trace, look).map((label) => drawable(label, 9));
  // Where there is little room, what glimpses hold stands below the image.
  const room = options.room ?? Number.POSITIVE_INFINITY;
  const below = room < 16 + SIDE + 24 + 3 * (THUMB + GAP);
  const side = below ? Math.max(120, Math.min(SIDE, room - 32)) : SIDE;
  const height = heightOf(image, side);
  const top = headingHeight(title) + 16;
  const windows = labels.map((_, row) => windowsOf(look, row));
  // Of several windows of a step the first sees most sharply; the others would leave nothing dim.
  const bright = windows.flatMap(([first]) => first ?? []);
  const centres = windows.map(([first]) => [first!.x * side, first!.y * height] as const);
  const strips = labels.map((_, row): readonly (Image | LookWindow)[] => {
    const seen = look.from === undefined ? trace.steps[row]?.seen : undefined;
    return seen ?? glimpsesOf(look, row, scales);
  });
  const deep = Math.max(1, ...strips.map((strip) => strip.length));
  const strip = deep * (THUMB + GAP) + LABEL;
  const left = below ? 16 : 16 + side + 24;
  const stripTop = below ? top + height + 16 : top;
  const fitting = Math.max(1, Math.min(ACROSS, Math.floor((room - left - 10) / (THUMB + GAP))));
  const columns = Math.min(fitting, labels.length);
  const stripAt = (row: number) => ({
    x: left + (row % fitting) * (THUMB + GAP),
    y: stripTop + Math.floor(row / fitting) * (strip + GAP),
  });
  const id = nameOf(`${look.name} trail ${theme.background} ${title ?? ""} ${image.url.slice(-24)}`);
  const path = centres
    .map(([x, y], row) => `${row === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`)
    .join("");
  const whole = (
    <g transform={`scale(${side / image.width} ${height / image.height})`}>
      <use href={`#${id}`} />
    </g>
  );
  const thumb = (of: Image | LookWindow, y: number, key: number): ReactNode => {
    if ("url" in of)
      return (
        <image
          key={key}
          href={of.url}
          y={y}
          width={THUMB}
          height={THUMB}
          preserveAspectRatio="none"
          style={enlarged(of, THUMB)}
        />
      );
    const box = boxOf(of, image.width, image.height);
    return (
      <svg
        key={key}
        y={y}
        width={THUMB}
        height={THUMB}
        viewBox={`${box.x.toFixed(3)} ${box.y.toFixed(3)} ${Math.max(1e-3, box.width).toFixed(3)} ${Math.max(1e-3, box.height).toFixed(3)}`}
        preserveAspectRatio="none"
      >
        <title>{`${(100 * of.width).toFixed(1)} % × ${(100 * of.height).toFixed(1)} % of the image`}</title>
        <rect {...rounded(box)} fill="#000000" />
        <use href={`#${id}`} />
      </svg>
    );
  };
  const body = (
    <>
      <defs>
        <image
          id={id}
          href={image.url}
          width={image.width}
          height={image.height}
          preserveAspectRatio="none"
          style={enlarged(image, side)}
        />
        <clipPath id={`${id}-clip`}>
          <rect width={side} height={height} />
        </clipPath>
      </defs>
      <g transform={`translate(16 ${top})`}>
        <Dimmed name={id}>{whole}</Dimmed>
        <clipPath id={`${id}-seen`}>
          {bright.map((window, index) => (
            <rect key={index} {...rounded(boxOf(window, side, height))} />
          ))}
        </clipPath>
        <g clipPath={`url(#${id}-clip)`}>
          <g clipPath={`url(#${id}-seen)`}>{whole}</g>
        </g>
        <g clipPath={`url(#${id}-clip)`}>
          {windows.map((those, row) =>
            those.map((window, index) => (
              <Frame
                key={`${row} ${index}`}
                box={boxOf(window, side, height)}
                opacity={selected === row ? 1 : index > 0 ? 0.12 : selected === undefined ? 0.55 : 0.25}
              />
            )),
          )}
        </g>
        <path d={path} fill="none" stroke={EDGE} strokeWidth={5} strokeOpacity={0.6} strokeLinejoin="round" />
        <path d={path} fill="none" stroke={GREEN} strokeWidth={2.4} strokeLinejoin="round" />
        {centres.map(([x, y], row) => {
          const last = row === centres.length - 1;
          const end = row === 0 || last;
          return (
            <g key={row}>
              <title>{`${labels[row]}: ${windows[row]!.map((one) => `centre ${one.x.toFixed(3)}, ${one.y.toFixed(3)}; ${one.width.toFixed(3)} × ${one.height.toFixed(3)} of the image`).join("; ")}`}</title>
              <circle
                cx={+x.toFixed(1)}
                cy={+y.toFixed(1)}
                r={end ? 6.5 : 3.5}
                fill={last && row > 0 ? "none" : GREEN}
                stroke={last && row > 0 ? GREEN : EDGE}
                strokeWidth={last && row > 0 ? 2.6 : 1.2}
              />
            </g>
          );
        })}
      </g>
      {strips.map((those, row) => {
        const { x, y } = stripAt(row);
        return (
          <g key={row} transform={`translate(${x} ${y})`}>
            {those.map((one, index) => thumb(one, index * (THUMB + GAP), index))}
            {selected === row && (
              <rect
                x={-2}
                y={-2}
                width={THUMB + 4}
                height={those.length * (THUMB + GAP) - GAP + 4}
                fill="none"
                stroke={theme.ink}
                strokeWidth={2}
              />
            )}
            <text
              x={THUMB / 2}
              y={deep * (THUMB + GAP) + 10}
              textAnchor="middle"
              fill={theme.text}
              fontWeight={selected === row ? 700 : 400}
            >
              {labels[row]}
            </text>
          </g>
        );
      })}
    </>
  );
  const lines = Math.ceil(labels.length / fitting);
  return {
    width: Math.ceil(
      Math.max(
        16 + side + 16,
        left + columns * (THUMB + GAP) - GAP + 16,
        ...headingLines(title).map((line) => textWidth(line, 16) + 40),
      ),
    ),
    height: Math.max(top + height, stripTop + lines * (strip + GAP)) + 16,
    theme,
    fontSize: 12,
    label: `The way of the look “${look.name}” over the image in ${labels.length} steps`,
    title,
    body,
    at(x, y): Spot | undefined {
      const [inX, inY] = [x - 16, y - top];
      if (inX >= 0 && inX <= side && inY >= 0 && inY <= height) {
        let [row, nearest] = [0, Number.POSITIVE_INFINITY];
        centres.forEach(([cx, cy], index) => {
          const distance = Math.hypot(cx - inX, cy - inY);
          // Where two lie on each other, the one that is looked at is meant.
          if (distance < nearest || (index === selected && distance <= nearest + 3))
            [row, nearest] = [index, distance];
        });
        return centres.length === 0 ? undefined : { look, row, head: 0, point: [inX / side, inY / height] };
      }
      const row = labels.findIndex((_, index) => {
        const place = stripAt(index);
        return x >= place.x && x < place.x + THUMB && y >= place.y && y < place.y + strip;
      });
      return row < 0 ? undefined : { look, row, head: 0 };
    },
    boxes: ({ row }) =>
      windows[row]!.map((window) => {
        const box = boxOf(window, side, height);
        return { ...box, x: box.x + 16, y: box.y + top };
      }),
  };
};

const [CELL, CELLS] = [132, 6];
/** As the paper draws them (Gregor et al. 2015, fig. 3). */
const RED = "#ff3b30";

/** Windows of a step beyond which they are drawn as dots in their middles, and told of together: the particles of a filter. */
export const MANY = 12;

/** Windows over a canvas that changes: the picture as it stands after every step, with the window of that step. */
export const drawCanvases: Draw = (trace, [look], options) => {
  const theme = themeOf(options);
  const { title, selected } = options;
  const { image } = canvasOf(trace, look);
  const labels = rowLabels(trace, look).map((label) => drawable(label, 16));
  const height = heightOf(image, CELL);
  const top = headingHeight(title) + 16;
  const columns = Math.min(CELLS, labels.length);
  const placeOf = (row: number) => ({
    x: 16 + (row % CELLS) * (CELL + 12),
    y: top + Math.floor(row / CELLS) * (height + 32),
  });
  const id = nameOf(`${look.name} canvas ${theme.background} ${title ?? ""}`);
  const body = (
    <>
      <clipPath id={`${id}-clip`}>
        <rect width={CELL} height={height} />
      </clipPath>
      {labels.map((label, row) => {
        const { x, y } = placeOf(row);
        const now = trace.steps[row]?.images?.[look.over] ?? image;
        return (
          <g key={row} transform={`translate(${x} ${y})`}>
            <image
              href={now.url}
              width={CELL}
              height={height}
              preserveAspectRatio="none"
              style={enlarged(now, CELL)}
            />
            <g clipPath={`url(#${id}-clip)`}>
              {windowsOf(look, row).map((window, index, { length }) =>
                length > MANY ? (
                  <circle
                    key={index}
                    cx={+(window.x * CELL).toFixed(2)}
                    cy={+(window.y * height).toFixed(2)}
                    r={1.4}
                    fill={RED}
                    fillOpacity={0.7}
                  />
                ) : (
                  <Frame key={index} box={boxOf(window, CELL, height)} opacity={1} colour={RED} />
                ),
              )}
            </g>
            <rect
              width={CELL}
              height={height}
              fill="none"
              stroke={selected === row ? theme.ink : theme.line}
              strokeWidth={selected === row ? 2.5 : 1}
            />
            <text x={CELL / 2} y={height + 17} textAnchor="middle" fill={theme.text}>
              {label}
            </text>
          </g>
        );
      })}
    </>
  );
  const find = (x: number, y: number): Spot | undefined => {
    for (let row = 0; row < labels.length; row++) {
      const place = placeOf(row);
      const point = [(x - place.x) / CELL, (y - place.y) / height] as const;
      if (point.every((share) => share >= 0 && share <= 1)) return { look, row, head: 0, point };
    }
    return undefined;
  };
  return {
    width: Math.ceil(
      Math.max(
        16 + columns * (CELL + 12) + 4,
        ...headingLines(title).map((line) => textWidth(line, 16) + 40),
      ),
    ),
    height: top + Math.ceil(labels.length / CELLS) * (height + 32) + 4,
    theme,
    fontSize: 12,
    label: `The window of the look “${look.name}” over the canvas in ${labels.length} steps`,
    title,
    body,
    at: find,
    boxes: ({ row }) => [{ ...placeOf(row), width: CELL, height }],
  };
};
