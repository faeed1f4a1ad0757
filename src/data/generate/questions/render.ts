import type { Pixels } from "../../contract.js";
import { RGB } from "../scenes/render.js";
import { stream } from "../stream.js";
import type { Asked } from "./question.js";
import { covers, QUESTION_SIZE } from "./scene.js";

/** How much brighter or darker two objects of one colour may be, as a factor, and how far a pixel may lie from its colour, of 255. */
const [SHADE, NOISE] = [0.1, 12] as const;

/** The picture of a scene: its objects on a background of one dull tone, all of it noisy. */
export function renderQuestion({ items, background }: Pick<Asked, "items" | "background">): Pixels {
  const random = stream(background);
  for (let warm = 0; warm < 4; warm++) random();
  const tone = 60 + 60 * random();
  const colours = new Float32Array(3 * QUESTION_SIZE ** 2).fill(tone);
  for (const { shape, colour, x, y, radius } of items) {
    const shade = 1 + SHADE * (2 * random() - 1);
    for (let row = Math.max(0, Math.floor(y - radius)); row <= y + radius; row++)
      for (let column = Math.max(0, Math.floor(x - radius)); column <= x + radius; column++)
        if (covers(shape, (column - x) / radius, (row - y) / radius))
          for (let channel = 0; channel < 3; channel++)
            colours[3 * (row * QUESTION_SIZE + column) + channel] = RGB[colour][channel]! * shade;
  }
  const data = new Uint8Array(colours.length);
  for (let index = 0; index < data.length; index++)
    data[index] = Math.min(255, Math.max(0, colours[index]! + NOISE * (random() + random() - 1) * 1.5));
  return { width: QUESTION_SIZE, height: QUESTION_SIZE, data };
}
