import type { ReactElement } from "react";
import { rowLabels, type TraceLook, type Weighed } from "../../attention/trace.js";
import { RegardError } from "../../core/index.js";
import { headingHeight } from "../canvas.js";
import { drawableAll, headingLines } from "../drawable.js";
import { linesOf, type Theme, textWidth } from "../theme.js";
import { type Draw, enlarged, nameOf, themeOf } from "./drawing.js";
import { Heat } from "./heat.js";
import { gridOf, heightOf, imageAt, SCALE_BELOW, ScaledMap } from "./maps.js";
import { greatestPlace } from "./shading.js";

/** One channel of a step, from what the places have to what is handed on. */
export interface ChannelSum {
  readonly channel: number;
  /** What the places have, and times their weights, [P]. */
  readonly values: readonly number[];
  readonly products: readonly number[];
  /** The products added up. */
  readonly sum: number;
  /** What the model has instead, where it adds them up. */
  readonly pooled?: number;
}

/** Every channel that is told of, at one step. @throws RegardError where it is not known what a look weighed */
export function channelSums(
  { name, weighed, shape: [rows, , places] }: TraceLook,
  row: number,
): ChannelSum[] {
  if (!weighed)
    throw new RegardError(
      `look "${name}" does not say what it weighed, so there is nothing to show of its mechanics; ask the run itself, by a model whose grid of places is pooled in a step.`,
    );
  const { channels, by, values, pooled } = weighed;
  const count = channels.length;
  const start = values.length === rows * places * count ? row * places * count : 0;
  return channels.map((channel, index) => {
    const own = Array.from({ length: places }, (_, place) => values[start + place * count + index]!);
    const products = own.map((value, place) => value * by[row * places + place]!);
    return {
      channel,
      values: own,
      products,
      sum: products.reduce((a, b) => a + b, 0),
      ...(pooled && { pooled: pooled[row * count + index]! }),
    };
  });
}

/** The row that shows a look's mechanics best: the one with the greatest weight. */
export function clearestRow({ shape: [, , places] }: TraceLook, { by }: Weighed): number {
  return Math.floor(greatestPlace(by) / Math.max(1, places));
}

const number = (value: number, digits = 2): string => value.toFixed(digits).replace("-", "−");

/** Terms of a sum that are written out. */
const TERMS = 3;

/** How a channel's sum comes about: its greatest products as weight × value, and what the others add up to. */
export function arithmeticOf(
  { values, products, sum, pooled }: ChannelSum,
  weights: ArrayLike<number>,
): string {
  const order = products
    .map((_, place) => place)
    .sort((a, b) => Math.abs(products[b]!) - Math.abs(products[a]!));
  const told = order.slice(0, TERMS);
  const others = products.length - told.length;
  const rest = sum - told.reduce((total, place) => total + products[place]!, 0);
  return [
    told.map((place) => `${number(weights[place]!, 3)} × ${number(values[place]!)}`).join(" + "),
    ...(others > 0 ? [` + ${number(rest, 3)} (${others} more)`] : []),
    ` = ${number(pooled ?? sum, 3)}`,
  ].join("");
}

/** A sum in lines, broken between its terms. */
const termsOf = (sum: string, width: number): string[] =>
  linesOf(sum.replace(/ (?![+=])/g, "\u00a0"), 11, width).map((line) => line.replaceAll("\u00a0", " "));

/** What becomes of products, as a heading. */
export const poolingTitle = ({ pooled }: Weighed): string => (pooled ? "pooling" : "no pooling");

const [MARGIN, IMAGE, MAP, BAR] = [16, 190, 92, 120];
/** Pixels between stages, where the sign of what is done stands. */
const SIGN = 40;
const [LABEL, HEADING, CHIP] = [30, 46, 26];

/** Values of a grid around 0, above it in one colour and below it in the other. */
function Signed({
  values,
  most,
  columns,
  width,
  height,
  theme,
}: {
  readonly values: readonly number[];
  readonly most: number;
  readonly columns: number;
  readonly width: number;
  readonly height: number;
  readonly theme: Theme;
}): ReactElement {
  const rows = values.length / columns;
  return (
    <>
      <Heat
        rows={rows}
        columns={columns}
        shade={(row, column) => values[row * columns + column]! / most}
        colours={[theme.ink, theme.against]}
        cell={[width / columns, height / rows]}
      />
      <rect width={width} height={height} fill="none" stroke={theme.line} />
    </>
  );
}

/** What the colours of signed values stand for. */
const SignedScale = ({
  most,
  theme,
  name,
}: {
  readonly most: number;
  readonly theme: Theme;
  readonly name: string;
}) => (
  <g fontSize={11} fill={theme.text}>
    <linearGradient id={name}>
      <stop offset={0} stopColor={theme.against} />
      <stop offset={0.5} stopColor={theme.against} stopOpacity={0} />
      <stop offset={0.5} stopColor={theme.ink} stopOpacity={0} />
      <stop offset={1} stopColor={theme.ink} />
    </linearGradient>
    <rect width={MAP} height={9} fill={`url(#${name})`} stroke={theme.line} />
    <text y={21}>{number(-most)}</text>
    <text x={MAP} y={21} textAnchor="end">
      {number(most)}
    </text>
  </g>
);

/**
 * How one step comes by what it hands on: the features of the places, times their weights, added up, for a few channels and with
 * the numbers of each stage. The steps stand above, the one that is shown in bold.
 */
export const drawMechanics: Draw = (trace, [look], options) => {
  const theme = themeOf(options);
  const { title, style, opacity } = options;
  const places = gridOf(trace, look);
  const [rows, , count] = look.shape;
  const row = Math.min(Math.max(0, rows - 1), options.selected ?? clearestRow(look, look.weighed!));
  const sums = channelSums(look, row);
  const weighed = look.weighed!;
  const { features, pooled } = weighed;
  const weights = weighed.by.subarray(row * count, (row + 1) * count);
  const words = drawableAll(rowLabels(trace, look));
  const image = imageAt(trace, look, row) ?? places.image;
  const name = nameOf(`${look.name} mechanics ${row} ${words.join(" ")} ${theme.background} ${title ?? ""}`);
  const [most, greatest] = [(one: ChannelSum) => one.values, (one: ChannelSum) => one.products].map((of) =>
    Math.max(1e-9, ...sums.flatMap((one) => of(one).map(Math.abs))),
  ) as [number, number];
  const longest = Math.max(1e-9, ...(pooled ?? [0]).map(Math.abs));
  const arithmetic = sums.map((one) => arithmeticOf(one, weights));

  // From left to right: image, features × weights = products → what is handed on.
  const atFeatures = MARGIN + IMAGE + SIGN;
  const atWeights = atFeatures + MAP + SIGN;
  const atProducts = atWeights + IMAGE + SIGN;
  const atPooling = atProducts + MAP + SIGN;
  const asWide = Math.max(...arithmetic.map((line) => textWidth(line, 11)));
  const room = (options.room ?? Number.POSITIVE_INFINITY) - atPooling - MARGIN;
  const pooling = Math.max(220, Math.min(asWide, room));
  const lines = arithmetic.map((line) => termsOf(line, pooling));
  const width = Math.ceil(
    Math.max(atPooling + pooling + MARGIN, ...headingLines(title).map((line) => textWidth(line, 16) + 40)),
  );

  const chips: { x: number; y: number; width: number }[] = [];
  const first = headingHeight(title) + 12;
  let [x, y] = [MARGIN, first];
  for (const word of words) {
    const size = textWidth(word, 14) * 1.12 + 14;
    if (x + size > width - MARGIN && x > MARGIN) [x, y] = [MARGIN, y + CHIP];
    chips.push({ x, y, width: size });
    x += size;
  }
  const top = y + CHIP + 8;
  const body0 = top + HEADING;
  const side = heightOf({ ...image, url: "" }, MAP);
  const rowAt = (index: number) => body0 + index * (side + LABEL);
  const scaleAt = rowAt(sums.length) + 4;
  const large = heightOf(image, IMAGE);
  const height = Math.max(scaleAt + 30, body0 + large + SCALE_BELOW) + 8;
  const peak = greatestPlace(weights);
  const total = weights.reduce((a, b) => a + b, 0);
  const [across, down] = [IMAGE / places.columns, large / places.rows];

  const heading = (at: number, text: string, note: string) => (
    <g transform={`translate(${at} ${top})`}>
      <text y={14} fontSize={14} fontWeight={600} fill={theme.text}>
        {text}
      </text>
      <text y={31} fontSize={11} fill={theme.faint}>
        {note}
      </text>
    </g>
  );
  const sign = (at: number, text: string) => (
    <text x={at - SIGN / 2} y={rowAt(0) + side / 2 + 8} fontSize={24} textAnchor="middle" fill={theme.faint}>
      {text}
    </text>
  );
  const body = (
    <>
      {words.map((word, index) => (
        <text
          key={index}
          x={chips[index]!.x + 7}
          y={chips[index]!.y + 17}
          fontSize={14}
          fontWeight={index === row ? 700 : 400}
          fill={index === row ? theme.text : theme.faint}
          {...(index === row && { textDecoration: "underline" })}
        >
          {word}
        </text>
      ))}
      {heading(MARGIN, "image", `${image.width} × ${image.height} pixels`)}
      {heading(atFeatures, "feature layer", `${count} places × ${features}`)}
      {heading(
        atWeights,
        "weights",
        `add up to ${number(total, 3)}; row ${Math.floor(peak / places.columns) + 1}, column ${(peak % places.columns) + 1} most`,
      )}
      {heading(atProducts, "product", "weight × feature")}
      {heading(
        atPooling,
        poolingTitle(weighed),
        pooled
          ? `the sum over ${count} places: ${features} numbers`
          : `all ${count} × ${features} products are handed on`,
      )}
      {sign(atFeatures, "→")}
      {sign(atWeights, "×")}
      {sign(atProducts, "=")}
      {sign(atPooling, pooled ? "Σ" : "→")}
      <g transform={`translate(${MARGIN} ${body0})`}>
        <image
          href={image.url}
          width={IMAGE}
          height={large}
          preserveAspectRatio="none"
          style={enlarged(image, IMAGE)}
        />
        <path
          d={[
            ...Array.from(
              { length: places.columns - 1 },
              (_, index) => `M${+((index + 1) * across).toFixed(1)} 0V${large}`,
            ),
            ...Array.from(
              { length: places.rows - 1 },
              (_, index) => `M0 ${+((index + 1) * down).toFixed(1)}H${IMAGE}`,
            ),
          ].join("")}
          stroke="#ffffff"
          strokeOpacity={0.35}
          fill="none"
        />
      </g>
      <g transform={`translate(${atWeights} ${body0})`}>
        <ScaledMap
          places={{ ...places, image }}
          look={look}
          values={weights}
          side={IMAGE}
          style={style}
          opacity={opacity}
          name={name}
          theme={theme}
        />
      </g>
      {sums.map((one, index) => {
        const level = BAR / 2;
        const size = ((one.pooled ?? 0) / longest) * level;
        const map = { columns: places.columns, width: MAP, height: side, theme };
        return (
          <g key={one.channel} transform={`translate(0 ${rowAt(index)})`}>
            <g transform={`translate(${atFeatures} 0)`}>
              <Signed values={one.values} most={most} {...map} />
              <text y={side + 14} fontSize={11} fill={theme.faint}>
                {`channel ${one.channel + 1}`}
              </text>
            </g>
            <g transform={`translate(${atProducts} 0)`}>
              <Signed values={one.products} most={greatest} {...map} />
            </g>
            <g transform={`translate(${atPooling} ${side / 2 - 14})`}>
              {pooled && (
                <>
                  <rect
                    x={+(level + Math.min(0, size)).toFixed(2)}
                    width={+Math.abs(size).toFixed(2)}
                    height={16}
                    fill={size < 0 ? theme.against : theme.ink}
                  />
                  <line x1={level} x2={level} y1={-4} y2={20} stroke={theme.faint} />
                  <text x={BAR + 10} y={13} fontSize={14} fontWeight={600} fill={theme.text}>
                    {number(one.pooled!, 3)}
                  </text>
                </>
              )}
              {lines[index]!.map((line, at) => (
                <text key={line} y={34 + 14 * at} fontSize={11} fill={theme.faint}>
                  {line}
                </text>
              ))}
            </g>
          </g>
        );
      })}
      <g transform={`translate(${atFeatures} ${scaleAt})`}>
        <SignedScale most={most} theme={theme} name={`${name}-features`} />
      </g>
      <g transform={`translate(${atProducts} ${scaleAt})`}>
        <SignedScale most={greatest} theme={theme} name={`${name}-products`} />
      </g>
      {features > sums.length && (
        <text x={atPooling} y={scaleAt + 12} fontSize={11} fill={theme.faint}>
          {`The ${sums.length} of ${features} channels that are strongest over all steps are shown.`}
        </text>
      )}
    </>
  );
  return {
    width,
    height: Math.ceil(height),
    theme,
    fontSize: 13,
    label: `How “${words[row]}” came by what it handed on: features of ${count} places, their weights, the products and their sum`,
    title,
    body,
    at(px, py) {
      const chip = chips.findIndex(
        (one) => px >= one.x && px < one.x + one.width && py >= one.y && py < one.y + CHIP,
      );
      if (chip >= 0) return { look, row: chip, head: 0 };
      const [column, line] = [Math.floor((px - atWeights) / across), Math.floor((py - body0) / down)];
      return column >= 0 && column < places.columns && line >= 0 && line < places.rows
        ? { look, row, head: 0, place: line * places.columns + column }
        : undefined;
    },
    boxes({ row: of, place }) {
      const chip = chips[of]!;
      if (place === undefined) return [{ x: chip.x, y: chip.y, width: chip.width, height: CHIP }];
      return [
        {
          x: atWeights + (place % places.columns) * across,
          y: body0 + Math.floor(place / places.columns) * down,
          width: across,
          height: down,
        },
      ];
    },
  };
};
