import { RGB } from "../scenes/render.js";
import { stream } from "../stream.js";
import { type Actor, CLIP_SIZE, type Clip, type ClipEvent, type Shape } from "./clip.js";

/** Half the width of a shape in pixels. */
const RADIUS = 3.5;
/** How far a pixel may lie from its colour, of 255. */
const NOISE = 12;
/** Pixels an actor jumps, and falls as it leaves. */
const [HEIGHT, FALL] = [8, 18];

/** Whether a point lies in a shape of radius 1. */
function isIn(shape: Shape, u: number, v: number): boolean {
  switch (shape) {
    case "square":
      return Math.max(Math.abs(u), Math.abs(v)) <= 0.85;
    case "triangle":
      return v <= 0.85 && 2 * Math.abs(u) <= v + 1.05;
    case "cross":
      return Math.min(Math.abs(u), Math.abs(v)) <= 0.32 && Math.max(Math.abs(u), Math.abs(v)) <= 1;
  }
}

/** How an actor looks in a frame; undefined once it has left. */
interface Pose {
  readonly dy: number;
  readonly angle: number;
  readonly scale: number;
  readonly white: boolean;
}

const STILL: Pose = { dy: 0, angle: 0, scale: 1, white: false };

function poseOf(events: readonly ClipEvent[], frame: number): Pose | undefined {
  if (events.some(({ verb, to }) => verb === "leaves" && frame >= to)) return undefined;
  const event = events.find(({ from, to }) => frame >= from && frame < to);
  if (!event) return STILL;
  const phase = (frame - event.from + 0.5) / (event.to - event.from);
  const arc = 4 * phase * (1 - phase);
  switch (event.verb) {
    case "jumps":
      return { ...STILL, dy: -HEIGHT * arc };
    case "spins":
      return { ...STILL, angle: 2 * Math.PI * phase };
    case "grows":
      return { ...STILL, scale: 1 + 0.7 * arc };
    case "blinks":
      return { ...STILL, white: (frame - event.from) % 2 === 0 };
    case "leaves":
      return { ...STILL, dy: FALL * phase };
  }
}

function drawActor(colours: Float32Array, { colour, shape, x, y }: Actor, pose: Pose): void {
  const rgb = pose.white ? RGB.white : RGB[colour];
  const [cos, sin] = [Math.cos(pose.angle), Math.sin(pose.angle)];
  const size = RADIUS * pose.scale;
  for (let row = 0; row < CLIP_SIZE; row++)
    for (let column = 0; column < CLIP_SIZE; column++) {
      const [dx, dy] = [(column + 0.5 - x) / size, (row + 0.5 - y - pose.dy) / size];
      if (isIn(shape, cos * dx + sin * dy, cos * dy - sin * dx))
        colours.set(rgb, 3 * (row * CLIP_SIZE + column));
    }
}

/** The frames of a clip one after another, [frames, row, column, 3], from 0 to 255. */
export function renderClip({ frames, actors, events, background }: Clip): Uint8Array {
  const random = stream(background);
  for (let warm = 0; warm < 4; warm++) random();
  const tone = [0, 1, 2].map(() => 60 + 50 * random());
  const size = 3 * CLIP_SIZE ** 2;
  const data = new Uint8Array(frames * size);
  const colours = new Float32Array(size);
  for (let frame = 0; frame < frames; frame++) {
    for (let element = 0; element < size; element++) colours[element] = tone[element % 3]!;
    actors.forEach((actor, index) => {
      const pose = poseOf(
        events.filter((event) => event.actor === index),
        frame,
      );
      if (pose) drawActor(colours, actor, pose);
    });
    for (let element = 0; element < size; element++)
      data[frame * size + element] = Math.min(
        255,
        Math.max(0, colours[element]! + NOISE * (random() + random() - 1)),
      );
  }
  return data;
}
