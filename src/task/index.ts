import type { AnyModelCard, TaskId } from "../models/index.js";
import { captioning } from "./captioning/task.js";
import type { Task } from "./contract.js";
import { translation } from "./translation/task.js";

export * from "./captioning/encoder.js";
export * from "./captioning/task.js";
export * from "./contract.js";
export * from "./evaluator.js";
export * from "./images.js";
export * from "./length.js";
export * from "./scores.js";
export * from "./spread.js";
export * from "./translation/task.js";
export * from "./vocabularies.js";

/** Every kind of model, by the name cards give it. */
// biome-ignore lint/suspicious/noExplicitAny: each task has examples of its own.
export const tasks: Readonly<Record<TaskId, Task<any, any>>> = { translation, captioning };

/** What training a model begins with where nothing else is asked for. */
export const trainingDefaults = ({ task, training }: AnyModelCard): Task["defaults"] => ({
  ...tasks[task].defaults,
  ...training,
});
