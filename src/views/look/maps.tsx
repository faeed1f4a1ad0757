import type { ReactElement } from "react";
import {
  type Image,
  type Places,
  placesOf,
  rowLabels,
  rowOf,
  type Trace,
  type TraceLook,
} from "../../attention/index.js";
import { RegardError } from "../../core/index.js";
import { headingHeight } from "../canvas.js";
import { drawableAll, headingLines } from "../drawable.js";
import { textWidth } from "../theme.js";
import {
  type Draw,
  type Drawing,
  type DrawOptions,
  enlarged,
  type MapStyle,
  nameOf,
  themeOf,
} from "./drawing.js";
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
  /** A name for the parts that are used by reference, other than that of any other picture of the page. */
  readonly name: string;
  /** The id of an image that was drawn before, to be shown again; the image is drawn, by this id, where `values` is absent. */
  readonly shared?: string;
}

/** How dark places without attention become. */
const VEIL = 0.78;

export const heightOf = (image: Image, side: number): number =>
  Math.round((side * image.height) / image.width);

/**
 * An image under a veil that attention lifts: cells are as bright as their share of the greatest. To be put into an SVG.
 */
export function MapOver({
  places: { image, rows, columns },
  values,
  used,
  side,
  style = "smooth",
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
  const most = values.reduce((a, b) => Math.max(a, b), 1e-9);
  const [across, down] = [side / columns, height / rows];
  const clip = `${name}-clip`;
  const blur = `${name}-blur`;
  // Cells at the edge go on beyond it, so that blurring leaves no light border.
  const beyond = style === "smooth" ? Math.max(across, down) : 0;
  return (
    <g>
      {picture}
      <clipPath id={clip}>
        <rect width={side} height={height} />
      </clipPath>
      {style === "smooth" && (
        <filter id={blur} x="-20%" y="-20%" width="140%" height="140%" colorInterpolationFilters="sRGB">
          <feGaussianBlur stdDeviation={`${(across * 0.45).toFixed(2)} ${(down * 0.45).toFixed(2)}`} />
        </filter>
      )}
      <g clipPath={`url(#${clip})`}>
        <g {...(style === "smooth" && { filter: `url(#${blur})` })}>
          {Array.from(values, (value, cell) => {
            const [x, y] = [cell % columns, Math.floor(cell / columns)];
            const [left, right] = [x === 0 ? beyond : 0, x === columns - 1 ? beyond : 0];
            const [top, bottom] = [y === 0 ? beyond : 0, y === rows - 1 ? beyond : 0];
            const opacity = VEIL * (1 - Math.max(0, value) / most);
            return opacity < 0.004 ? null : (
              <rect
                key={`${y} ${x}`}
                x={+(x * across - left).toFixed(2)}
                y={+(y * down - top).toFixed(2)}
                width={+(across + left + right + 0.02).toFixed(2)}
                height={+(down + top + bottom + 0.02).toFixed(2)}
                fill="#000000"
                fillOpacity={+opacity.toFixed(3)}
              />
            );
          })}
        </g>
      </g>
      {used !== undefined && (
        <g
          fill="none"
          transform={`translate(${(used % columns) * across} ${Math.floor(used / columns) * down})`}
        >
          <rect width={across} height={down} stroke="#05070a" strokeWidth={3} />
          <rect width={across} height={down} stroke="#ffffff" strokeWidth={1.5} />
        </g>
      )}
    </g>
  );
}

const SIDE = 150;
const GAP = 12;
const LABEL = 24;
/** Pixels that the number below a label takes, and the note below all, where maps are of scores. */
const [NUMBER, NOTE, NOTE_SIZE] = [16, 24, 12];
const COLUMNS = 6;

/** Maps of scores are each drawn by their own greatest, which stands below their label. */
export const eachNote = ({ name, unit }: TraceLook): string =>
  `Each map is drawn by share of its greatest ${name}, the number below its word${unit ? `, in ${unit}` : ""}.`;

/** The place that a row of a look used in the end, where that is not the weights themselves. */
export const usedPlace = (look: TraceLook, row: number): number | undefined =>
  look.used && greatestPlace(rowOf({ ...look, data: look.used }, row));

/**
 * A filmstrip: the image, then, for every step, the image as that step saw it, or the scores of its places with the greatest below
 * its label.
 */
export const drawMaps: Draw = (trace, [look], options) => {
  const theme = themeOf(options);
  const { title, style = "smooth" } = options;
  const places = gridOf(trace, look);
  const words = drawableAll(rowLabels(trace, look));
  const scored = isScore(look);
  const shading = shadingOf(look);
  const columns = Math.min(COLUMNS, words.length + 1);
  const height = heightOf(places.image, SIDE);
  const lines = Math.ceil((words.length + 1) / columns);
  const top = headingHeight(title) + 16;
  const heading = Math.max(
    ...headingLines(title).map((line) => textWidth(line, 16) + 40),
    scored ? textWidth(eachNote(look), NOTE_SIZE) + 32 : 0,
  );
  const label = LABEL + (scored ? NUMBER : 0);
  const width = Math.max(Math.ceil(heading), 16 + columns * (SIDE + GAP) + 4);
  const whole = top + lines * (height + label + GAP) + 4 + (scored ? NOTE : 0);
  const name = nameOf(`${look.name} ${words.join(" ")} ${style} ${theme.background} ${title ?? ""}`);
  const placeOf = (index: number) => ({
    x: 16 + (index % columns) * (SIDE + GAP),
    y: top + Math.floor(index / columns) * (height + label + GAP),
  });
  const [across, down] = [SIDE / places.columns, height / places.rows];
  const body = (
    <>
      {[undefined, ...words].map((word, index) => {
        const { x, y } = placeOf(index);
        const values = word === undefined ? undefined : rowOf(look, index - 1);
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
              places={places}
              values={values}
              used={values && usedPlace(look, index - 1)}
              side={SIDE}
              style={style}
              name={`${name}-${index}`}
              shared={`${name}-image`}
            />
            <text
              x={SIDE / 2}
              y={height + 17}
              textAnchor="middle"
              fill={word === undefined ? theme.faint : theme.text}
              fontWeight={word === undefined ? 400 : 600}
            >
              {word ?? "image"}
            </text>
            {scored && word !== undefined && (
              <text
                x={SIDE / 2}
                y={height + 17 + NUMBER}
                textAnchor="middle"
                fontSize={NOTE_SIZE}
                fill={theme.faint}
              >
                {greatest.toFixed(3)}
              </text>
            )}
          </g>
        );
      })}
      {scored && (
        <text x={16} y={whole - 12} fontSize={NOTE_SIZE} fill={theme.faint}>
          {eachNote(look)}
        </text>
      )}
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
      const frame = { x, y, width: SIDE, height };
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
      <image
        href={image.url}
        width={PATH_SIDE}
        height={height}
        preserveAspectRatio="none"
        style={enlarged(image, PATH_SIDE)}
      />
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
  const { title, style } = options;
  const places = gridOf(trace, look);
  const words = drawableAll(rowLabels(trace, look));
  const height = heightOf(places.image, MOVING_SIDE);
  const top = headingHeight(title) + 16;
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
        <MapOver
          places={places}
          values={rowOf(look, step)}
          used={usedPlace(look, step)}
          side={MOVING_SIDE}
          style={style}
          name={nameOf(`${look.name} step ${words.join(" ")} ${title ?? ""}`) + step}
        />
      </g>
      {words.map((word, index) => (
        <text
          key={index}
          x={labels[index]!.x}
          y={top + height + 26 + labels[index]!.line * 22}
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
    height: top + height + 18 + 22 * lines,
    theme,
    fontSize: 15,
    label: `Where “${words[step]}” looked in the image`,
    title,
    body,
  };
}
