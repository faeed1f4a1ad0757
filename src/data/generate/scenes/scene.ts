import { hashString, type Random } from "../../../core/index.js";

/** Height and width of a scene in pixels. */
export const SCENE_SIZE = 64;

export const SHAPES = ["circle", "square", "triangle", "cross"] as const;
export const COLOURS = ["red", "green", "blue", "yellow", "purple", "white"] as const;
export const TEXTURES = ["plain", "striped", "dotted"] as const;
export const SIZES = ["small", "large"] as const;

export type Shape = (typeof SHAPES)[number];
export type Colour = (typeof COLOURS)[number];
export type Texture = (typeof TEXTURES)[number];
export type Size = (typeof SIZES)[number];

/** What objects of one group have in common. */
export interface Look {
  readonly shape: Shape;
  readonly colour: Colour;
  readonly texture: Texture;
  readonly size: Size;
}

export interface SceneObject extends Look {
  /** Centre in pixels, x to the right and y downwards. */
  readonly x: number;
  readonly y: number;
  /** Half of its height and width, in pixels. */
  readonly radius: number;
}

/** Objects that look alike; captions speak of them together. Objects drawn later may hide parts of earlier ones. */
export interface Scene {
  readonly groups: readonly (readonly SceneObject[])[];
  /** Decides the background and its noise. */
  readonly background: number;
}

const RADII: Readonly<Record<Size, readonly [number, number]>> = { small: [6, 7.5], large: [10.5, 12.5] };
/** The share of an object that others may hide. */
const MOST_HIDDEN = 0.25;
/** One in this many combinations of a colour with a shape, or a texture with a shape, is kept from training. */
const HELD_OUT = 8;

/** Whether a look holds a combination that training never sees, whatever the seed. */
export const isHeldOut = ({ shape, colour, texture }: Look): boolean =>
  [`${colour} ${shape}`, ...(texture === "plain" ? [] : [`${texture} ${shape}`])].some(
    (combination) => hashString(`scenes ${combination}`) % HELD_OUT === 0,
  );

/** Whether a point, counted from the centre in radii, lies on a shape. */
export function covers(shape: Shape, x: number, y: number): boolean {
  switch (shape) {
    case "circle":
      return x * x + y * y <= 1;
    case "square":
      return Math.abs(x) <= 0.9 && Math.abs(y) <= 0.9;
    case "triangle":
      return y <= 0.85 && y >= -1 && Math.abs(x) <= (y + 1) * 0.54;
    case "cross":
      return (Math.abs(x) <= 0.34 && Math.abs(y) <= 1) || (Math.abs(y) <= 0.34 && Math.abs(x) <= 1);
  }
}

/** Calls back for the pixels of an object, in rows. */
export function eachPixel(
  { shape, x, y, radius }: SceneObject,
  visit: (pixel: number, column: number, row: number) => void,
): void {
  const inside = (value: number) => Math.min(SCENE_SIZE - 1, Math.max(0, value));
  for (let row = inside(Math.floor(y - radius)); row <= inside(Math.ceil(y + radius)); row++)
    for (let column = inside(Math.floor(x - radius)); column <= inside(Math.ceil(x + radius)); column++)
      if (covers(shape, (column - x) / radius, (row - y) / radius))
        visit(row * SCENE_SIZE + column, column, row);
}

/** Which object each pixel shows: its number in order of drawing, or −1 for the background, [row, column]. */
export function visibleObjects(objects: readonly SceneObject[]): Int8Array {
  const visible = new Int8Array(SCENE_SIZE * SCENE_SIZE).fill(-1);
  objects.forEach((object, index) => {
    eachPixel(object, (pixel) => {
      visible[pixel] = index;
    });
  });
  return visible;
}

const apart = (a: SceneObject, b: SceneObject): boolean =>
  Math.max(Math.abs(a.x - b.x), Math.abs(a.y - b.y)) > a.radius + b.radius + 1;

/** Whether every object shows most of itself. */
function allVisible(objects: readonly SceneObject[]): boolean {
  const close = objects.filter((a) => objects.some((b) => a !== b && !apart(a, b)));
  if (close.length === 0) return true;
  const owners = new Int8Array(SCENE_SIZE * SCENE_SIZE).fill(-1);
  const shown = close.map(() => 0);
  const areas = close.map((object, index) => {
    let area = 0;
    eachPixel(object, (pixel) => {
      const before = owners[pixel]!;
      if (before >= 0) shown[before]!--;
      owners[pixel] = index;
      area++;
    });
    shown[index] = area;
    return area;
  });
  return shown.every((pixels, index) => pixels >= (1 - MOST_HIDDEN) * areas[index]!);
}

/** How many objects each group of a scene has; one is drawn by chance, more often the earlier ones. */
const COUNTS = {
  usual: [[1], [2], [1, 1], [1, 1], [1, 1], [1, 2], [1, 2], [2, 2], [1, 3], [1, 1, 1], [1, 1, 2]],
  many: [
    [2, 3],
    [3, 3],
    [1, 2, 2],
    [1, 1, 3],
    [2, 2, 2],
    [1, 2, 3],
  ],
} as const;

export interface SceneOptions {
  /** Up to four objects, as in training, or five and six. */
  readonly objects: keyof typeof COUNTS;
  /** Whether the scene must hold a combination that training never sees; otherwise it holds none. */
  readonly heldOut: boolean;
}

/** Draws a scene, or nothing where what was drawn does not fit together. */
export function drawScene(random: Random, { objects: kind, heldOut }: SceneOptions): Scene | undefined {
  const counts = random.shuffle([...random.pick<readonly number[]>(COUNTS[kind])]);
  const looks = counts.map(
    (): Look => ({
      shape: random.pick(SHAPES),
      colour: random.pick(COLOURS),
      texture: random.pick(TEXTURES),
      size: random.pick(SIZES),
    }),
  );
  if (looks.some(isHeldOut) !== heldOut) return undefined;
  const groups = looks.map((look, group) =>
    Array.from({ length: counts[group]! }, (): SceneObject => {
      const [least, most] = RADII[look.size];
      const radius = least + (most - least) * random.uniform();
      const place = () => radius + (SCENE_SIZE - 1 - 2 * radius) * random.uniform();
      return { ...look, x: place(), y: place(), radius };
    }),
  );
  return allVisible(groups.flat()) ? { groups, background: random.bits() } : undefined;
}
