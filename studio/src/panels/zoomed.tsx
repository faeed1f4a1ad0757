import { type ReactNode, useRef, useState } from "react";

const [LEAST, MOST, FACTOR] = [0.25, 4, 1.25] as const;
/** Pixels that a pointer moves before it drags what it is on. */
const MOVED = 4;

/** A drawing that fits its card, and can be made larger or smaller; what does not fit then is moved by dragging, scrolling, or arrow keys. */
export function Zoomed({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  const [zoom, setZoom] = useState<number>();
  const area = useRef<HTMLElement>(null);
  const dragged = useRef<{ x: number; y: number; left: number; top: number; moved: boolean }>(undefined);
  const by = (factor: number) => {
    const drawing = area.current?.querySelector("svg");
    if (!drawing) return;
    const now = zoom ?? drawing.getBoundingClientRect().width / drawing.viewBox.baseVal.width;
    setZoom(Math.min(MOST, Math.max(LEAST, now * factor)));
  };
  return (
    <>
      <fieldset className="row" aria-label="Zoom">
        <button type="button" className="quiet" aria-label="Smaller" onClick={() => by(1 / FACTOR)}>
          −
        </button>
        <button type="button" className="quiet" aria-label="Larger" onClick={() => by(FACTOR)}>
          +
        </button>
        <button
          type="button"
          className="quiet"
          disabled={zoom === undefined}
          onClick={() => setZoom(undefined)}
        >
          Fit
        </button>
        <output className="faint">{zoom === undefined ? "fits" : `${Math.round(100 * zoom)} %`}</output>
      </fieldset>
      <section
        ref={area}
        className={zoom === undefined ? "picture" : "picture zoomed"}
        aria-label={label}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        tabIndex={0}
        onPointerDown={({ clientX: x, clientY: y, currentTarget, pointerType }) => {
          if (pointerType !== "mouse") return; // Fingers scroll by themselves.
          dragged.current = {
            x,
            y,
            left: currentTarget.scrollLeft,
            top: currentTarget.scrollTop,
            moved: false,
          };
        }}
        onPointerMove={({ clientX, clientY, currentTarget, pointerId }) => {
          const drag = dragged.current;
          if (!drag) return;
          const [x, y] = [clientX - drag.x, clientY - drag.y];
          if (!drag.moved && Math.hypot(x, y) < MOVED) return;
          if (!drag.moved) currentTarget.setPointerCapture(pointerId);
          drag.moved = true;
          currentTarget.scrollTo(drag.left - x, drag.top - y);
        }}
        onPointerUp={() => {
          dragged.current = undefined;
        }}
        onPointerCancel={() => {
          dragged.current = undefined;
        }}
      >
        {zoom === undefined ? children : <div style={{ zoom }}>{children}</div>}
      </section>
    </>
  );
}
