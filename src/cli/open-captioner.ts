import { readFile } from "node:fs/promises";
import { UsageError } from "../core/index.js";
import { assertImage, readImage } from "../data/format/image.node.js";
import type { CaptionData, CaptionedImage } from "../data/index.js";
import { TrainedCaptioner } from "../service/index.js";
import { openOnnx } from "../session/node.js";
import { openRunData, openRunEncoder } from "../train/run-data.node.js";
import type { RunFolder } from "../train/run-folder.node.js";
import { backendFor } from "./backend.js";
import { warn } from "./command.js";

/** A run's captioner, the data it was trained on where that is asked for, and images by what a user calls them. */
export async function openCaptioner(
  folder: RunFolder,
  device: string,
): Promise<{
  captioner: TrainedCaptioner;
  data: () => Promise<CaptionData>;
  imageOf: (name: string) => Promise<CaptionedImage>;
}> {
  const { settings, prepared, path } = folder;
  const { step, tensors } = await folder.bestCheckpoint(warn);
  const encoder = await openRunEncoder(path, settings, openOnnx);
  const backend = await backendFor(device);
  const captioner = new TrainedCaptioner({ settings, prepared, step, tensors, backend, encoder });
  const data = async () => (await openRunData(settings, { encoder })) as CaptionData;
  return {
    captioner,
    data,
    async imageOf(name) {
      const example = exampleOf(name);
      if (example) return captioner.imageOf(example, data);
      return captioner.imageOfPixels(await readImageFile(name, captioner.imageSize), name);
    },
  };
}

/** `test:17` as the example of a split; undefined for other names. */
function exampleOf(name: string): { split: string; index: number } | undefined {
  const [, split, index] = /^([\w-]+):(\d+)$/.exec(name) ?? [];
  return split === undefined ? undefined : { split, index: Number(index) };
}

/** The pixels of an image file. @throws UsageError where it cannot be read */
export async function readImageFile(name: string, size: readonly [number, number]) {
  const bytes = await readFile(name).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(
      `cannot read "${name}": ${error.code === "ENOENT" ? "there is no such image; give a file, or an example of the run's data such as test:0" : error.message}.`,
    );
  });
  await assertImage(bytes, name);
  return readImage(bytes, size, name);
}
