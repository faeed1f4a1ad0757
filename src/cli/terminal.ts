import { styleText } from "node:util";
import type { Progress } from "../train/index.js";

/** Whether people look at this stream: a terminal, and no request for plain text. */
const isInteractive = (stream: NodeJS.WriteStream): boolean => stream.isTTY === true && !process.env.NO_COLOR;

/** Whether the stream shows 24-bit colour. */
export const hasColour = (stream: NodeJS.WriteStream): boolean =>
  !process.env.NO_COLOR &&
  (process.env.FORCE_COLOR !== undefined || (stream.isTTY === true && stream.hasColors?.(2 ** 24)));

/** Writes what is being waited for over the last line of a terminal, and nothing elsewhere; without a text, clears that line. */
export function status(text = ""): void {
  if (isInteractive(process.stderr)) process.stderr.write(`\r\u001b[2K${text}`);
}

/** 75 s as "1:15", 3700 s as "1:01:40". */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

const BAR = 24;
/** Milliseconds between two drawings of the bar. */
const REDRAW = 100;

/** Milliseconds between two lines that say how far training is, where they go to no terminal. */
const RETELL = 5000;

/** A training bar on standard error; where that is no terminal, a line now and then. */
export class ProgressBar {
  readonly #interactive = isInteractive(process.stderr);
  #drawn = performance.now();

  update(now: Progress): void {
    if (performance.now() - this.#drawn < (this.#interactive ? REDRAW : RETELL)) return;
    this.#drawn = performance.now();
    const left = `${duration(now.secondsLeft)} left`;
    if (!this.#interactive) {
      this.line(`step ${now.step}  loss ${now.loss.toFixed(3)}  ${left}`);
      return;
    }
    const full = Math.round(now.progress * BAR);
    const bar = styleText("cyan", "█".repeat(full)) + styleText("gray", "░".repeat(BAR - full));
    const facts = [
      `step ${now.step}`,
      `loss ${now.loss.toFixed(3)}`,
      `${Math.round(now.tokensPerSecond).toLocaleString("en")} tokens/s`,
      `rate ${now.learningRate.toExponential(1)}`,
      left,
    ];
    status(`${bar} ${facts.join("  ")}`);
  }

  /** Prints a line that stays, above the bar. */
  line(text: string): void {
    status();
    process.stderr.write(`${text}\n`);
  }

  /** Removes the bar. */
  clear(): void {
    status();
  }
}
