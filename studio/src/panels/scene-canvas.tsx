import { useEffect, useMemo, useRef, useState } from "react";
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
import { pngUrl } from "../../../src/data/image.js";

const RADIUS: Readonly<Record<Size, number>> = { small: 6, large: 9.5 };
/** Decides the background; another number is another background. */
const BACKGROUND = 20_150_210;

const FIRST: readonly SceneObject[] = [
  { shape: "circle", colour: "red", texture: "plain", size: "large", x: 18, y: 24, radius: RADIUS.large },
  { shape: "square", colour: "blue", texture: "striped", size: "small", x: 46, y: 40, radius: RADIUS.small },
];

/** A scene of one's own: a click puts an object there, dragging moves one, a double click takes it away. */
export function SceneCanvas({ onDraw }: { readonly onDraw: (pixels: Pixels) => void }) {
  const [objects, setObjects] = useState(FIRST);
  const [shape, setShape] = useState<Shape>("circle");
  const [colour, setColour] = useState<Colour>("green");
  const [texture, setTexture] = useState<Texture>("plain");
  const [size, setSize] = useState<Size>("small");
  const dragged = useRef<{ index: number; moved: boolean }>(undefined);
  const pixels = useMemo(() => renderScene({ groups: [objects], background: BACKGROUND }), [objects]);
  const draw = useRef(onDraw);
  draw.current = onDraw;
  useEffect(() => {
    // Dragging changes the scene many times a second; it is asked about when it rests.
    const timer = setTimeout(() => draw.current(pixels), 120);
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
        aria-label="The scene: click to put an object, drag to move one, double click to take it away"
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
        <img src={pngUrl(pixels)} alt="the scene as the model sees it" draggable={false} />
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
