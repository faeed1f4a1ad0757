import type { ReactElement } from "react";
import { Canvas, Level, legendPlaces } from "./canvas.js";
import { light, SERIES, type Theme, textWidth } from "./theme.js";

/** A score of the examples of one range, of source lengths or of whatever they are put together by. */
export interface LengthScore {
  /** Where the range begins and ends. */
  readonly from: number;
  readonly to: number;
  readonly examples: number;
  readonly score: number;
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

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [640, 360, 56, 24, 64, 64];

/** Scores from 0 to 100 over sentence length, a line for each model. */
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
  const y = (score: number) => HEIGHT - BOTTOM - (score / 100) * (HEIGHT - TOP - BOTTOM);
  return (
    <Canvas
      width={WIDTH}
      height={HEIGHT}
      theme={theme}
      fontSize={13}
      label={title ?? `${measure} by ${by}`}
      title={title}
    >
      {[0, 25, 50, 75, 100].map((level) => (
        <Level key={level} left={LEFT} right={WIDTH - RIGHT} y={y(level)} theme={theme}>
          {level}
        </Level>
      ))}
      {ranges.map(({ from, to, examples }, index) => (
        <text key={from} x={x(index)} y={HEIGHT - BOTTOM + 20} textAnchor="middle" fill={theme.text}>
          {from === to ? from : `${from}–${to}`}
          <title>{`${examples} examples`}</title>
        </text>
      ))}
      <text x={(LEFT + WIDTH - RIGHT) / 2} y={HEIGHT - 20} textAnchor="middle" fill={theme.faint}>
        {by}
      </text>
      <text x={short ? LEFT - 8 : 8} y={TOP - 14} textAnchor={short ? "end" : "start"} fill={theme.faint}>
        {measure}
      </text>
      {series.map(({ name, scores }, index) => {
        const colour = SERIES[index % SERIES.length]!;
        const points = scores.map(
          ({ from, score }) => [x(ranges.findIndex((range) => range.from === from)), y(score)] as const,
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
                <title>{`${name}, ${scores[position]!.examples} examples: ${scores[position]!.score.toFixed(1)}`}</title>
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
