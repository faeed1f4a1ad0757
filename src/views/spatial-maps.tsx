import type { ReactElement } from "react";
import type { SpatialTrace } from "../attention/trace.js";
import { Canvas, headingHeight } from "./canvas.js";
import { drawableAll, headingLines } from "./drawable.js";
import { eachNote, greatestOf, withUnit } from "./scores.js";
import { light, type Theme, textWidth } from "./theme.js";

export interface AttendedImageProps {
  readonly trace: SpatialTrace;
  /** Which step's attention lies over the image; the plain image where absent. */
  readonly step?: number | undefined;
  /** The side of the picture in pixels. */
  readonly side: number;
  /** Smooth blurs the cells into one another; grid shows them as they are. */
  readonly style?: MapStyle;
  /** A name for the parts that are used by reference, other than that of any other picture of the page. */
  readonly name: string;
  /** The id of an image that was drawn before, to be shown again; the image is drawn, by this id, where `step` is absent. */
  readonly shared?: string;
}

export type MapStyle = "smooth" | "grid";

/** How dark places without attention become. */
const VEIL = 0.78;

/**
 * An image under a veil that attention lifts: places are as bright as their share of the greatest weight. To be put into an
 * SVG.
 */
export function AttendedImage({
  trace,
  step,
  side,
  style = "smooth",
  name,
  shared,
}: AttendedImageProps): ReactElement {
  const { image, grid } = trace;
  const height = Math.round((side * image.height) / image.width);
  const picture =
    shared && step !== undefined ? (
      <use href={`#${shared}`} />
    ) : (
      <image
        id={shared}
        href={image.url}
        width={side}
        height={height}
        preserveAspectRatio="none"
        style={{ imageRendering: image.width * 2 < side ? "pixelated" : "auto" }}
      />
    );
  const weights = step === undefined ? undefined : trace.weights[step];
  if (!weights) return picture;
  const most = Math.max(1e-9, ...weights.flat());
  const [across, down] = [side / grid.columns, height / grid.rows];
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
          {weights.flatMap((row, y) =>
            row.map((weight, x) => {
              const [left, right] = [x === 0 ? beyond : 0, x === grid.columns - 1 ? beyond : 0];
              const [top, bottom] = [y === 0 ? beyond : 0, y === grid.rows - 1 ? beyond : 0];
              const opacity = VEIL * (1 - Math.max(0, weight) / most);
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
            }),
          )}
        </g>
      </g>
    </g>
  );
}

export interface SpatialMapsProps {
  readonly trace: SpatialTrace;
  readonly theme?: Theme;
  readonly title?: string;
  readonly style?: MapStyle;
}

const SIDE = 150;
const GAP = 12;
const LABEL = 24;
/** Pixels that the number below a word takes, and the note below all, where maps are of scores. */
const [NUMBER, NOTE, NOTE_SIZE] = [16, 24, 12];
const COLUMNS = 6;

/** The size of a filmstrip in pixels. */
export function filmstripLayout({ words, image, scores }: SpatialTrace, title?: string) {
  const columns = Math.min(COLUMNS, words.length + 1);
  const height = Math.round((SIDE * image.height) / image.width);
  const rows = Math.ceil((words.length + 1) / columns);
  const top = headingHeight(title) + 16;
  const heading = Math.max(
    ...headingLines(title).map((line) => textWidth(line, 16) + 40),
    scores ? textWidth(eachNote(scores), NOTE_SIZE) + 32 : 0,
  );
  const label = LABEL + (scores ? NUMBER : 0);
  return {
    columns,
    height,
    top,
    label,
    width: Math.max(Math.ceil(heading), 16 + columns * (SIDE + GAP) + 4),
    whole: top + rows * (height + label + GAP) + 4 + (scores ? NOTE : 0),
  };
}

/** Letters and digits of a text, so that pictures of one page do not share names. */
const nameOf = (text: string): string => text.replace(/[^a-z0-9]+/gi, "-").slice(0, 60);

/**
 * A filmstrip: the image, then, for every word written, the image as that word saw it, or the scores of its places with
 * the greatest below the word.
 */
export function SpatialMaps({
  trace,
  theme = light,
  title,
  style = "smooth",
}: SpatialMapsProps): ReactElement {
  const { image, weights, scores } = trace;
  const words = drawableAll(trace.words);
  const { columns, height, top, label, width, whole } = filmstripLayout(trace, title);
  const name = nameOf(`map ${words.join(" ")} ${style} ${theme.background} ${title ?? ""}`);
  return (
    <Canvas
      width={width}
      height={whole}
      theme={theme}
      fontSize={14}
      label={
        scores
          ? `The ${scores.title} of the image's places on each word of “${words.join(" ")}”`
          : `Where each word of “${words.join(" ")}” looked in the image`
      }
      title={title}
    >
      {[undefined, ...words.keys()].map((step, index) => {
        const x = 16 + (index % columns) * (SIDE + GAP);
        const y = top + Math.floor(index / columns) * (height + label + GAP);
        const word = step === undefined ? "" : words[step]!;
        const greatest = step === undefined ? 0 : greatestOf(weights[step]!);
        return (
          <g key={index} transform={`translate(${x} ${y})`}>
            <title>
              {step === undefined
                ? `the image, ${image.width} × ${image.height}`
                : scores
                  ? `${word}: ${withUnit(greatest, scores)} at the place with the greatest ${scores.title}`
                  : `${word}: ${greatest.toFixed(3)} at the place it looked at most`}
            </title>
            <AttendedImage
              trace={trace}
              step={step}
              side={SIDE}
              style={style}
              name={`${name}-${index}`}
              shared={`${name}-image`}
            />
            <text
              x={SIDE / 2}
              y={height + 17}
              textAnchor="middle"
              fill={step === undefined ? theme.faint : theme.text}
              fontWeight={step === undefined ? 400 : 600}
            >
              {step === undefined ? "image" : word}
            </text>
            {scores && step !== undefined && (
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
      {scores && (
        <text x={16} y={whole - 12} fontSize={NOTE_SIZE} fill={theme.faint}>
          {eachNote(scores)}
        </text>
      )}
    </Canvas>
  );
}

const PATH_SIDE = 320;

/** Where attention went: the middle of each word's attention, one after the other, over the image. */
export function AttentionTrajectory({
  trace,
  theme = light,
  title,
}: Omit<SpatialMapsProps, "style">): ReactElement {
  const { image, grid, weights } = trace;
  const words = drawableAll(trace.words);
  const height = Math.round((PATH_SIDE * image.height) / image.width);
  const top = headingHeight(title) + 16;
  const middles = weights.map((rows) => {
    let [x, y, sum] = [0, 0, 0];
    rows.forEach((row, r) => {
      row.forEach((weight, c) => {
        x += weight * (c + 0.5);
        y += weight * (r + 0.5);
        sum += weight;
      });
    });
    return [
      (x / Math.max(1e-9, sum)) * (PATH_SIDE / grid.columns),
      (y / Math.max(1e-9, sum)) * (height / grid.rows),
    ] as const;
  });
  const path = middles.map(([x, y], index) => `${index === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`);
  const legend = Math.max(60, ...words.map((word) => textWidth(word, 13) + 40));
  return (
    <Canvas
      width={Math.ceil(16 + PATH_SIDE + 16 + legend)}
      height={top + Math.max(height, words.length * 18) + 16}
      theme={theme}
      fontSize={13}
      label={`The way attention took over the image while “${words.join(" ")}” was written`}
      title={title}
    >
      <g transform={`translate(16 ${top})`}>
        <image
          href={image.url}
          width={PATH_SIDE}
          height={height}
          preserveAspectRatio="none"
          style={{ imageRendering: image.width * 2 < PATH_SIDE ? "pixelated" : "auto" }}
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
            <circle cx={x} cy={y} r={9} fill="#05070a" stroke="#ffffff" strokeWidth={1.5} />
            <text x={x} y={y + 3.5} textAnchor="middle" fontSize={10} fill="#ffffff">
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
    </Canvas>
  );
}

const MOVING_SIDE = 320;

/** The image as one word saw it, large, with the words written so far below. */
export function AttendedWord({
  trace,
  step,
  theme = light,
  title,
  style = "smooth",
}: SpatialMapsProps & { readonly step: number }): ReactElement {
  const words = drawableAll(trace.words);
  const { height, width, top, whole } = wordLayout(trace, title);
  const sizes = words.map((word) => textWidth(word, 15) + 9);
  let x = 16;
  let row = 0;
  const places = sizes.map((size) => {
    if (x + size > width - 8) {
      x = 16;
      row++;
    }
    const place = { x, row };
    x += size;
    return place;
  });
  return (
    <Canvas
      width={width}
      height={whole}
      theme={theme}
      fontSize={15}
      label={`Where “${words[step]}” looked in the image`}
      title={title}
    >
      <g transform={`translate(16 ${top})`}>
        <AttendedImage
          trace={trace}
          step={step}
          side={MOVING_SIDE}
          style={style}
          name={nameOf(`word ${words.join(" ")} ${title ?? ""} ${step}`)}
        />
      </g>
      {words.map((word, index) => (
        <text
          key={index}
          x={places[index]!.x}
          y={top + height + 26 + places[index]!.row * 22}
          fill={index <= step ? theme.text : theme.faint}
          fontWeight={index === step ? 700 : 400}
        >
          {word}
        </text>
      ))}
    </Canvas>
  );
}

/** The size of `AttendedWord` in pixels. */
export function wordLayout({ image, words }: SpatialTrace, title?: string) {
  const height = Math.round((MOVING_SIDE * image.height) / image.width);
  const top = headingHeight(title) + 16;
  const width = MOVING_SIDE + 32;
  const lines = Math.ceil(words.reduce((sum, word) => sum + textWidth(word, 15) + 9, 0) / (width - 80));
  return { height, top, width, whole: top + height + 18 + 22 * lines };
}
