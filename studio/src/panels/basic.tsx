import type { ReactNode } from "react";
import type { RunState, RunSummary } from "../../../src/service/protocol.js";
import { linkTo } from "../state.js";
import { Told } from "./told.js";

export const Problem = ({ text }: { readonly text: string | undefined }) =>
  text === undefined ? null : (
    <p className="problem" role="alert">
      {text}
    </p>
  );

export const Busy = ({ when, text }: { readonly when: boolean; readonly text: string }) => (
  <p className="busy" aria-live="polite">
    {when ? text : ""}
  </p>
);

/** A heading with what belongs to it. */
export const Panel = ({
  title,
  children,
  note,
}: {
  readonly title: string;
  readonly children: ReactNode;
  readonly note?: ReactNode;
}) => (
  <section className="panel">
    <h2>{title}</h2>
    {note && <p className="note">{typeof note === "string" ? <Told text={note} /> : note}</p>}
    {children}
  </section>
);

/** A picture that may be wider than the page; it scrolls by itself, by keyboard too. */
export const Scrolled = ({ label, children }: { readonly label: string; readonly children: ReactNode }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
  <section className="picture" aria-label={label} tabIndex={0}>
    {children}
  </section>
);

export const State = ({ state }: { readonly state: RunState }) => (
  <span className={`state ${state}`}>{state}</span>
);

/** Losses as a line without axes. */
export function Spark({ values }: { readonly values: readonly number[] }) {
  if (values.length < 2) return <span className="faint">no losses yet</span>;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const points = values.map(
    (value, index) =>
      `${((index / (values.length - 1)) * 118 + 1).toFixed(1)},${(27 - ((value - low) / (high - low || 1)) * 26).toFixed(1)}`,
  );
  return (
    <svg
      width="120"
      height="28"
      viewBox="0 0 120 28"
      role="img"
      aria-label={`loss from ${values[0]!.toFixed(2)} to ${values.at(-1)!.toFixed(3)}`}
    >
      <polyline className="spark" points={points.join(" ")} fill="none" strokeWidth="1.5" />
    </svg>
  );
}

/** Chooses a run; the address changes with it. */
export function RunPicker({
  runs,
  value,
  label = "Run",
  onChoose,
}: {
  readonly runs: readonly RunSummary[];
  readonly value: string;
  readonly label?: string;
  readonly onChoose: (run: string) => void;
}) {
  return (
    <label className="field">
      <span>{label}</span>
      <select value={value} onChange={({ target }) => onChoose(target.value)}>
        {!runs.some(({ id }) => id === value) && <option value={value}>{value || "choose a run"}</option>}
        {runs.map(({ id, model }) => (
          <option key={id} value={id}>
            {id} ({model})
          </option>
        ))}
      </select>
    </label>
  );
}

/** What stands where there is nothing to show without a run. */
export const NoRuns = () => (
  <p>
    There is no trained model yet. <a href={linkTo("train")}>Train one</a>: the data is built in, and a small
    one takes a minute.
  </p>
);

/** What stands where there are runs, but none that a page can be about. */
export const NoFittingRuns = () => (
  <p>
    None of the trained models can be asked for this. <a href={linkTo("train")}>Train another</a>: the data is
    built in.
  </p>
);

/** One of a few, each a button. */
export const Choices = <Item extends string>({
  label,
  items,
  value,
  title = (item) => item,
  onChoose,
}: {
  readonly label: string;
  readonly items: readonly Item[];
  readonly value: Item;
  readonly title?: (item: Item) => string;
  readonly onChoose: (item: Item) => void;
}) => (
  <fieldset className="choices" aria-label={label}>
    {items.map((item) => (
      <button
        key={item}
        type="button"
        className={item === value ? "" : "quiet"}
        aria-pressed={item === value}
        onClick={() => onChoose(item)}
      >
        {title(item)}
      </button>
    ))}
  </fieldset>
);

/** Hands a file to the browser to keep. */
export function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** A word as a heading begins. */
export const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** Sizes that operations are counted for, "source 20, target 21", with what stands around them; nothing where there are none. */
export const lengthsText = (
  lengths: Readonly<Record<string, number>>,
  before: string,
  after = "",
): string => {
  const told = Object.entries(lengths).map(([name, size]) => `${name} ${size}`);
  return told.length > 0 ? before + told.join(", ") + after : "";
};

const count = new Intl.NumberFormat("en");
export const number = (value: number): string => count.format(Math.round(value));

/** When in training something was kept. */
export const afterStep = (step: number): string =>
  step === 0 ? "Before the first step" : `After step ${number(step)}`;

/** 1,234,000 as "1.23 M"; of a unit, "1.23 MB". */
export function short(value: number, unit = ""): string {
  const units = ["", "k", "M", "G", "T"];
  const index = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  return `${Number((value / 1000 ** index).toPrecision(3))} ${units[index]}${unit}`.trim();
}

/** 75 as "1:15". */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

export const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

/** The run that a page is about: the one in its address, or the newest that can answer. */
export const chosenRun = (runs: readonly RunSummary[] | undefined, argument: string): string | undefined =>
  argument || runs?.find(({ validation }) => validation !== undefined)?.id;
