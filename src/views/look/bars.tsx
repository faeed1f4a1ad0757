import { type Places, placeLabels, placesOf, rowLabels, rowOf } from "../../attention/trace.js";
import { RegardError } from "../../core/index.js";
import { headingHeight } from "../canvas.js";
import { drawableAll, headingLines } from "../drawable.js";
import { textWidth } from "../theme.js";
import { type Draw, enlarged, themeOf } from "./drawing.js";
import { usedPlace } from "./maps.js";
import { greatestPlace, isScore, shadingOf } from "./shading.js";

const [BAR, GAP, NOTE] = [34, 8, 26];
/** Pixels of all places side by side, about. */
const WIDTH = 760;

/** The images of a clip, or the picture of a sound, `width` pixels wide. */
function strip(places: Places, cell: number, width: number) {
  if (places.kind === "frames") {
    const side = cell - 2;
    const [first] = places.images;
    const height = first ? Math.round((side * first.height) / first.width) : 0;
    return {
      height,
      body: places.images.map((image, index) => (
        <image
          key={index}
          href={image.url}
          x={index * cell + 1}
          width={side}
          height={height}
          preserveAspectRatio="none"
          style={enlarged(image, side)}
        />
      )),
    };
  }
  if (places.kind === "signal") {
    const height = 96;
    return {
      height,
      body: [
        <image
          key="signal"
          href={places.image.url}
          width={width}
          height={height}
          preserveAspectRatio="none"
        />,
      ],
    };
  }
  throw new RegardError(
    `bars are drawn over frames and sounds, but these places are of kind "${places.kind}".`,
  );
}

/** What a look goes over in the order of time, the images of a clip or a sound, and below it a row of bars for every step. */
export const drawBars: Draw = (trace, [look], options) => {
  const theme = themeOf(options);
  const { title, selected } = options;
  const places = placesOf(trace, look);
  const [, , count] = look.shape;
  const labels = drawableAll(rowLabels(trace, look));
  const names = placeLabels(places, count);
  const cell =
    places.kind === "frames"
      ? Math.max(14, Math.min(84, Math.floor(WIDTH / Math.max(1, count))))
      : WIDTH / Math.max(1, count);
  const shading = shadingOf(look);
  const scale = Math.max(1e-9, Math.abs(shading.greatest));
  const note = `Bars by share of the greatest ${isScore(look) ? look.name : "weight"}, ${shading.text(shading.greatest, 2)}${shading.negative ? "; orange is below 0" : ""}.`;
  const left = Math.ceil(Math.max(0, ...labels.map((label) => textWidth(label, 13)))) + 28;
  const top = headingHeight(title) + 14;
  const width = cell * count;
  const { height, body: pictures } = strip(places, cell, width);
  const start = top + height + GAP + (places.kind === "signal" ? 16 : 0);
  const y = (row: number) => start + row * (BAR + GAP);
  const end = y(labels.length);
  const body = (
    <>
      <g transform={`translate(${left} ${top})`}>{pictures}</g>
      {places.kind === "signal" &&
        [0, 0.25, 0.5, 0.75, 1].map((share) => (
          <text
            key={share}
            x={left + share * width}
            y={top + height + 14}
            textAnchor="middle"
            fontSize={11}
            fill={theme.faint}
          >{`${(share * places.seconds).toFixed(2)} s`}</text>
        ))}
      {labels.map((label, row) => {
        const values = rowOf(look, row);
        const marked = usedPlace(look, row) ?? greatestPlace(values);
        return (
          <g key={row} transform={`translate(${left} ${y(row)})`}>
            <text
              x={-12}
              y={BAR - 4}
              textAnchor="end"
              fill={theme.text}
              fontWeight={selected === row ? 700 : 400}
            >
              {label}
            </text>
            <line x2={width} y1={BAR} y2={BAR} stroke={theme.line} />
            {Array.from(values, (value, place) => {
              const size = (Math.abs(value) / scale) * BAR;
              return (
                <rect
                  key={place}
                  x={+(place * cell + (cell > 4 ? 1 : 0)).toFixed(2)}
                  y={+(BAR - size).toFixed(2)}
                  width={+(cell - (cell > 4 ? 2 : 0)).toFixed(2)}
                  height={+size.toFixed(2)}
                  fill={shading.colour(value, theme)}
                  fillOpacity={place === marked ? 1 : 0.55}
                >
                  <title>{`${label} ← ${names[place]}: ${shading.text(value)}`}</title>
                </rect>
              );
            })}
          </g>
        );
      })}
      <text x={left} y={end + 12} fontSize={12} fill={theme.faint}>
        {note}
      </text>
    </>
  );
  return {
    width: Math.ceil(
      Math.max(
        left + width + 24,
        left + textWidth(note, 12) + 16,
        ...headingLines(title).map((line) => textWidth(line, 16) + 40),
      ),
    ),
    height: Math.ceil(end + NOTE),
    theme,
    fontSize: 13,
    label: `When “${labels.join(" ")}” looked at ${places.kind === "frames" ? "which frame" : "which stretch of the sound"}`,
    title,
    body,
    at(x, py) {
      const place = Math.floor((x - left) / cell);
      const row = Math.floor((py - start) / (BAR + GAP));
      return place >= 0 && place < count && row >= 0 && row < labels.length
        ? { look, row, head: 0, place }
        : undefined;
    },
    boxes: ({ row, place }) => [
      { x: 0, y: y(row), width: left + width, height: BAR },
      ...(place === undefined ? [] : [{ x: left + place * cell, y: top, width: cell, height: end - top }]),
    ],
  };
};
