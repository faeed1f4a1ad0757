import { existsSync } from "node:fs";
import { UsageError } from "../core/index.js";
import { readPairs } from "../data/format/pairs.node.js";
import { datasets, type ParallelData } from "../data/index.js";
import type { RunSettings } from "../train/index.js";
import { warn } from "./command.js";

/**
 * The data that settings name: an embedded dataset, or a path to the user's own.
 * @throws UsageError where it is neither
 */
export async function openData(
  settings: Pick<RunSettings, "data" | "dataOptions" | "seed">,
): Promise<ParallelData> {
  const embedded = datasets.find(({ id }) => id === settings.data);
  if (embedded) return embedded.load(settings.seed);
  if (!existsSync(settings.data))
    throw new UsageError(
      `there is no dataset or file called "${settings.data}"; give one of ${datasets.map(({ id }) => id).join(", ")}, a table of pairs (.tsv) or a folder of parallel files.`,
    );
  return readPairs(settings.data, { ...settings.dataOptions, warn });
}
