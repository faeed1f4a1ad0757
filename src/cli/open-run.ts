import type { Model } from "../models/index.js";
import type { Backend, Values } from "../session/index.js";
import { openOnnx } from "../session/node.js";
import { type AnyTask, Evaluator, type FrozenEncoder } from "../task/index.js";
import { buildModel, storedParameters } from "../train/index.js";
import { openRunEncoder } from "../train/run-data.node.js";
import { RunFolder } from "../train/run-folder.node.js";
import { backendFor } from "./backend.js";
import { warn } from "./command.js";

/** A trained run, ready to write: its folder, its best parameters, and what runs them. */
export async function openRun(
  path: string,
  options: { device: string; beam: number },
): Promise<{
  folder: RunFolder;
  task: AnyTask;
  model: Model;
  sizes: unknown;
  backend: Backend;
  step: number;
  parameters: Values;
  evaluator: Evaluator<unknown, unknown>;
  encoder: FrozenEncoder | undefined;
}> {
  const folder = await RunFolder.open(path);
  const { settings, prepared } = folder;
  const { task, sizes, model, scope } = buildModel(settings, prepared);
  const checkpoint = await folder.bestCheckpoint(warn);
  const parameters = storedParameters(scope.parameters, checkpoint.tensors);
  const backend = await backendFor(options.device);
  const evaluator = await Evaluator.load(task, model, sizes, prepared, backend, {
    beam: options.beam,
    fixed: parameters,
  });
  const encoder = await openRunEncoder(path, settings, openOnnx);
  return { folder, task, model, sizes, backend, step: checkpoint.step, parameters, evaluator, encoder };
}
