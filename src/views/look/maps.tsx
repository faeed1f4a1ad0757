import type { ReactElement } from "react";
import {
  type Image,
  type Places,
  placesOf,
  rowLabels,
  rowOf,
  type Trace,
  type TraceLook,
} from "../../attention/trace.js";
import { RegardError } from "../../core/index.js";
import { headingHeight } from "../canvas.js";
import { drawableAll, headingLines } from "../drawable.js";
import { linesOf, type Theme, textWidth } from "../theme.js";
import { hex, mapColour, mapCover } from "./colour-map.js";
import {
  type Draw,
  type Drawing,
  type DrawOptions,
  enlarged,
  GREEN,
  type MapStyle,
  nameOf,
  themeOf,
} from "./drawing.js";
import { type Cells, outlines, smoothPicture } from "./field.js";
import { greatestPlace, isScore, shadingOf } from "./shading.js";

export type GridPlaces = Extract<Places, { kind: "grid" }>;

export function gridOf(trace: Trace, look: TraceLook): GridPlaces {
  const places = placesOf(trace, look);
  if (places.kind !== "grid")
    throw new RegardError(
      `look "${look.name}" goes over ${places.kind}, but maps need places of kind "grid".`,
    );
  return places;
}

/** What the places of a look look like at one of its rows, where that changes from step to step. */
export const imageAt = ({ steps }: Trace, { over, from }: TraceLook, row: number): Image | undefined =>
  from === undefined ? steps[row]?.images?.[over] : undefined;

export interface MapOverProps {
  readonly places: GridPlaces;
  /** The values of the cells, row by row; the plain image where absent. */
  readonly values?: Float32Array | undefined;
  /** The cell that was used in the end, to be framed. */
  readonly used?: number | undefined;
  /** The side of the picture in pixels. */
  readonly side: number;
  /** Smooth blurs the cells into one another; grid shows them as they are. */
  readonly style?: MapStyle | undefined;
  /** How much the colours cover the image, 0 to 1. */
  readonly opacity?: number | undefined;
  /** A name for the parts that are used by reference, other than that of any other picture of the page. */
  readonly name: string;
  /** The id of an image that was drawn before, to be shown again; the image is drawn, by this id, where `values` is absent. */
  readonly shared?: string;
}

export const heightOf = (image: Image, side: number): number =>
  Math.round((side * image.height) / image.width);

/** An edge that is seen on anything: dark below, and light. */
const Outline = ({ d, width }: { readonly d: string; readonly width: number }): ReactElement => (
  <g fill="none" strokeLinejoin="round">
    <path d={d} stroke="#05070a" strokeWidth={+(2.4 * width).toFixed(2)} />
    <path d={d} stroke="#ffffff" strokeWidth={width} />
  </g>
);

/** An image as maps lie on it: in grey, at half its brightness (luma of ITU-R BT.709). To be put into an SVG. */
export function Dimmed({ name, children }: { readonly name: string; readonly children: ReactElement }) {
  const row = [0.2126, 0.7152, 0.0722].map((share) => (share / 2).toFixed(4)).join(" ");
  return (
    <>
      <filter id={`${name}-grey`} x="0" y="0" width="1" height="1" colorInterpolationFilters="sRGB">
        <feColorMatrix values={`${row} 0 0 ${row} 0 0 ${row} 0 0 0 0 0 1 0`} />
      </filter>
      <g filter={`url(#${name}-grey)`}>{children}</g>
    </>
  );
}

/** The share of the greatest value from which on values are enclosed by a line. */
const OUTLINED = 0.5;
/** How much the colours of a map cover its image. */
export const MAP_OPACITY = 0.8;

const greatestOf = (values: Float32Array): number => values.reduce((a, b) => Math.max(a, b), 0);

/**
 * An image in grey at half its brightness, under colours of what its cells have by share of the greatest, with a line around
 * those that have half of it or more. To be put into an SVG.
 */
export function MapOver({
  places: { image, rows, columns },
  values,
  used,
  side,
  style = "smooth",
  opacity = MAP_OPACITY,
  name,
  shared,
}: MapOverProps): ReactElement {
  const height = heightOf(image, side);
  const picture =
    shared && values ? (
      <use href={`#${shared}`} />
    ) : (
      <image
        id={shared}
        href={image.url}
        width={side}
        height={height}
        preserveAspectRatio="none"
        style={enlarged(image, side)}
      />
    );
  if (!values) return picture;
  const most = greatestOf(values);
  const [across, down] = [side / columns, height / rows];
  const cells = { values, rows, columns };
  const smooth = style === "smooth";
  return (
    <g>
      <Dimmed name={name}>{picture}</Dimmed>
      {most > 0 && (
        <>
          <clipPath id={`${name}-clip`}>
            <rect width={side} height={height} />
          </clipPath>
          <g clipPath={`url(#${name}-clip)`}>
            <g opacity={opacity}>
              {smooth ? (
                <SmoothCells cells={cells} most={most} across={across} down={down} />
              ) : (
                <PlainCells cells={cells} most={most} across={across} down={down} />
              )}
            </g>
            <Outline d={pathOf(outlines(cells, OUTLINED * most, smooth), across, down)} width={1.5} />
          </g>
        </>
      )}
      {used !== undefined && (
        <rect
          className="used"
          fill="none"
          transform={`translate(${(used % columns) * across} ${Math.floor(used / columns) * down})`}
          width={across}
          height={down}
          stroke={GREEN}
          strokeWidth={2.5}
        />
      )}
    </g>
  );
}

interface DrawnCells {
  readonly cells: Cells;
  readonly most: number;
  /** Pixels of a cell. */
  readonly across: number;
  readonly down: number;
}

function SmoothCells({ cells, most, across, down }: DrawnCells): ReactElement {
  const { url, beyond } = smoothPicture(cells, most);
  return (
    <image
      href={url}
      x={-beyond * across}
      y={-beyond * down}
      width={(cells.columns + 2 * beyond) * across}
      height={(cells.rows + 2 * beyond) * down}
      preserveAspectRatio="none"
    />
  );
}

const PlainCells = ({
  cells: { values, columns },
  most,
  across,
  down,
}: DrawnCells): readonly (ReactElement | null)[] =>
  Array.from(values, (value, cell) => {
    const share = Math.max(0, value) / most;
    return share < 0.004 ? null : (
      <rect
        key={cell}
        x={+((cell % columns) * across).toFixed(2)}
        y={+(Math.floor(cell / columns) * down).toFixed(2)}
        width={+(across + 0.02).toFixed(2)}
        height={+(down + 0.02).toFixed(2)}
        fill={hex(mapColour(share))}
        fillOpacity={+mapCover(share).toFixed(3)}
      />
    );
  });

const pathOf = (
  lines: readonly (readonly (readonly [x: number, y: number])[])[],
  across: number,
  down: number,
): string =>
  lines
    .map(
      (line) => `M${line.map(([x, y]) => `${+(x * across).toFixed(1)} ${+(y * down).toFixed(1)}`).join("L")}`,
    )
    .join("");

/** What the values of a look are, with their unit. */
export const quantityOf = (look: Pick<TraceLook, "name" | "unit">): string =>
  look.unit === undefined ? "attention weight, share of 1" : `${look.name}, ${look.unit}`;

/** Pixels that a scale takes from its top to below its ticks, and with what it is of. */
const [BAR, TICKS, OF] = [9, 24, 40];
export const SCALE_HEIGHT = OF + 8;

export interface MapScaleProps {
  readonly width: number;
  /** What stands at the middle and at the end; 0 stands at the beginning. */
  readonly ticks: readonly [half: string, greatest: string];
  readonly of: string;
  readonly opacity?: number | undefined;
  /** As `MapOver` has it. */
  readonly name: string;
  /** The colours of the picture; those of the page it stands in where absent. */
  readonly theme?: Theme | undefined;
}

/** What the colours of a map stand for, over the grey of an image, with the line that is drawn at half of the greatest. */
export function MapScale({
  width,
  ticks,
  of,
  opacity = MAP_OPACITY,
  name,
  theme,
}: MapScaleProps): ReactElement {
  const text = theme?.text ?? "currentColor";
  const half = OUTLINED * width;
  return (
    <g fontSize={11}>
      <linearGradient id={`${name}-scale`}>
        {Array.from({ length: 17 }, (_, index) => index / 16).map((share) => (
          <stop
            key={share}
            offset={share}
            stopColor={hex(mapColour(share))}
            stopOpacity={+mapCover(share).toFixed(3)}
          />
        ))}
      </linearGradient>
      <rect width={width} height={BAR} fill="#404040" />
      <rect width={width} height={BAR} fill={`url(#${name}-scale)`} fillOpacity={opacity} />
      <Outline d={`M${half} 0V${BAR}`} width={1.5} />
      {(["0", ...ticks] as const).map((tick, index) => (
        <text
          key={index}
          x={(index * width) / 2}
          y={TICKS - 3}
          textAnchor={(["start", "middle", "end"] as const)[index]}
          fill={text}
        >
          {tick}
        </text>
      ))}
      <text y={OF - 3} fill={text}>
        {of}
      </text>
    </g>
  );
}

/** The scale of one map in numbers. */
export const ScaleOf = ({
  look,
  values,
  ...scale
}: Omit<MapScaleProps, "ticks" | "of"> & {
  readonly look: Pick<TraceLook, "name" | "unit">;
  readonly values: Float32Array;
}): ReactElement => {
  const most = greatestOf(values);
  return (
    <MapScale {...scale} ticks={[(OUTLINED * most).toFixed(3), most.toFixed(3)]} of={quantityOf(look)} />
  );
};

/** Pixels that a map and its scale are apart. */
const APART = 8;

/** How much higher a map with its scale is than its image. */
export const SCALE_BELOW = APART + SCALE_HEIGHT;

/** One map with its scale below it. */
export const ScaledMap = ({
  look,
  theme,
  ...map
}: MapOverProps & {
  readonly values: Float32Array;
  readonly look: Pick<TraceLook, "name" | "unit">;
  readonly theme?: Theme | undefined;
}): ReactElement => {
  const { values, side, places, name, opacity } = map;
  return (
    <>
      <MapOver {...map} />
      <g transform={`translate(0 ${heightOf(places.image, side) + APART})`}>
        <ScaleOf look={look} values={values} width={side} opacity={opacity} name={name} theme={theme} />
      </g>
    </>
  );
};

const SIDE = 150;
/** Where there is room for no two maps of that size. */
const LEAST_SIDE = 96;
const GAP = 12;
const LABEL = 24;
/** Pixels of the number below a label, and of the scale below all. */
const [NUMBER, NUMBER_SIZE, SCALE] = [16, 12, 220];
const COLUMNS = 6;

/** Maps are each drawn by their own greatest, which stands below their label. */
export const eachNote = (look: TraceLook): string =>
  `Each map is drawn by share of its greatest ${isScore(look) ? look.name : "weight"}, the number below its word${look.unit ? `, in ${look.unit}` : ""}.`;

/** The place that a row of a look used in the end, where that is not the weights themselves. */
export const usedPlace = (look: TraceLook, row: number): number | undefined =>
  look.used && greatestPlace(rowOf({ ...look, data: look.used }, row));

/**
 * A filmstrip: the image, then, for every step, the image with what that step looked at, or with the scores of its places; the
 * greatest stands below the label.
 */
export const drawMaps: Draw = (trace, [look], options) => {
  const theme = themeOf(options);
  const { title, style = "smooth", opacity } = options;
  const places = gridOf(trace, look);
  const words = drawableAll(rowLabels(trace, look));
  const scored = isScore(look);
  const shading = shadingOf(look);
  const note = `${eachNote(look)} The line encloses half of it and more.`;
  const room = options.room ?? Number.POSITIVE_INFINITY;
  const columns = Math.min(COLUMNS, words.length + 1, Math.max(2, Math.floor((room - 20) / (SIDE + GAP))));
  const side = Math.max(LEAST_SIDE, Math.min(SIDE, Math.floor((room - 20) / columns - GAP)));
  const height = heightOf(places.image, side);
  const lines = Math.ceil((words.length + 1) / columns);
  const top = headingHeight(title) + 16;
  const heading = Math.max(
    ...headingLines(title).map((line) => textWidth(line, 16) + 40),
    Math.max(SCALE, textWidth(quantityOf(look), 11)) + 32,
  );
  const label = LABEL + NUMBER;
  const width = Math.max(Math.ceil(heading), 16 + columns * (side + GAP) + 4);
  const notes = linesOf(note, 11, width - 32);
  const scale = top + lines * (height + label + GAP) + 4;
  const whole = scale + OF + notes.length * (OF - TICKS) + 12;
  const name = nameOf(`${look.name} ${words.join(" ")} ${style} ${theme.background} ${title ?? ""}`);
  const placeOf = (index: number) => ({
    x: 16 + (index % columns) * (side + GAP),
    y: top + Math.floor(index / columns) * (height + label + GAP),
  });
  const [across, down] = [side / places.columns, height / places.rows];
  const body = (
    <>
      {[undefined, ...words].map((word, index) => {
        const { x, y } = placeOf(index);
        const values = word === undefined ? undefined : rowOf(look, index - 1);
        const own = values && imageAt(trace, look, index - 1);
        const greatest = values ? values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) : 0;
        return (
          <g key={index} transform={`translate(${x} ${y})`}>
            <title>
              {word === undefined
                ? `the image, ${places.image.width} × ${places.image.height}`
                : scored
                  ? `${word}: ${shading.text(greatest)} at the place with the greatest ${look.name}`
                  : `${word}: ${greatest.toFixed(3)} at the place it looked at most`}
            </title>
            <MapOver
              places={own ? { ...places, image: own } : places}
              values={values}
              used={values && usedPlace(look, index - 1)}
              side={side}
              style={style}
              opacity={opacity}
              name={`${name}-${index}`}
              {...(!own && { shared: `${name}-image` })}
            />
            <text
              x={side / 2}
              y={height + 17}
              textAnchor="middle"
              fill={word === undefined ? theme.faint : theme.text}
              fontWeight={word === undefined ? 400 : 600}
            >
              {word ?? "image"}
            </text>
            {word !== undefined && (
              <text
                x={side / 2}
                y={height + 17 + NUMBER}
                textAnchor="middle"
                fontSize={NUMBER_SIZE}
                fill={theme.faint}
              >
                {greatest.toFixed(3)}
              </text>
            )}
          </g>
        );
      })}
      <g transform={`translate(16 ${scale})`}>
        <MapScale
          width={SCALE}
          ticks={["half", "greatest"]}
          of={quantityOf(look)}
          opacity={opacity}
          name={name}
          theme={theme}
        />
        {notes.map((line, index) => (
          <text key={line} y={OF - 3 + (index + 1) * (OF - TICKS)} fontSize={11} fill={theme.faint}>
            {line}
          </text>
        ))}
      </g>
    </>
  );
  return {
    width,
    height: whole,
    theme,
    fontSize: 14,
    label: scored
      ? `The ${look.name} of the image's places on each word of “${words.join(" ")}”`
      : `Where each word of “${words.join(" ")}” looked in the image`,
    title,
    body,
    at(x, y) {
      for (let row = 0; row < words.length; row++) {
        const place = placeOf(row + 1);
        const [column, line] = [Math.floor((x - place.x) / across), Math.floor((y - place.y) / down)];
        if (column >= 0 && column < places.columns && line >= 0 && line < places.rows)
          return { look, row, head: 0, place: line * places.columns + column };
      }
      return undefined;
    },
    boxes({ row, place }) {
      const { x, y } = placeOf(row + 1);
      const frame = { x, y, width: side, height };
      if (place === undefined) return [frame];
      return [
        frame,
        {
          x: x + (place % places.columns) * across,
          y: y + Math.floor(place / places.columns) * down,
          width: across,
          height: down,
        },
      ];
    },
  };
};

const PATH_SIDE = 320;

/** Where attention went: the middle of each step's attention, one after the other, over the image. */
export const drawPath: Draw = (trace, [look], options) => {
  const theme = themeOf(options);
  const { title } = options;
  const { image, rows, columns } = gridOf(trace, look);
  const words = drawableAll(rowLabels(trace, look));
  const height = heightOf(image, PATH_SIDE);
  const top = headingHeight(title) + 16;
  const middles = words.map((_, step) => {
    let [x, y, sum] = [0, 0, 0];
    rowOf(look, step).forEach((weight, cell) => {
      x += weight * ((cell % columns) + 0.5);
      y += weight * (Math.floor(cell / columns) + 0.5);
      sum += weight;
    });
    return [
      (x / Math.max(1e-9, sum)) * (PATH_SIDE / columns),
      (y / Math.max(1e-9, sum)) * (height / rows),
    ] as const;
  });
  const path = middles.map(([x, y], index) => `${index === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`);
  const legend = Math.max(60, ...words.map((word) => textWidth(word, 13) + 40));
  const body = (
    <g transform={`translate(16 ${top})`}>
      <Dimmed name={nameOf(`${look.name} path ${words.join(" ")} ${theme.background} ${title ?? ""}`)}>
        <image
          href={image.url}
          width={PATH_SIDE}
          height={height}
          preserveAspectRatio="none"
          style={enlarged(image, PATH_SIDE)}
        />
      </Dimmed>
      <path
        d={path.join("")}
        fill="none"
        stroke="#05070a"
        strokeWidth={4}
        strokeOpacity={0.6}
        strokeLinejoin="round"
      />
      <path d={path.join("")} fill="none" stroke="#ffffff" strokeWidth={2} strokeLinejoin="round" />
      {middles.map(([x, y], index) => (
        <g key={index}>
          <title>{words[index]}</title>
          <circle
            cx={+x.toFixed(1)}
            cy={+y.toFixed(1)}
            r={9}
            fill="#05070a"
            stroke="#ffffff"
            strokeWidth={1.5}
          />
          <text x={+x.toFixed(1)} y={+(y + 3.5).toFixed(1)} textAnchor="middle" fontSize={10} fill="#ffffff">
            {index + 1}
          </text>
        </g>
      ))}
      {words.map((word, index) => (
        <text key={index} x={PATH_SIDE + 16} y={13 + index * 18} fill={theme.text}>
          {`${index + 1}  ${word}`}
        </text>
      ))}
    </g>
  );
  return {
    width: Math.ceil(16 + PATH_SIDE + 16 + legend),
    height: top + Math.max(height, words.length * 18) + 16,
    theme,
    fontSize: 13,
    label: `The way attention took over the image while “${words.join(" ")}” was written`,
    title,
    body,
  };
};

const MOVING_SIDE = 320;

/** The image as one step saw it, large, with the labels of the steps so far below. */
export function drawStep(trace: Trace, look: TraceLook, step: number, options: DrawOptions): Drawing {
  const theme = themeOf(options);
  const { title, style, opacity } = options;
  const places = gridOf(trace, look);
  const words = drawableAll(rowLabels(trace, look));
  const height = heightOf(places.image, MOVING_SIDE);
  const top = headingHeight(title) + 16;
  const below = top + height + SCALE_BELOW;
  const width = MOVING_SIDE + 32;
  const sizes = words.map((word) => textWidth(word, 15) + 9);
  const lines = Math.ceil(sizes.reduce((sum, size) => sum + size, 0) / (width - 80));
  let x = 16;
  let line = 0;
  const labels = sizes.map((size) => {
    if (x + size > width - 8) {
      x = 16;
      line++;
    }
    const place = { x, line };
    x += size;
    return place;
  });
  const body = (
    <>
      <g transform={`translate(16 ${top})`}>
        <ScaledMap
          places={{ ...places, image: imageAt(trace, look, step) ?? places.image }}
          look={look}
          values={rowOf(look, step)}
          used={usedPlace(look, step)}
          side={MOVING_SIDE}
          style={style}
          opacity={opacity}
          theme={theme}
          name={nameOf(`${look.name} step ${words.join(" ")} ${title ?? ""}`) + step}
        />
      </g>
      {words.map((word, index) => (
        <text
          key={index}
          x={labels[index]!.x}
          y={below + 18 + labels[index]!.line * 22}
          fill={index <= step ? theme.text : theme.faint}
          fontWeight={index === step ? 700 : 400}
        >
          {word}
        </text>
      ))}
    </>
  );
  return {
    width,
    height: below + 10 + 22 * lines,
    theme,
    fontSize: 15,
    label: `Where “${words[step]}” looked in the image`,
    title,
    body,
  };
}
