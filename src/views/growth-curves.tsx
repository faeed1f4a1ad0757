import type { ReactElement } from "react";
import { Canvas, Level, legendPlaces } from "./canvas.js";
import { light, SERIES, type Theme } from "./theme.js";

export interface GrowthCurvesProps {
  /** Times in milliseconds by a size, and the exponent of the power law that fits them. */
  readonly series: readonly {
    readonly name: string;
    readonly exponent: number;
    readonly points: readonly { readonly x: number; readonly y: number }[];
  }[];
  /** What grows, for the horizontal axis. */
  readonly size: string;
  readonly theme?: Theme;
  readonly title?: string;
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [640, 400, 64, 24, 84, 52];

/** Powers of ten, and 2 and 5 times them, within a range. */
function ticksOf(least: number, greatest: number): number[] {
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(least)); power <= Math.ceil(Math.log10(greatest)); power++)
    for (const factor of [1, 2, 5]) {
      const value = factor * 10 ** power;
      if (value >= least * 0.999 && value <= greatest * 1.001) ticks.push(value);
    }
  return ticks;
}

/** How time grows with a size, both by their logarithms: a power law is a straight line, its exponent the slope. */
export function GrowthCurves({ series, size, theme = light, title }: GrowthCurvesProps): ReactElement {
  const all = series.flatMap(({ points }) => points);
  const range = (values: readonly number[]) =>
    [Math.min(...values) / 1.15, Math.max(...values) * 1.15] as const;
  const [x0, x1] = range(all.map(({ x }) => x));
  const [y0, y1] = range(all.map(({ y }) => y));
  const share = (value: number, from: number, to: number) => Math.log(value / from) / Math.log(to / from);
  const x = (value: number) => LEFT + share(value, x0, x1) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => HEIGHT - BOTTOM - share(value, y0, y1) * (HEIGHT - TOP - BOTTOM);
  const names = series.map(({ name, exponent }) => `${name}: ${size}^${exponent.toFixed(2)}`);
  const places = legendPlaces(names, 13);
  const colour = (index: number) => SERIES[index % SERIES.length]!;
  return (
    <Canvas
      width={WIDTH}
      height={HEIGHT}
      theme={theme}
      fontSize={13}
      label={title ?? `Time by ${size}`}
      title={title}
    >
      {ticksOf(y0, y1).map((value) => (
        <Level key={value} left={LEFT} right={WIDTH - RIGHT} y={y(value)} theme={theme}>
          {value}
        </Level>
      ))}
      {[...new Set(all.map((point) => point.x))].map((value) => (
        <text key={value} x={x(value)} y={HEIGHT - BOTTOM + 20} textAnchor="middle" fill={theme.text}>
          {value}
        </text>
      ))}
      <text x={(LEFT + WIDTH - RIGHT) / 2} y={HEIGHT - 10} textAnchor="middle" fill={theme.faint}>
        {size} (milliseconds upwards, both axes logarithmic)
      </text>
      {series.map(({ name, points }, index) => (
        <g key={name} fill={colour(index)}>
          <polyline
            points={points.map((point) => `${x(point.x)},${y(point.y)}`).join(" ")}
            fill="none"
            stroke={colour(index)}
            strokeWidth={2}
          />
          {points.map((point) => (
            <circle key={point.x} cx={x(point.x)} cy={y(point.y)} r={4} />
          ))}
          <text x={LEFT + places[index]!} y={TOP - 24} fontWeight={600}>
            {names[index]}
          </text>
        </g>
      ))}
    </Canvas>
  );
}
