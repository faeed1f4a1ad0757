#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { RegardError, UsageError } from "../core/index.js";
import { benchCommand } from "./command/bench.js";
import { dataCommand } from "./command/data.js";
import { diagnoseCommand } from "./command/diagnose.js";
import { evaluateCommand } from "./command/evaluate.js";
import { explainCommand } from "./command/explain.js";
import { exportCommand } from "./command/export.js";
import { modelsCommand } from "./command/models.js";
import { seeCommand } from "./command/see.js";
import { studioCommand } from "./command/studio.js";
import { trainCommand } from "./command/train.js";
import { Interrupted } from "./interrupt.js";
import { VERSION } from "./version.js";

const program = new Command("regard")
  .description("Design, train, see and explain attention models.")
  .version(VERSION)
  .enablePositionalOptions()
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "regard: ")) })
  .showHelpAfterError("(add --help for the options and an example)");
const commands = [
  modelsCommand,
  dataCommand,
  trainCommand,
  seeCommand,
  evaluateCommand,
  explainCommand,
  diagnoseCommand,
  exportCommand,
  benchCommand,
  studioCommand,
];
for (const command of commands) command(program);
for (const command of program.commands)
  for (const each of [command, ...command.commands]) each.exitOverride().copyInheritedSettings(program);

/** Exit codes: 0 done, 1 failed, 2 used wrongly, 130 interrupted. */
function exitCode(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof Interrupted) return 130;
  return error instanceof UsageError ? 2 : 1;
}

// A reader that has seen enough, such as head, closes the pipe: that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCode(error);
  const reported = error instanceof CommanderError || error instanceof Interrupted;
  if (process.argv.includes("--debug") && !reported) process.stderr.write(`${(error as Error).stack}\n`);
  else if (!reported) {
    const { message } = error as Error;
    const hint =
      error instanceof RegardError ? "" : " (this was not foreseen; --debug shows where it happened)";
    process.stderr.write(`regard: ${message}${hint}\n`);
  }
}
