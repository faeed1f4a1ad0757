import { type ReactNode, useState } from "react";
import { type Places, placeLabels, rowOf, type TraceLook, windowsOf } from "../../../src/attention/trace.js";
import { nameOf } from "../../../src/views/look/drawing.js";
import { heightOf, MapOver, SCALE_HEIGHT, ScaleOf } from "../../../src/views/look/maps.js";
import { useMapDrawing } from "../state.js";
import { percent } from "./basic.js";
import { allAt, type Force, windowAt } from "./look.js";
import { Told } from "./told.js";

/** What is known of one step over the places that were looked at. */
export interface Reading {
  readonly places: Places;
  /** What was looked at; absent where the model has no attention. */
  readonly attention?: TraceLook | undefined;
  readonly salience?: TraceLook | undefined;
  /** Once it is measured. */
  readonly effect?: TraceLook | undefined;
  /** Whether the effect is that of other places than these, and so not to be told of here. */
  readonly elsewhere?: boolean | undefined;
  readonly step: number;
  /** What was decided. */
  readonly piece: string;
  /** Puts attention elsewhere; absent where it cannot be. */
  readonly onForce?: Force | undefined;
}

/** The numbers of a step: of the whole output where the look has but one row. */
export const valuesAt = (look: TraceLook | undefined, step: number): Float32Array | undefined =>
  look && (step < look.shape[0] ? rowOf(look, step) : look.shape[0] === 1 ? rowOf(look, 0) : undefined);

/** A number of a table, without the sign of what is nothing. */
const fixed = (value: number | undefined): string =>
  value === undefined ? "" : (Math.abs(value) < 0.005 ? 0 : value).toFixed(2);

/** Rows a table has at most: of more places, those with the greatest numbers. */
const ROWS = 40;

/** The places of a step in a table: what was looked at, what more attention would be worth, and what each caused. */
export function PlaceTable({
  places,
  attention,
  salience,
  effect,
  elsewhere,
  step,
  piece,
  onForce,
}: Reading) {
  const [looked, slopes, caused] = [attention, salience, elsewhere ? undefined : effect].map((look) =>
    valuesAt(look, step),
  );
  const count = attention?.shape[2] ?? effect?.shape[2] ?? 0;
  const labels = placeLabels(places, count);
  const greatest = Math.max(1e-9, ...(slopes ?? []).map(Math.abs));
  const most = Math.max(1e-9, ...(looked ?? []));
  const by = looked ?? caused;
  const all = labels.map((_, place) => place);
  /** Whether any of a place's numbers is one that the table can tell from 0. */
  const tells = (place: number) =>
    [looked, slopes, caused].some((values) => Math.abs(values?.[place] ?? 0) >= 0.005);
  const shown =
    count <= ROWS
      ? all
      : all
          .filter(tells)
          .sort((a, b) => (by?.[b] ?? 0) - (by?.[a] ?? 0))
          .slice(0, ROWS)
          .sort((a, b) => a - b);
  return (
    <>
      <table className="readings">
        <thead>
          <tr>
            <th scope="col">{places.kind === "slots" ? places.title : "place"}</th>
            {looked && <th scope="col">attention</th>}
            {slopes && <th scope="col">salience</th>}
            {!elsewhere && <th scope="col">effect</th>}
            {onForce && (
              <th scope="col">
                <span className="hidden">force</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {shown.map((place) => {
            const label = labels[place]!;
            return (
              <tr key={place}>
                <th scope="row">{label}</th>
                {looked && (
                  <td>
                    <meter
                      min={0}
                      max={count > ROWS ? most : 1}
                      value={looked[place]}
                      aria-label={`attention on ${label}`}
                    />{" "}
                    {fixed(looked[place])}
                  </td>
                )}
                {slopes && (
                  <td>
                    <meter
                      className={slopes[place]! < 0 ? "against" : ""}
                      min={0}
                      max={1}
                      value={Math.abs(slopes[place]!) / greatest}
                      aria-label={`salience of ${label}`}
                    />{" "}
                    {fixed(slopes[place])}
                  </td>
                )}
                {!elsewhere && <td>{caused ? fixed(caused[place]) : "…"}</td>}
                {onForce && attention && (
                  <td>
                    <button
                      type="button"
                      className="link"
                      title="Put all attention of this step here, and go on"
                      onClick={() => onForce(attention.name, step, allAt(attention, place))}
                    >
                      all here
                    </button>
                  </td>
                )}
              </tr>
            );
          })}
        </tbody>
      </table>
      {count > ROWS && (
        <p className="note">
          {shown.length < ROWS
            ? `Of ${count} places those are shown whose numbers are not all 0.`
            : `The ${ROWS} of ${count} places with the greatest numbers are shown.`}
        </p>
      )}
      <p className="note">
        <Told
          text={[
            ...(slopes
              ? [
                  `Salience is the gradient that reaches each weight, in nats per unit of attention: more attention there would make “${piece}” likelier (or, below 0, less likely).`,
                ]
              : []),
            elsewhere
              ? "Taken away are places of the input, not these; Explain shows what each of them caused."
              : `The effect is how many nats less likely “${piece}” is once that place is taken away.`,
          ].join(" ")}
        />
      </p>
    </>
  );
}

/** The maps of a step, large; a click on a cell of the first puts all attention there. */
export function PlaceMaps({
  placesAt,
  attention,
  salience,
  effect,
  step,
  piece,
  onForce,
  mass,
}: Omit<Reading, "places"> & {
  /** What a look goes over at this step: cells of attention need not be the parts that are taken away. */
  readonly placesAt: (look: TraceLook) => Places;
  /** The share of attention that is where it should be, where that is known. */
  readonly mass?: number | undefined;
}) {
  const [drawing] = useMapDrawing();
  const map = (
    look: TraceLook | undefined,
    name: string,
    side: number,
    onCell: ((cell: number) => void) | undefined,
    caption: ReactNode,
  ) => {
    const values = valuesAt(look, step);
    const places = look && placesAt(look);
    if (!look || !values || places?.kind !== "grid") return null;
    const label = `${name} ${piece}`;
    const height = heightOf(places.image, side);
    const id = nameOf(`over ${label} ${drawing.style}`);
    return (
      <figure className="map" style={{ width: side }}>
        <div className="map-picture" style={{ width: side }}>
          <svg viewBox={`0 0 ${side} ${height}`} width={side} height={height} role="img" aria-label={label}>
            <MapOver places={places} values={values} side={side} {...drawing} name={id} />
          </svg>
          {onCell && <CellButtons places={places} onCell={onCell} />}
        </div>
        <svg
          className="scale"
          viewBox={`0 0 ${side} ${SCALE_HEIGHT}`}
          width={side}
          height={SCALE_HEIGHT}
          aria-hidden="true"
        >
          <ScaleOf look={look} values={values} width={side} opacity={drawing.opacity} name={id} />
        </svg>
        <figcaption>{caption}</figcaption>
      </figure>
    );
  };
  return (
    <div className="maps">
      {map(
        attention,
        "attention of",
        320,
        onForce && attention && ((cell) => onForce(attention.name, step, allAt(attention, cell))),
        <>
          attention
          {mass !== undefined && ` · ${percent(mass)} of it on what it tells of`}
        </>,
      )}
      <div className="maps beside">
        {map(salience, "salience of", 200, undefined, "salience: where more attention would help")}
        {effect ? (
          map(effect, "effect on", attention ? 200 : 320, undefined, "causal effect: what it would miss")
        ) : (
          <p className="busy" aria-live="polite">
            Covering places …
          </p>
        )}
      </div>
    </div>
  );
}

function CellButtons({
  places: { rows, columns },
  onCell,
}: {
  readonly places: Extract<Places, { kind: "grid" }>;
  readonly onCell: (cell: number) => void;
}) {
  return (
    <fieldset
      className="cells"
      style={{ gridTemplateColumns: `repeat(${columns}, 1fr)` }}
      aria-label="Places; a click puts all attention of this step there"
    >
      {Array.from({ length: rows * columns }, (_, cell) => (
        <button
          key={cell}
          type="button"
          tabIndex={cell === 0 ? 0 : -1}
          aria-label={`row ${Math.floor(cell / columns) + 1}, column ${(cell % columns) + 1}`}
          onKeyDown={(event) => {
            const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
            if (by === undefined) return;
            event.preventDefault();
            const next = event.currentTarget.parentElement?.children[cell + by];
            if (next instanceof HTMLElement) next.focus();
          }}
          onClick={() => onCell(cell)}
        />
      ))}
    </fieldset>
  );
}

/** Where the window of a step lies, in numbers that can be changed. */
export function WindowFields({
  look,
  step,
  onForce,
}: {
  readonly look: TraceLook;
  readonly step: number;
  readonly onForce?: Force | undefined;
}) {
  const [window] = windowsOf(look, step);
  const own = { x: (100 * window!.x).toFixed(1), y: (100 * window!.y).toFixed(1) };
  const [draft, setDraft] = useState<Partial<typeof own>>({});
  const now = { ...own, ...draft };
  return (
    <form
      className="row"
      onSubmit={(event) => {
        event.preventDefault();
        setDraft({});
        onForce?.(look.name, step, windowAt(look, step, 0, [Number(now.x) / 100, Number(now.y) / 100]));
      }}
    >
      {(["x", "y"] as const).map((axis) => (
        <label key={axis} className="field">
          <span>{axis === "x" ? "% from the left" : "% from the top"}</span>
          <input
            type="number"
            min={0}
            max={100}
            step="any"
            required
            value={now[axis]}
            readOnly={!onForce}
            onChange={({ target }) => setDraft({ ...draft, [axis]: target.value })}
          />
        </label>
      ))}
      {onForce && <button type="submit">Look there</button>}
    </form>
  );
}
