import { stat } from "node:fs/promises";
import { UsageError } from "../../core/index.js";
import { filesOfVectors, vectorEndings, vectorFormatOf } from "../../data/vectors/files.node.js";
import { exportModel } from "../../service/index.js";
import { openVectors } from "../../service/runs.node.js";
import { buildModel } from "../../train/index.js";
import { RunFolder, writeAtomically } from "../../train/run-folder.node.js";
import { type CommandDefinition, type CommonOptions, define, fileOf, print, warn } from "../command.js";

interface ExportOptions extends CommonOptions {
  readonly out?: string;
  readonly vectors?: string;
  readonly table?: string;
}

/** Writes the vectors of words that a run has. */
async function exportVectors(path: string, file: string, options: ExportOptions): Promise<void> {
  const format = vectorFormatOf(file);
  const vectors = await openVectors(path, { table: options.table, warn });
  const files = filesOfVectors(file, vectors);
  for (const [place, bytes] of Object.entries(files)) await writeAtomically(place, bytes);
  const { words, size } = vectors;
  print(
    options,
    { files: Object.keys(files), words: words.length, size },
    `Wrote ${Object.keys(files).join(" and ")}: ${words.length.toLocaleString("en")} words of ${size} numbers, ${format.title}.`,
  );
}

export const exportCommand: CommandDefinition = (program) => {
  define(program, "export <run>", "write a model as one .onnx file that any ONNX Runtime runs", [
    "export runs/first --out translator.onnx",
    'see translator.onnx "I love coffee"',
    "export runs/words --vectors words.bin",
  ])
    .option("--out <file>", "the file to write", fileOf("--out", "onnx"))
    .option(
      "--vectors <file>",
      `write its vectors of words instead, by the ending of the file: ${vectorEndings}`,
    )
    .option("--table <name>", "with --vectors: the table to take, where there are several")
    .action(async (path: string, { out, ...options }: ExportOptions) => {
      if (options.vectors !== undefined) return exportVectors(path, options.vectors, options);
      if (out === undefined)
        throw new UsageError(
          "name the file to write, as in: regard export runs/first --out translator.onnx; or --vectors words.bin for its vectors of words.",
        );
      const folder = await RunFolder.open(path);
      const { settings, prepared } = folder;
      const { step, tensors } = await folder.bestCheckpoint(warn);
      const { model } = settings;
      await writeAtomically(out, exportModel({ settings, prepared, tensors }));
      const { size } = await stat(out);
      const { task, sizes } = buildModel(settings, prepared);
      const inputs = Object.entries(task.inputs(sizes)).map(
        ([name, { dtype, shape }]) => `"${name}", ${dtype} [${shape.join(", ")}]`,
      );
      print(
        options,
        { file: out, model, step, bytes: size },
        `Wrote ${out}: ${model}, step ${step}, ${(size / 1e6).toFixed(1)} MB. It reads ${inputs.join(" and ")}; what its outputs mean stands in its metadata.`,
      );
    });
};
