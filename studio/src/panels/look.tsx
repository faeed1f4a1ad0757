import { type CSSProperties, type PointerEvent, type ReactNode, useMemo, useRef, useState } from "react";
import {
  placeLabels,
  placesOf,
  rowLabels,
  rowOf,
  type Trace,
  type TraceLook,
} from "../../../src/attention/trace.js";
import { type Drawing, Drawn, type Spot } from "../../../src/views/look/drawing.js";
import {
  drawPicture,
  momentsOf,
  type Picture,
  type PictureOptions,
  type ViewName,
  viewTitle,
} from "../../../src/views/look/look-view.js";
import { isScore, shadingOf } from "../../../src/views/look/shading.js";
import { useMapDrawing, useRoom, useTheme } from "../state.js";
import { Choices, Scrolled, save } from "./basic.js";

/** Seconds each step is shown in a moving picture. */
const STEP_SECONDS = 0.8;

/** A value in words. */
function readout(trace: Trace, { look, row, head, place, point }: Spot): string {
  const from = rowLabels(trace, look)[row];
  const heads = look.shape[1] > 1 && look.kind !== "windows" ? `, head ${head + 1},` : "";
  if (place === undefined)
    return point
      ? `${from}: ${(100 * point[0]).toFixed(0)} % from the left, ${(100 * point[1]).toFixed(0)} % from the top`
      : `${from}`;
  const value = shadingOf(look).text(rowOf(look, row, head)[place]!);
  const over = placesOf(trace, look);
  const label = placeLabels(over, look.shape[2])[place]!;
  const there = over.kind === "slots" ? `${over.title} ${label}` : label;
  return isScore(look)
    ? `${look.name} of ${there} on ${from}: ${value}`
    : `${from}${heads} looks at ${there} with ${value}`;
}

/** All numbers of a row of a look, of every head. */
export const wholeRow = ({ shape: [, heads, places], data }: TraceLook, row: number): number[] =>
  Array.from(data.subarray(row * heads * places, (row + 1) * heads * places));

/** A row in which what one place has is moved to another. */
function moved(look: TraceLook, { row, head, place }: Spot, to: number): number[] {
  const values = wholeRow(look, row);
  const at = head * look.shape[2];
  values[at + to]! += values[at + place!]!;
  values[at + place!] = 0;
  return values;
}

/** A row in which all heads look at one place. */
export const allAt = ({ shape: [, heads, places] }: TraceLook, place: number): number[] =>
  Array.from({ length: heads * places }, (_, index) => (index % places === place ? 1 : 0));

/** A row of windows, of which one lies around another centre. */
export function windowAt(
  look: TraceLook,
  row: number,
  head: number,
  [x, y]: readonly [number, number],
): number[] {
  const values = wholeRow(look, row);
  values[4 * head] = x;
  values[4 * head + 1] = y;
  return values;
}

/** Uses these numbers as a row of a look instead of the model's own. */
export type Force = (look: string, row: number, values: readonly number[]) => void;

/**
 * A picture that answers to the pointer: what lies under it is brought out and read in words. The picture itself is drawn once;
 * only what lies over it moves. A click chooses a row; dragging within a row moves weight from one place to another, or a
 * window to where it is let go, where `onForce` is given.
 */
export function PointedPicture({
  trace,
  drawing,
  view,
  label,
  selected,
  onSelect,
  onForce,
}: {
  readonly trace: Trace;
  readonly drawing: Drawing;
  readonly view: ViewName;
  readonly label: string;
  readonly selected?: Spot | undefined;
  readonly onSelect?: ((spot: Spot) => void) | undefined;
  readonly onForce?: Force | undefined;
}) {
  const [over, setOver] = useState<Spot>();
  const pressed = useRef<Spot>(undefined);
  const drawn = useMemo(() => <Drawn drawing={drawing} />, [drawing]);
  const { at, boxes, width, height } = drawing;
  if (!at || !boxes) return <Scrolled label={label}>{drawn}</Scrolled>;
  const spotAt = ({ clientX, clientY, currentTarget }: PointerEvent<HTMLElement>) => {
    const box = currentTarget.getBoundingClientRect();
    return at(((clientX - box.left) * width) / box.width, ((clientY - box.top) * height) / box.height);
  };
  const share = (pixels: number, of: number) => `${(100 * pixels) / of}%`;
  const bands = (spot: Spot, chosen = false) =>
    boxes(spot).map((box, index) => (
      <div
        key={`${chosen} ${index}`}
        className={chosen ? "band chosen" : "band"}
        style={{
          left: share(box.x, width),
          top: share(box.y, height),
          width: share(box.width, width),
          height: share(box.height, height),
        }}
      />
    ));
  return (
    <Scrolled label={label}>
      <div
        className={`look ${view}`}
        // Full-screen it is as large as it can be with its sides as they are.
        style={{ "--width": `${width}px`, "--ratio": width / height } as CSSProperties}
        onPointerMove={(event) => {
          const found = spotAt(event);
          if (
            found?.row !== over?.row ||
            found?.place !== over?.place ||
            found?.look !== over?.look ||
            found?.point
          )
            setOver(found);
        }}
        onPointerLeave={() => setOver(undefined)}
        onPointerDown={(event) => {
          pressed.current = spotAt(event);
        }}
        onPointerUp={(event) => {
          const [from, to] = [pressed.current, spotAt(event)];
          pressed.current = undefined;
          if (!from || !to || from.look !== to.look) return;
          const { look, row, head, place, point } = from;
          if (point && to.point) {
            // What was hardly moved was clicked.
            const far = Math.hypot(point[0] - to.point[0], point[1] - to.point[1]) > 0.02;
            if (far && onForce) onForce(look.name, row, windowAt(look, row, head, to.point));
            else onSelect?.(from);
            return;
          }
          if (row !== to.row || head !== to.head) return;
          if (place !== undefined && to.place !== undefined && place !== to.place && onForce)
            onForce(look.name, row, moved(look, from, to.place));
          else onSelect?.(to);
        }}
      >
        {drawn}
        {selected && bands({ ...selected, place: undefined as never }, true)}
        {over && over.row < over.look.shape[0] && bands(over)}
      </div>
      <p className="readout" aria-live="off">
        {over ? readout(trace, over) : "Point at the picture to read it."}
      </p>
    </Scrolled>
  );
}

/** Ways to draw that bring the chosen row out by themselves. */
const OWN_SELECTION: readonly ViewName[] = ["ribbon", "trail", "canvases", "memory", "mechanics"];

const STYLES = ["smooth", "grid"] as const;

/** How maps are drawn, and how much their colours cover the image. */
export function MapControls() {
  const [{ style, opacity }, change] = useMapDrawing();
  return (
    <>
      <Choices
        label="How maps are drawn"
        items={STYLES}
        value={style}
        onChoose={(one) => change({ style: one })}
      />
      <label className="opacity">
        <span>Colours</span>
        <input
          type="range"
          min={0}
          max={1}
          step={0.05}
          value={opacity}
          title="How much the colours cover the image"
          onChange={({ target }) => change({ opacity: Number(target.value) })}
        />
      </label>
    </>
  );
}

/** A picture of a trace with the ways to draw it. */
export function LookPicture({
  trace,
  picture,
  label,
  selected,
  onSelect,
  onForce,
  changeable = [],
  children,
}: {
  readonly trace: Trace;
  readonly picture: Picture;
  readonly label: string;
  /** The step that is looked at. */
  readonly selected?: number | undefined;
  readonly onSelect?: ((step: number) => void) | undefined;
  readonly onForce?: Force | undefined;
  /** Looks that may be changed. */
  readonly changeable?: readonly string[];
  /** More to do with it. */
  readonly children?: ReactNode;
}) {
  const theme = useTheme();
  const [chosen, setView] = useState<ViewName>();
  const [maps] = useMapDrawing();
  const [room, measured] = useRoom();
  const frame = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState<PictureOptions["open"]>();
  const view = chosen && picture.views.includes(chosen) ? chosen : picture.views[0];
  // Where the page looks at no step, the picture has one of its own.
  const [ownStep, setOwnStep] = useState<number>();
  const own = OWN_SELECTION.includes(view) ? (selected ?? ownStep) : undefined;
  const drawing = useMemo(
    () =>
      room === undefined
        ? undefined
        : drawPicture(trace, picture, { ...maps, view, open, theme, room, selected: own }),
    [trace, picture, view, maps, open, theme, room, own],
  );
  const moves = useMemo(
    () => momentsOf(trace, picture, { ...maps, theme }).length > 1,
    [trace, picture, maps, theme],
  );
  const [look] = picture.looks;
  // Rows of places that look are no steps that can be chosen.
  const steps = look.from === undefined;
  return (
    <div ref={frame} className="presented">
      <div ref={measured}>
        <div className="row">
          {picture.views.length > 1 && (
            <Choices
              label="How it is drawn"
              items={picture.views}
              value={view}
              title={viewTitle}
              onChoose={setView}
            />
          )}
          {(view === "maps" || view === "mechanics") && <MapControls />}
          {open && (
            <button type="button" className="quiet" onClick={() => setOpen(undefined)}>
              {`Only ${open.look}, head ${open.head + 1}: back to the mean`}
            </button>
          )}
          {moves && (
            <button
              type="button"
              className="quiet"
              onClick={async () => {
                const [first, ...rest] = momentsOf(trace, picture, { ...maps, theme });
                // What writes markup is a third of all script, and needed for this alone.
                const { movingSvg } = await import("../../../src/views/look/render.js");
                save(
                  new Blob([movingSvg([first!, ...rest], STEP_SECONDS)], { type: "image/svg+xml" }),
                  `${picture.name}.svg`,
                );
              }}
            >
              Download as moving SVG
            </button>
          )}
          {children}
          {document.fullscreenEnabled && (
            <button
              type="button"
              className="quiet"
              title={`${label}, as large as the screen`}
              onClick={() =>
                document.fullscreenElement ? document.exitFullscreen() : frame.current!.requestFullscreen()
              }
            >
              Present
            </button>
          )}
        </div>
        {drawing && (
          <PointedPicture
            trace={trace}
            drawing={drawing}
            view={view}
            label={label}
            selected={
              steps &&
              own === undefined &&
              selected !== undefined &&
              view !== "heads" &&
              selected < look.shape[0]
                ? { look, row: selected, head: 0 }
                : undefined
            }
            onSelect={(spot) => {
              if (view === "heads") {
                setOpen({ look: spot.look.name, head: spot.head });
                setView("matrix");
              } else if (spot.look.from === undefined) (onSelect ?? setOwnStep)(spot.row);
            }}
            onForce={changeable.includes(look.name) ? onForce : undefined}
          />
        )}
      </div>
    </div>
  );
}
