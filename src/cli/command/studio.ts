import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { UsageError } from "../../core/index.js";
import { DATA_FOLDER } from "../../data/open.node.js";
import { openStudio } from "../../server/studio.js";
import { type CommandDefinition, type CommonOptions, define, number, print } from "../command.js";
import { interruptSignal } from "../interrupt.js";

interface StudioCommandOptions extends CommonOptions {
  readonly port: number;
  readonly host: string;
  readonly runs: string;
  readonly data: string;
}

const pages = fileURLToPath(new URL("../../studio", import.meta.url));
const program = fileURLToPath(new URL("../main.js", import.meta.url));

export const studioCommand: CommandDefinition = (command) => {
  define(command, "studio", "train, see, explain, compare and design in the browser", [
    "studio",
    "studio --runs runs --port 8080",
  ])
    .option("--port <n>", "where to listen; 0 takes any free port", number, 4173)
    .option("--host <address>", "the address of this machine to listen on: 127.0.0.1 or ::1", "127.0.0.1")
    .option("--runs <folder>", "where the runs are", "runs")
    .option("--data <folder>", "where your data is, and goes that is dropped onto the page", DATA_FOLDER)
    .action(studio);
};

async function studio(options: StudioCommandOptions): Promise<void> {
  if (!Number.isInteger(options.port) || options.port < 0 || options.port > 65_535)
    throw new UsageError(`--port is ${options.port} but must be a whole number from 0 to 65535.`);
  if (!/^(127\.\d+\.\d+\.\d+|::1|localhost)$/.test(options.host))
    throw new UsageError(
      `--host is ${options.host}, which others can reach, but the studio asks nobody who they are and listens to this machine alone; to use it from another, forward its port: ssh -L ${options.port}:127.0.0.1:${options.port} THIS-MACHINE`,
    );
  for (const name of ["runs", "data"] as const)
    if (!(statSync(options[name], { throwIfNoEntry: false })?.isDirectory() ?? true))
      throw new UsageError(
        `--${name} is ${options[name]}, which is a file; give a folder, or one to be made.`,
      );
  if (!existsSync(pages))
    throw new UsageError("the studio's pages have not been built; build them with: npm run build");
  const opened = await openStudio({ ...options, pages, program });
  print(
    options,
    { url: opened.url },
    `The studio is at ${opened.url} (runs in ${options.runs}). Ctrl-C closes it; trainings it started are saved.`,
  );
  const interrupt = interruptSignal(() => {});
  await new Promise<void>((resolve) => {
    interrupt.signal.addEventListener("abort", () => resolve());
  });
  await opened.close();
  interrupt.stop();
  // Everything is saved; a connection that a browser still holds open must not keep the process.
  process.exit(0);
}
