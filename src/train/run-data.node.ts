import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../core/index.js";
import type { CaptionedImage, Splits } from "../data/index.js";
import { type DataPlace, openData } from "../data/open.node.js";
import { encodedData, type FrozenEncoder, type OpenModel, openEncoder, taskOfModel } from "../task/index.js";
import { ENCODER_FILE } from "./run-files.js";
import type { RunSettings } from "./settings.js";

/**
 * The data that settings name, or other data for the same model; images go through the run's encoder where it has one.
 * @throws UsageError naming what cannot be used
 */
export async function openRunData(
  settings: RunSettings,
  options: {
    readonly encoder?: FrozenEncoder | undefined;
    readonly place?: DataPlace | undefined;
    /** Whether images are all read at once, as before training. */
    readonly check?: boolean;
  } = {},
  // biome-ignore lint/suspicious/noExplicitAny: the examples are those of the model's task.
): Promise<Splits<any>> {
  const { takes } = taskOfModel(settings.model);
  const { from, to, ...read } = settings.dataOptions;
  const data = await openData(takes, options.place ?? { data: settings.data, from, to }, {
    ...read,
    check: options.check ?? false,
    seed: settings.seed,
    size: settings.images?.size,
  });
  const [wanted, found] = [settings.images?.size, data.size];
  if (wanted && found && wanted.join() !== found.join())
    throw new UsageError(
      `the images are ${found.join(" × ")} but the model reads ${wanted.join(" × ")}; leave out --image-size, or use other data.`,
    );
  return options.encoder ? encodedData(data as Splits<CaptionedImage>, options.encoder) : data;
}

/** The encoder that a run keeps in its folder; undefined where it has none. @throws UsageError where it is gone */
export const openRunEncoder = (path: string, settings: RunSettings, open: OpenModel) =>
  runEncoder(join(path, ENCODER_FILE), settings, open);

/** The encoder of a run's settings from a file; undefined where it has none. @throws UsageError where it cannot be read */
export async function runEncoder(
  file: string,
  { images }: Pick<RunSettings, "images">,
  open: OpenModel,
): Promise<FrozenEncoder | undefined> {
  if (!images?.encoder) return undefined;
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`the run's encoder "${file}" cannot be read: ${error.message}.`);
  });
  return openEncoder(bytes, file, images.size, open, images.encoder.layer);
}
