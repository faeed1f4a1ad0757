#!/usr/bin/env node
import { Command } from "commander";
import { VERSION } from "../service/runs.node.js";
import { legible } from "../views/index.js";
import { analogyCommand } from "./command/analogy.js";
import { benchCommand } from "./command/bench.js";
import { dataCommand } from "./command/data.js";
import { diagnoseCommand } from "./command/diagnose.js";
import { evaluateCommand } from "./command/evaluate.js";
import { explainCommand } from "./command/explain.js";
import { exportCommand } from "./command/export.js";
import { mapCommand } from "./command/map.js";
import { modelsCommand } from "./command/models.js";
import { neighboursCommand } from "./command/neighbours.js";
import { openCommand } from "./command/open.js";
import { seeCommand } from "./command/see.js";
import { studioCommand } from "./command/studio.js";
import { trainCommand } from "./command/train.js";
import { report } from "./command.js";

/** What is wrong with a call, and where it is likely what to do. */
const explained = (text: string): string =>
  text
    .replace(/^error: /, "regard: ")
    .replace(
      /(too many arguments for '(?:see|explain)'\.[^\n]*)/,
      '$1 A sentence goes in quotes: "I love coffee".',
    );

const program = new Command("regard")
  .description("Design, train, see and explain attention models.")
  .version(VERSION)
  .enablePositionalOptions()
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(legible(explained(text))) })
  .showHelpAfterError("(add --help for the options and an example)");
const commands = [
  modelsCommand,
  dataCommand,
  trainCommand,
  seeCommand,
  openCommand,
  evaluateCommand,
  explainCommand,
  diagnoseCommand,
  exportCommand,
  neighboursCommand,
  analogyCommand,
  mapCommand,
  benchCommand,
  studioCommand,
];
for (const command of commands) command(program);
for (const command of program.commands)
  for (const each of [command, ...command.commands]) each.exitOverride().copyInheritedSettings(program);

/** What writing to a terminal that was closed fails with. */
const TERMINAL_GONE = "EIO";

// A reader that has seen enough, such as head, closes the pipe: that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  if (error.code !== TERMINAL_GONE) throw error;
});
// What nobody can read any more must not keep a training from being saved.
process.stderr.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE" && error.code !== TERMINAL_GONE) throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
