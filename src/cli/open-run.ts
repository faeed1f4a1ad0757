import type { Translator } from "../models/index.js";
import type { Backend, Values } from "../session/index.js";
import { buildModel, Evaluator, storedParameters } from "../train/index.js";
import { RunFolder } from "../train/run-folder.node.js";
import { backendFor } from "./backend.js";
import { warn } from "./command.js";

/** A trained run, ready to translate: its folder, its best parameters, and what runs them. */
export async function openRun(
  path: string,
  options: { device: string; beam: number },
): Promise<{
  folder: RunFolder;
  translator: Translator;
  backend: Backend;
  step: number;
  parameters: Values;
  evaluator: Evaluator;
}> {
  const folder = await RunFolder.open(path);
  const { translator, parameters } = buildModel(folder.settings, folder.vocabularies);
  const checkpoint = await folder.bestCheckpoint(warn);
  const values = storedParameters(parameters, checkpoint.tensors);
  const backend = await backendFor(options.device);
  const evaluator = await Evaluator.load(translator, folder.vocabularies, backend, options);
  return { folder, translator, backend, step: checkpoint.step, parameters: values, evaluator };
}
