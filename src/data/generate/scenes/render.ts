import type { Mask, Pixels } from "../../contract.js";
import { stream } from "../stream.js";
import { type Colour, eachPixel, SCENE_SIZE, type Scene, type SceneObject, visibleObjects } from "./scene.js";

/** Red, green and blue of colours by their names. */
export const RGB: Readonly<Record<Colour, readonly [number, number, number]>> = {
  red: [215, 40, 45],
  green: [45, 165, 65],
  blue: [45, 85, 220],
  yellow: [235, 205, 45],
  purple: [150, 60, 180],
  white: [238, 238, 235],
};

/** How much brighter or darker two objects of one colour may be, as a factor. */
const SHADE = 0.12;
/** How far a pixel may lie from its colour, of 255. */
const NOISE = 14;

/** Whether a texture shows its dark part at a pixel. */
function isDark({ texture, x, y }: SceneObject, column: number, row: number): boolean {
  const [dx, dy] = [Math.round(column - x) + 64, Math.round(row - y) + 64];
  if (texture === "striped") return (dx + dy) % 4 < 2;
  if (texture === "dotted") return dx % 4 < 2 && dy % 4 < 2;
  return false;
}

/** The picture of a scene: its objects, in order of drawing, on a background of two dull tones, all of it noisy. */
export function renderScene({ groups, background }: Scene): Pixels {
  const random = stream(background);
  for (let warm = 0; warm < 4; warm++) random();
  const tone = () => [70 + 70 * random(), 70 + 70 * random(), 70 + 70 * random()];
  const [from, to] = [tone(), tone()];
  const angle = 2 * Math.PI * random();
  const [ux, uy] = [Math.cos(angle) / SCENE_SIZE, Math.sin(angle) / SCENE_SIZE];
  const colours = new Float32Array(3 * SCENE_SIZE * SCENE_SIZE);
  for (let row = 0, pixel = 0; row < SCENE_SIZE; row++)
    for (let column = 0; column < SCENE_SIZE; column++, pixel++) {
      const share = 0.5 + ux * (column - SCENE_SIZE / 2) + uy * (row - SCENE_SIZE / 2);
      for (let channel = 0; channel < 3; channel++)
        colours[3 * pixel + channel] = from[channel]! + share * (to[channel]! - from[channel]!);
    }
  for (const object of groups.flat()) {
    const shade = 1 + SHADE * (2 * random() - 1);
    const rgb = RGB[object.colour];
    eachPixel(object, (pixel, column, row) => {
      const factor = isDark(object, column, row) ? 0.35 * shade : shade;
      for (let channel = 0; channel < 3; channel++) colours[3 * pixel + channel] = rgb[channel]! * factor;
    });
  }
  const data = new Uint8Array(colours.length);
  for (let index = 0; index < data.length; index++)
    data[index] = Math.min(255, Math.max(0, colours[index]! + NOISE * (random() + random() - 1) * 1.5));
  return { width: SCENE_SIZE, height: SCENE_SIZE, data };
}

/** The pixels of each group that can be seen. */
export function masksOf({ groups }: Scene): Mask[] {
  const visible = visibleObjects(groups.flat());
  const groupOf = groups.flatMap((group, index) => group.map(() => index));
  return groups.map((_, group) => ({
    width: SCENE_SIZE,
    height: SCENE_SIZE,
    data: Uint8Array.from(visible, (object) => (object >= 0 && groupOf[object] === group ? 1 : 0)),
  }));
}
