import { useEffect, useMemo, useRef, useState } from "react";
import { pngUrl } from "../../../src/core/png.js";
import type { Pixels } from "../../../src/data/contract.js";
import { renderScene } from "../../../src/data/generate/scenes/render.js";
import {
  COLOURS,
  type Colour,
  SCENE_SIZE,
  type SceneObject,
  SHAPES,
  type Shape,
  SIZES,
  type Size,
  TEXTURES,
  type Texture,
} from "../../../src/data/generate/scenes/scene.js";
import type { Field, ImageValue } from "../../../src/task/form.js";
import { imageValue } from "./fields.js";

type ImageField = Extract<Field, { kind: "image" }>;

/** Milliseconds that a drawing rests before it is asked about: drawing changes it many times a second. */
const REST = 120;

/** An image of one's own: strokes of a pen where it is grey, shapes where it has colours. */
export const Drawing = ({
  field,
  onChange,
}: {
  readonly field: ImageField;
  readonly onChange: (value: ImageValue) => void;
}) =>
  field.channels === 1 ? (
    <PenCanvas field={field} onChange={onChange} />
  ) : (
    <ShapesCanvas field={field} onChange={onChange} />
  );

type Point = readonly [x: number, y: number];

/** Pixels of the picture that is drawn on, and of the pen, as a share of an image of 28 pixels. */
const [PEN_SIDE, PEN] = [280, 2.4];

/** What a pen draws, white on black, from the left upper corner, each point as a share of the side. */
function PenCanvas({
  field: {
    size: [height, width],
  },
  onChange,
}: {
  readonly field: ImageField;
  readonly onChange: (value: ImageValue) => void;
}) {
  const [strokes, setStrokes] = useState<readonly (readonly Point[])[]>([]);
  const drawing = useRef(false);
  const canvas = useRef<HTMLCanvasElement>(null);
  const change = useRef(onChange);
  change.current = onChange;
  const side = Math.round((PEN_SIDE * height) / width);
  useEffect(() => {
    const context = canvas.current!.getContext("2d")!;
    context.fillStyle = "#000000";
    context.fillRect(0, 0, PEN_SIDE, side);
    context.strokeStyle = "#ffffff";
    // As thick as digits are written, of which an image of any size holds one of 28 pixels.
    context.lineWidth = (PEN * PEN_SIDE) / width;
    context.lineCap = "round";
    context.lineJoin = "round";
    for (const stroke of strokes) {
      context.beginPath();
      for (const [x, y] of [...stroke, stroke.at(-1)!]) context.lineTo(x * PEN_SIDE, y * side);
      context.stroke();
    }
    if (strokes.length === 0) return;
    const timer = setTimeout(() => {
      const small = new OffscreenCanvas(width, height).getContext("2d")!;
      small.imageSmoothingQuality = "high";
      small.drawImage(canvas.current!, 0, 0, width, height);
      change.current(imageValue(small.getImageData(0, 0, width, height), 1));
    }, REST);
    return () => clearTimeout(timer);
  }, [strokes, width, height, side]);
  const pointOf = (event: { clientX: number; clientY: number; currentTarget: Element }): Point => {
    const box = event.currentTarget.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  return (
    <div className="scene">
      <canvas
        ref={canvas}
        className="pen"
        width={PEN_SIDE}
        height={side}
        role="img"
        aria-label="The drawing: hold the pointer down and draw"
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          drawing.current = true;
          const point = pointOf(event);
          setStrokes((before) => [...before, [point]]);
        }}
        onPointerMove={(event) => {
          if (!drawing.current) return;
          const point = pointOf(event);
          setStrokes((before) => [...before.slice(0, -1), [...before.at(-1)!, point]]);
        }}
        onPointerUp={() => {
          drawing.current = false;
        }}
      />
      <div className="fields">
        <button
          type="button"
          className="quiet"
          disabled={strokes.length === 0}
          onClick={() => setStrokes((before) => before.slice(0, -1))}
        >
          Take the last away
        </button>
        <button
          type="button"
          className="quiet"
          disabled={strokes.length === 0}
          onClick={() => setStrokes([])}
        >
          Wipe it clean
        </button>
      </div>
    </div>
  );
}

const RADIUS: Readonly<Record<Size, number>> = { small: 6, large: 9.5 };
/** Decides the background; another number is another background. */
const BACKGROUND = 20_150_210;

const FIRST: readonly SceneObject[] = [
  { shape: "circle", colour: "red", texture: "plain", size: "large", x: 18, y: 24, radius: RADIUS.large },
  { shape: "square", colour: "blue", texture: "striped", size: "small", x: 46, y: 40, radius: RADIUS.small },
];

/** Pixels at the size a model reads. */
function scaled({ width, height, data }: Pixels, [rows, columns]: ImageField["size"]): ImageValue {
  const whole = new ImageData(width, height);
  for (let pixel = 0; pixel < width * height; pixel++)
    whole.data.set([...data.subarray(3 * pixel, 3 * pixel + 3), 255], 4 * pixel);
  if (width === columns && height === rows) return imageValue(whole, 3);
  const from = new OffscreenCanvas(width, height);
  from.getContext("2d")!.putImageData(whole, 0, 0);
  const context = new OffscreenCanvas(columns, rows).getContext("2d")!;
  context.imageSmoothingQuality = "high";
  context.drawImage(from, 0, 0, columns, rows);
  return imageValue(context.getImageData(0, 0, columns, rows), 3);
}

/** Shapes: a click puts one there, dragging moves one, a double click takes it away. */
function ShapesCanvas({
  field,
  onChange,
}: {
  readonly field: ImageField;
  readonly onChange: (value: ImageValue) => void;
}) {
  const [objects, setObjects] = useState(FIRST);
  const [shape, setShape] = useState<Shape>("circle");
  const [colour, setColour] = useState<Colour>("green");
  const [texture, setTexture] = useState<Texture>("plain");
  const [size, setSize] = useState<Size>("small");
  const dragged = useRef<{ index: number; moved: boolean }>(undefined);
  const pixels = useMemo(() => renderScene({ groups: [objects], background: BACKGROUND }), [objects]);
  const change = useRef(() => {});
  change.current = () => onChange(scaled(pixels, field.size));
  // biome-ignore lint/correctness/useExhaustiveDependencies: other pixels are asked about.
  useEffect(() => {
    const timer = setTimeout(() => change.current(), REST);
    return () => clearTimeout(timer);
  }, [pixels]);
  const placeOf = (event: { clientX: number; clientY: number; currentTarget: Element }) => {
    const box = event.currentTarget.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * SCENE_SIZE,
      y: ((event.clientY - box.top) / box.height) * SCENE_SIZE,
    };
  };
  const at = ({ x, y }: { x: number; y: number }) =>
    objects.findLastIndex((one) => Math.hypot(one.x - x, one.y - y) <= one.radius);
  const put = (x: number, y: number) =>
    setObjects((before) => [...before, { shape, colour, texture, size, x, y, radius: RADIUS[size] }]);
  const choice = <Item extends string>(
    label: string,
    items: readonly Item[],
    value: Item,
    set: (item: Item) => void,
  ) => (
    <label className="field">
      <span>{label}</span>
      <select value={value} onChange={({ target }) => set(target.value as Item)}>
        {items.map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
    </label>
  );
  return (
    <div className="scene">
      <div
        className="scene-canvas"
        role="application"
        aria-label="The drawing: click to put a shape, drag to move one, double click to take it away"
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          const index = at(placeOf(event));
          dragged.current = { index, moved: false };
        }}
        onPointerMove={(event) => {
          const now = dragged.current;
          if (!now || now.index < 0) return;
          now.moved = true;
          const { x, y } = placeOf(event);
          setObjects((before) => before.map((one, index) => (index === now.index ? { ...one, x, y } : one)));
        }}
        onPointerUp={(event) => {
          const now = dragged.current;
          dragged.current = undefined;
          if (now && now.index < 0) {
            const { x, y } = placeOf(event);
            put(x, y);
          }
        }}
        onDoubleClick={(event) => {
          const index = at(placeOf(event));
          if (index >= 0) setObjects((before) => before.filter((_, other) => other !== index));
        }}
      >
        <img src={pngUrl(pixels)} alt="the drawing as the model sees it" draggable={false} />
      </div>
      <div className="fields">
        {choice("Size", SIZES, size, setSize)}
        {choice("Colour", COLOURS, colour, setColour)}
        {choice("Texture", TEXTURES, texture, setTexture)}
        {choice("Shape", SHAPES, shape, setShape)}
        <button type="button" className="quiet" onClick={() => put(32, 32)}>
          Put one in the middle
        </button>
        <button
          type="button"
          className="quiet"
          disabled={objects.length === 0}
          onClick={() => setObjects((before) => before.slice(0, -1))}
        >
          Take the last away
        </button>
      </div>
    </div>
  );
}
