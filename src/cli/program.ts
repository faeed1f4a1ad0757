import { Command } from "commander";
import { VERSION } from "../service/runs.node.js";
import { legible } from "../views/index.js";
import { type CommandDefinition, report } from "./command.js";

/** What is wrong with a call, and where it is likely what to do. */
const explained = (text: string): string =>
  text
    .replace(/^error: /, "regard: ")
    .replace(
      /(too many arguments for '(?:see|explain)'\.[^\n]*)/,
      '$1 A sentence goes in quotes: "I love coffee".',
    );

/** Every command by its name. Each is loaded when it is asked for: most of the time that a short one takes is loading. */
const commands: Readonly<Record<string, () => Promise<CommandDefinition>>> = {
  models: async () => (await import("./command/models.js")).modelsCommand,
  data: async () => (await import("./command/data.js")).dataCommand,
  train: async () => (await import("./command/train.js")).trainCommand,
  see: async () => (await import("./command/see.js")).seeCommand,
  open: async () => (await import("./command/open.js")).openCommand,
  tune: async () => (await import("./command/tune.js")).tuneCommand,
  evaluate: async () => (await import("./command/evaluate.js")).evaluateCommand,
  explain: async () => (await import("./command/explain.js")).explainCommand,
  diagnose: async () => (await import("./command/diagnose.js")).diagnoseCommand,
  expand: async () => (await import("./command/expand.js")).expandCommand,
  export: async () => (await import("./command/export.js")).exportCommand,
  neighbours: async () => (await import("./command/neighbours.js")).neighboursCommand,
  analogy: async () => (await import("./command/analogy.js")).analogyCommand,
  map: async () => (await import("./command/map.js")).mapCommand,
  bench: async () => (await import("./command/bench.js")).benchCommand,
  studio: async () => (await import("./command/studio.js")).studioCommand,
};
/**
 * Does what a command line asks for, and writes to standard output and standard error.
 * @param args without the program's name
 * @returns the exit code: 0 done, 1 failed, 2 used wrongly, 130 interrupted
 */
export async function regard(args: readonly string[]): Promise<number> {
  const program = new Command("regard")
    .description("Design, train, see and explain attention models.")
    .version(VERSION)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(legible(explained(text))) })
    .showHelpAfterError("(add --help for the options and an example)");
  const [asked] = args;
  const wanted = asked !== undefined && Object.hasOwn(commands, asked) ? [asked] : Object.keys(commands);
  try {
    for (const name of wanted) (await commands[name]!())(program);
    for (const command of program.commands)
      for (const each of [command, ...command.commands]) each.exitOverride().copyInheritedSettings(program);
    await program.parseAsync(args, { from: "user" });
    return 0;
  } catch (error) {
    return report(error, { debug: args.includes("--debug") });
  }
}
