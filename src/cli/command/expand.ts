import { UsageError } from "../../core/index.js";
import { openVectors, VERSION } from "../../service/runs.node.js";
import { expanded } from "../../train/expand.js";
import { RunFolder } from "../../train/run-folder.node.js";
import { type CommandDefinition, type CommonOptions, define, print, warn, whole } from "../command.js";

interface ExpandOptions extends CommonOptions {
  readonly vectors?: string;
  readonly out?: string;
  readonly most: number;
}

export const expandCommand: CommandDefinition = (program) => {
  define(program, "expand <run>", "a run that reads words it was not trained on, by vectors of them", [
    "expand runs/thoughts --vectors runs/words --out runs/thoughts-wide",
    "expand runs/translation --vectors glove.6B.100d.txt --out runs/wide --most 50000",
  ])
    .option("--vectors <file>", "a file of vectors, or a run that has some")
    .option("--out <folder>", "the folder of the new run")
    .option("--most <n>", "words to add at most, the first of the vectors", whole("--most"), 100_000)
    .action(expand);
};

async function expand(path: string, { vectors: file, out, most, ...options }: ExpandOptions): Promise<void> {
  if (file === undefined || out === undefined)
    throw new UsageError(
      "name vectors and a folder, as in: regard expand runs/thoughts --vectors runs/words --out runs/wide",
    );
  await RunFolder.assertFree(out);
  const folder = await RunFolder.open(path);
  const { settings } = folder;
  const { step, tensors } = await folder.bestCheckpoint(warn);
  const found = expanded(
    { settings, prepared: folder.prepared, tensors },
    await openVectors(file, { warn }),
    most,
  );
  const made = await RunFolder.create(out, settings, found.prepared, VERSION);
  try {
    await made.writeCheckpoint(step, {
      tensors: found.tensors,
      metadata: { step: String(step), skipped: "0" },
    });
    await made.writeState("done");
  } finally {
    made.release();
  }
  const { added, shared } = found;
  print(
    options,
    { run: out, added, shared },
    `${out} reads ${added.toLocaleString("en")} words more than ${path}, by a map learnt from ${shared.toLocaleString("en")} that both had.`,
  );
}
