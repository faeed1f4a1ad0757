import { modelById } from "../models/index.js";
import type { FrozenEncoder } from "../task/index.js";
import { TrainedCaptioner } from "./trained-captioner.js";
import type { TrainedModelOptions } from "./trained-model.js";
import { TrainedTranslator } from "./trained-translator.js";

/** The trained model of a run, whatever it reads; its `task` tells which. */
export type Trained = TrainedTranslator | TrainedCaptioner;

/**
 * The trained model that settings describe.
 * @param options.encoder what its images go through, where it has such a network
 */
export const trainedModel = (
  options: TrainedModelOptions & { readonly encoder?: FrozenEncoder | undefined },
): Trained =>
  modelById(options.settings.model).task === "captioning"
    ? new TrainedCaptioner(options)
    : new TrainedTranslator(options);
