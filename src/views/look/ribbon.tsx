import { placeLabels, placesOf, rowLabels, rowOf } from "../../attention/trace.js";
import { headingHeight } from "../canvas.js";
import { drawableAll } from "../drawable.js";
import { textWidth } from "../theme.js";
import { type Draw, themeOf } from "./drawing.js";
import { ofLook, shadingOf } from "./shading.js";

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

/** A look as ribbons between two sentences, the one that is read above, the one that is written below; as wide as the weight. */
export const drawRibbon: Draw = (trace, [look], options) => {
  const theme = themeOf(options);
  const { title, selected } = options;
  const source = drawableAll(placeLabels(placesOf(trace, look), look.shape[2]));
  const target = drawableAll(rowLabels(trace, look));
  const shading = shadingOf(look);
  const [above, below] = [centres(source), centres(target)];
  const heading = title === undefined ? 0 : headingHeight(title) + 10;
  const width = Math.ceil(Math.max(above.width, below.width) + 40);
  const height = TOP + ROWS + 40 + heading;
  const [shiftAbove, shiftBelow] = [(width - above.width) / 2, (width - below.width) / 2];
  const [y0, y1] = [heading + TOP + 10, heading + TOP + ROWS - 4];
  const body = (
    <>
      {target.map((word, t) =>
        Array.from(rowOf(look, t), (value, s) => {
          const shade = shading.of(value);
          if (shade < FAINTEST) return null;
          const [x0, x1] = [shiftAbove + above.centres[s]!, shiftBelow + below.centres[t]!];
          const middle = (y0 + y1) / 2;
          return (
            <path
              key={`${t} ${s}`}
              d={`M${x0.toFixed(1)} ${y0}C${x0.toFixed(1)} ${middle} ${x1.toFixed(1)} ${middle} ${x1.toFixed(1)} ${y1}`}
              fill="none"
              stroke={shading.colour(value, theme)}
              strokeWidth={Number((1 + 7 * shade).toFixed(2))}
              strokeOpacity={
                selected === undefined || selected === t ? Number((0.15 + 0.75 * shade).toFixed(3)) : 0.06
              }
              strokeLinecap="round"
            >
              <title>{`${word} ← ${source[s]}: ${shading.text(value)}`}</title>
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
    </>
  );
  return {
    width,
    height,
    theme,
    fontSize: SIZE,
    label: `${ofLook(look)} between “${source.join(" ")}” and “${target.join(" ")}”`,
    title,
    body,
  };
};
