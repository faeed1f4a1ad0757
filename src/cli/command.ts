import { extname } from "node:path";
import { type Command, CommanderError } from "commander";
import { RegardError, UsageError } from "../core/index.js";
import { DEFAULT_BEAM, WIDEST_BEAM } from "../decode/decoding.js";
import { legible } from "../views/index.js";
import { Interrupted } from "./interrupt.js";

/** Options that every command has. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly debug?: boolean;
}

/** A verb of the command line: adds itself to the program. */
export type CommandDefinition = (program: Command) => void;

/** A command with the options and the example that all have. */
export function define(
  program: Command,
  usage: string,
  description: string,
  examples: readonly string[],
): Command {
  return program
    .command(usage)
    .description(description)
    .option("--json", "print one JSON object on standard output")
    .option("--debug", "print a stack trace where something fails")
    .addHelpText("after", `\nExamples:\n${examples.map((example) => `  $ regard ${example}`).join("\n")}\n`);
}

/** Prints a result: the JSON object where it was asked for, the text otherwise. */
export function print(options: CommonOptions, json: unknown, text: string): void {
  process.stdout.write(options.json ? `${JSON.stringify(json)}\n` : `${text}\n`);
}

export const warn = (message: string): void => {
  process.stderr.write(`${legible(message)}\n`);
};

/** Tells what ended a command, and gives the exit code for it: 0 done, 1 failed, 2 used wrongly, 130 interrupted. */
export function report(error: unknown, { who = "regard", debug = false } = {}): number {
  const code =
    error instanceof CommanderError
      ? error.exitCode === 0
        ? 0
        : 2
      : error instanceof Interrupted
        ? 130
        : error instanceof UsageError
          ? 2
          : 1;
  if (error instanceof CommanderError || error instanceof Interrupted) return code;
  const { message, stack } = error as Error;
  const hint =
    error instanceof RegardError ? "" : " (this was not foreseen; --debug shows where it happened)";
  warn(debug ? `${stack}` : `${who}: ${message}${hint}`);
  return code;
}

/** An option's text as a number. @throws UsageError where it is none */
export function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || Number.isNaN(value))
    throw new UsageError(`"${text}" is not a number; give one such as 10 or 0.001.`);
  return value;
}

/** An option that is a whole number from 1 on. @throws UsageError for anything else */
export const whole =
  (option: string) =>
  (text: string): number => {
    const value = number(text);
    if (!Number.isSafeInteger(value) || value < 1)
      throw new UsageError(`${option} is ${text} but must be a whole number, 1 or more.`);
    return value;
  };

/** The width of a beam from an option's text. @throws UsageError out of range */
export function beamWidth(text: string): number {
  const width = Number(text);
  if (!Number.isInteger(width) || width < 1 || width > WIDEST_BEAM)
    throw new UsageError(`--beam is ${text} but must be a whole number from 1 to ${WIDEST_BEAM}.`);
  return width;
}

/** Adds the option of how one input is decoded, alike wherever it is shown and explained. */
export const withBeam = (command: Command): Command =>
  command.option(
    "--beam <n>",
    "hypotheses kept while decoding; 1 takes the likeliest word each time",
    beamWidth,
    DEFAULT_BEAM,
  );

/**
 * Reads the name of a file that is written in one format: a name that says another is refused.
 * @throws UsageError
 */
export const fileOf =
  (option: string, format: "svg" | "png" | "html" | "onnx") =>
  (file: string): string => {
    const ending = extname(file).slice(1).toLowerCase();
    const fits = ending === "" || ending === format || (format === "html" && ending === "htm");
    if (file === "" || !(fits || file.startsWith("/dev/")))
      throw new UsageError(
        `${option} writes ${format.toUpperCase()}, but the file is called "${file}"; call it ${file.slice(0, file.length - extname(file).length) || (format === "onnx" ? "model" : "picture")}.${format}.`,
      );
    return file;
  };
