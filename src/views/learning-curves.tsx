import type { ReactElement } from "react";
import { Canvas, Level, legendPlaces, ticks } from "./canvas.js";
import { light, SERIES, type Theme } from "./theme.js";

/** A curve: its name and its points. */
export interface Curve {
  readonly name: string;
  readonly points: readonly { readonly step: number; readonly value: number }[];
  /** Few points, such as validations, are marked one by one. */
  readonly marked?: boolean;
}

/** What learning curves show. */
export interface LearningCurvesProps {
  readonly curves: readonly Curve[];
  /** What is drawn, for the vertical axis. */
  readonly measure: string;
  /** A step that a line marks. */
  readonly at?: number;
  readonly theme?: Theme;
  readonly title?: string;
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [640, 300, 56, 20, 52, 46];
const COLUMNS = WIDTH - LEFT - RIGHT;

/** The least and the greatest value of every pixel column, so that thousands of points are a few hundred and no peak is lost. */
function thin(points: Curve["points"], column: (step: number) => number): Curve["points"] {
  if (points.length <= 2 * COLUMNS) return points;
  const kept: { step: number; value: number }[] = [];
  for (let start = 0; start < points.length; ) {
    let end = start;
    let [least, most] = [points[start]!, points[start]!];
    while (end < points.length && column(points[end]!.step) === column(points[start]!.step)) {
      const point = points[end++]!;
      if (point.value < least.value) least = point;
      if (point.value > most.value) most = point;
    }
    kept.push(...(least.step <= most.step ? [least, most] : [most, least]));
    start = end;
  }
  return kept;
}

/** Values over training steps, a line for each curve. */
export function LearningCurves({
  curves,
  measure,
  at,
  theme = light,
  title,
}: LearningCurvesProps): ReactElement {
  const places = legendPlaces(
    curves.map(({ name }) => name),
    12,
  );
  const all = curves.flatMap(({ points }) => points).filter(({ value }) => Number.isFinite(value));
  const last = all.reduce((most, { step }) => Math.max(most, step), Math.max(1, at ?? 0));
  const low = Math.min(
    0,
    all.reduce((least, { value }) => Math.min(least, value), 0),
  );
  const high = all.reduce((most, { value }) => Math.max(most, value), low) || 1;
  const x = (step: number) => LEFT + (step / last) * COLUMNS;
  const y = (value: number) => HEIGHT - BOTTOM - ((value - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  return (
    <Canvas
      width={WIDTH}
      height={HEIGHT}
      theme={theme}
      fontSize={12}
      label={title ?? `${measure} over steps`}
      title={title}
    >
      {ticks(low, high).map((value) => (
        <Level key={value} left={LEFT} right={WIDTH - RIGHT} y={y(value)} theme={theme}>
          {Number(value.toPrecision(6))}
        </Level>
      ))}
      {ticks(0, last).map((step) => (
        <text key={step} x={x(step)} y={HEIGHT - BOTTOM + 18} textAnchor="middle" fill={theme.faint}>
          {step}
        </text>
      ))}
      <text x={WIDTH - RIGHT} y={HEIGHT - 8} textAnchor="end" fill={theme.faint}>
        step
      </text>
      {at !== undefined && (
        <line x1={x(at)} x2={x(at)} y1={TOP} y2={HEIGHT - BOTTOM} stroke={theme.text} strokeDasharray="4 3">
          <title>{`step ${at}`}</title>
        </line>
      )}
      {curves.map(({ name, points, marked }, index) => {
        const colour = SERIES[index % SERIES.length]!;
        const finite = points.filter(({ value }) => Number.isFinite(value));
        const drawn = thin(finite, (step) => Math.round(x(step)));
        return (
          <g key={name}>
            <polyline
              points={drawn
                .map(({ step, value }) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`)
                .join(" ")}
              fill="none"
              stroke={colour}
              strokeWidth={marked ? 2 : 1.3}
              strokeOpacity={marked ? 1 : 0.75}
            />
            {marked &&
              finite.map(({ step, value }) => (
                <circle key={step} cx={x(step).toFixed(1)} cy={y(value).toFixed(1)} r={3.2} fill={colour}>
                  <title>{`${name}, step ${step}: ${value.toPrecision(4)}`}</title>
                </circle>
              ))}
            <text x={LEFT + 4 + places[index]!} y={TOP - 12} fill={colour} fontWeight={600}>
              {`${marked ? "●" : "—"} ${name}`}
            </text>
          </g>
        );
      })}
      <text x={LEFT - 8} y={TOP - 12} textAnchor="end" fill={theme.faint}>
        {measure}
      </text>
    </Canvas>
  );
}
