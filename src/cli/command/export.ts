import { stat } from "node:fs/promises";
import type { TypedArray } from "../../core/index.js";
import { encodeModelFile } from "../../decode/index.js";
import { buildModel, storedParameters } from "../../train/index.js";
import { RunFolder, writeAtomically } from "../../train/run-folder.node.js";
import { type CommandDefinition, type CommonOptions, define, print, warn } from "../command.js";

interface ExportOptions extends CommonOptions {
  readonly out: string;
}

export const exportCommand: CommandDefinition = (program) => {
  define(program, "export <run>", "write a model as one .onnx file that any ONNX Runtime runs", [
    "export runs/first --out translator.onnx",
    'see translator.onnx "I love coffee"',
  ])
    .requiredOption("--out <file>", "the file to write")
    .action(async (path: string, { out, ...options }: ExportOptions) => {
      const folder = await RunFolder.open(path);
      const { translator, parameters } = buildModel(folder.settings, folder.vocabularies);
      const checkpoint = await folder.bestCheckpoint(warn);
      const values: Record<string, TypedArray> = {};
      for (const [name, { data }] of Object.entries(storedParameters(parameters, checkpoint.tensors)))
        values[name] = data;
      const model = folder.settings.model;
      await writeAtomically(out, encodeModelFile(translator, values, { model, ...folder.vocabularies }));
      const { size } = await stat(out);
      print(
        options,
        { file: out, model, step: checkpoint.step, bytes: size },
        `Wrote ${out}: ${model}, step ${checkpoint.step}, ${(size / 1e6).toFixed(1)} MB. Its input is "source", int32 [words, sentences]; what its outputs mean stands in its metadata.`,
      );
    });
};
