import type { ReactElement } from "react";
import type { AlignmentTrace } from "../attention/trace.js";
import { Canvas, headingHeight } from "./canvas.js";
import { shadesOf, withUnit } from "./scores.js";
import { light, type Theme, textWidth } from "./theme.js";

export interface RibbonProps {
  readonly trace: AlignmentTrace;
  readonly theme?: Theme;
  readonly title?: string;
  /** A target position to bring out; the others are drawn faintly. */
  readonly selected?: number;
}

const [TOP, ROWS, GAP, SIZE] = [28, 130, 14, 15];
/** Weights below this are not drawn. */
const FAINTEST = 0.03;

/** Centres of words set one after the other. */
function centres(words: readonly string[]): { centres: number[]; width: number } {
  let x = 0;
  const found = words.map((word) => {
    const width = textWidth(word, SIZE);
    const centre = x + width / 2;
    x += width + GAP;
    return centre;
  });
  return { centres: found, width: x - GAP };
}

/** An alignment as ribbons between two sentences, the one that is read above, the one that is written below; as wide as the weight. */
export function Ribbon({ trace, theme = light, title, selected }: RibbonProps): ReactElement {
  const { source, target, weights, scores } = trace;
  const [above, below] = [centres(source), centres(target)];
  const heading = title === undefined ? 0 : headingHeight(title) + 10;
  const width = Math.ceil(Math.max(above.width, below.width) + 40);
  const height = TOP + ROWS + 40 + heading;
  const [shiftAbove, shiftBelow] = [(width - above.width) / 2, (width - below.width) / 2];
  const [y0, y1] = [heading + TOP + 10, heading + TOP + ROWS - 4];
  return (
    <Canvas
      width={width}
      height={height}
      theme={theme}
      fontSize={SIZE}
      label={`${scores ? `The ${scores.title}` : "Attention"} between “${source.join(" ")}” and “${target.join(" ")}”`}
      title={title}
    >
      {shadesOf(trace).map((row, t) =>
        row.map((weight, s) => {
          if (weight < FAINTEST) return null;
          const [x0, x1] = [shiftAbove + above.centres[s]!, shiftBelow + below.centres[t]!];
          const middle = (y0 + y1) / 2;
          return (
            <path
              key={`${t} ${s}`}
              d={`M${x0.toFixed(1)} ${y0}C${x0.toFixed(1)} ${middle} ${x1.toFixed(1)} ${middle} ${x1.toFixed(1)} ${y1}`}
              fill="none"
              stroke={theme.ink}
              strokeWidth={Number((1 + 7 * weight).toFixed(2))}
              strokeOpacity={
                selected === undefined || selected === t ? Number((0.15 + 0.75 * weight).toFixed(3)) : 0.06
              }
              strokeLinecap="round"
            >
              <title>{`${target[t]} ← ${source[s]}: ${withUnit(weights[t]![s]!, scores)}`}</title>
            </path>
          );
        }),
      )}
      {source.map((word, index) => (
        <text
          key={index}
          x={(shiftAbove + above.centres[index]!).toFixed(1)}
          y={heading + TOP}
          textAnchor="middle"
          fill={theme.text}
        >
          {word}
        </text>
      ))}
      {target.map((word, index) => (
        <text
          key={index}
          x={(shiftBelow + below.centres[index]!).toFixed(1)}
          y={heading + TOP + ROWS + 14}
          textAnchor="middle"
          fontWeight={selected === index ? 700 : 400}
          fill={theme.text}
        >
          {word}
        </text>
      ))}
    </Canvas>
  );
}
