import type { ReactElement } from "react";
import { Canvas, Level, legendPlaces, ticks } from "./canvas.js";
import { light, SERIES, type Theme, textWidth } from "./theme.js";

/** A score of the examples of one range, of source lengths or of whatever they are put together by. */
export interface LengthScore {
  /** Where the range begins and ends. */
  readonly from: number;
  readonly to: number;
  readonly examples: number;
  readonly score: number;
  /** How far the score would be another with other examples. */
  readonly low?: number;
  readonly high?: number;
}

export interface ScoreByLengthProps {
  /** What is scored, for the vertical axis: "BLEU". */
  readonly measure: string;
  /** By what examples are put together. */
  readonly by?: string;
  readonly series: readonly { readonly name: string; readonly scores: readonly LengthScore[] }[];
  readonly theme?: Theme;
  readonly title?: string;
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [640, 380, 56, 24, 64, 84];
/** The least range of scores that an axis has, so that what is nearly the same looks so. */
const LEAST_RANGE = 10;
/** Pixels between what several models have at one place, and half the width of what ends an interval. */
const [APART, CAP] = [8, 4];

/** Round levels around all scores and what they may be, of 0 to 100. */
function levelsOf(scores: readonly LengthScore[]): number[] {
  const all = scores.flatMap(({ score, low = score, high = score }) => [low, high]);
  if (all.length === 0) return [0, 25, 50, 75, 100];
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const missing = Math.max(0, LEAST_RANGE - (most - least)) / 2;
  const [from, to] = [Math.max(0, least - missing), Math.min(100, most + missing)];
  const inside = ticks(from, to);
  const step = inside.length > 1 ? inside[1]! - inside[0]! : LEAST_RANGE;
  const [first, last] = [Math.floor(from / step), Math.ceil(to / step)];
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}

/** Scores of 0 to 100 over sentence length, a line for each model, with how many examples there are and how sure each score is. */
export function ScoreByLength({
  measure,
  by = "words in the source",
  series,
  theme = light,
  title,
}: ScoreByLengthProps): ReactElement {
  const known = new Map(series.flatMap(({ scores }) => scores.map((score) => [score.from, score])));
  const ranges = [...known.values()].sort((a, b) => a.from - b.from);
  const places = legendPlaces(
    series.map(({ name }) => name),
    13,
  );
  // What is scored stands above its numbers where it is as short as they are, otherwise before the names.
  const measured = Math.ceil(textWidth(measure, 13));
  const short = measured <= LEFT - 8;
  const legend = short ? LEFT + 12 : measured + 32;
  const x = (index: number) => LEFT + ((index + 0.5) * (WIDTH - LEFT - RIGHT)) / Math.max(1, ranges.length);
  const levels = levelsOf(series.flatMap(({ scores }) => scores));
  const [least, most] = [levels[0]!, levels.at(-1)!];
  const y = (score: number) => HEIGHT - BOTTOM - ((score - least) / (most - least)) * (HEIGHT - TOP - BOTTOM);
  const sure = series.some(({ scores }) => scores.some(({ low }) => low !== undefined));
  return (
    <Canvas
      width={WIDTH}
      height={HEIGHT}
      theme={theme}
      fontSize={13}
      label={title ?? `${measure} by ${by}`}
      title={title}
    >
      {levels.map((level) => (
        <Level key={level} left={LEFT} right={WIDTH - RIGHT} y={y(level)} theme={theme}>
          {level}
        </Level>
      ))}
      {ranges.map(({ from, to, examples }, index) => (
        <g key={from} textAnchor="middle">
          <text x={x(index)} y={HEIGHT - BOTTOM + 20} fill={theme.text}>
            {from === to ? from : `${from}–${to}`}
          </text>
          <text x={x(index)} y={HEIGHT - BOTTOM + 38} fill={theme.faint}>
            {examples}
            <title>{`${examples} examples`}</title>
          </text>
        </g>
      ))}
      <text x={LEFT - 8} y={HEIGHT - BOTTOM + 38} textAnchor="end" fill={theme.faint}>
        count
      </text>
      <text x={(LEFT + WIDTH - RIGHT) / 2} y={HEIGHT - 20} textAnchor="middle" fill={theme.faint}>
        {sure ? `${by}; bars hold 95 % of bootstrap replicates` : by}
      </text>
      <text x={short ? LEFT - 8 : 8} y={TOP - 14} textAnchor={short ? "end" : "start"} fill={theme.faint}>
        {measure}
      </text>
      {series.map(({ name, scores }, index) => {
        const colour = SERIES[index % SERIES.length]!;
        // Side by side, so that no interval hides another.
        const shift = APART * (index - (series.length - 1) / 2);
        const points = scores.map(
          ({ from, score }) =>
            [x(ranges.findIndex((range) => range.from === from)) + shift, y(score)] as const,
        );
        return (
          <g key={name}>
            <polyline
              points={points.map((point) => point.join(",")).join(" ")}
              fill="none"
              stroke={colour}
              strokeWidth={2}
            />
            {points.map(([px, py], position) => (
              <g key={position}>
                <title>{titleOf(name, scores[position]!)}</title>
                <Bar x={px} {...intervalOf(scores[position]!, y)} colour={colour} />
                {index % 2 === 0 ? (
                  <circle cx={px} cy={py} r={4.5} fill={colour} />
                ) : (
                  <rect x={px - 4} y={py - 4} width={8} height={8} fill={colour} />
                )}
              </g>
            ))}
            <text x={legend + places[index]!} y={TOP - 14} fill={colour} fontWeight={600}>
              {`${index % 2 === 0 ? "●" : "■"} ${name}`}
            </text>
          </g>
        );
      })}
    </Canvas>
  );
}

/** Where the bar of a score begins and ends; nothing where it has no interval. */
const intervalOf = ({ low, high }: LengthScore, y: (score: number) => number) =>
  low === undefined || high === undefined ? {} : { from: y(low), to: y(high) };

function titleOf(name: string, { examples, score, low, high }: LengthScore): string {
  const sure = low === undefined || high === undefined ? "" : ` (${low.toFixed(1)} to ${high.toFixed(1)})`;
  return `${name}, ${examples} examples: ${score.toFixed(1)}${sure}`;
}

function Bar({ x, from, to, colour }: { x: number; from?: number; to?: number; colour: string }) {
  if (from === undefined || to === undefined) return null;
  return (
    <path
      d={`M${x} ${from}V${to}M${x - CAP} ${from}h${2 * CAP}M${x - CAP} ${to}h${2 * CAP}`}
      stroke={colour}
      strokeWidth={1.3}
      fill="none"
    />
  );
}
