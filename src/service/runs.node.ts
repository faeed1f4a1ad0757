import { existsSync, readFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../core/index.js";
import { fingerprintOf, isEmbedded, type Splits, type WordVectors } from "../data/index.js";
import { imageSizeOf, locateData } from "../data/open.node.js";
import { readVectors } from "../data/vectors/files.node.js";
import { modelById } from "../models/index.js";
import type { Backend } from "../session/index.js";
import { nodeBackend, openOnnx } from "../session/node.js";
import { type Field, taskOf, trainingDefaults } from "../task/index.js";
import { BlocksOnDisk } from "../train/blocks.node.js";
import {
  type Budget,
  checked,
  type Learnt,
  type RunListeners,
  type RunSettings,
  settingsSchema,
  Trainer,
  trainRun,
} from "../train/index.js";
import { openRunData, openRunEncoder } from "../train/run-data.node.js";
import { RunFolder } from "../train/run-folder.node.js";
import { Subject } from "./subject.js";

/** The package's version. */
export const VERSION: string = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
).version;

/** The model of a run, what it reads, and the data it was trained on where that is asked for. */
export interface OpenedRun {
  readonly folder: RunFolder;
  readonly subject: Subject;
  readonly form: readonly Field[];
  data(): Promise<Splits<unknown>>;
}

/**
 * Opens a run with its best checkpoint, to be asked, explained and evaluated.
 * @param options.warn hears what is amiss and can be done without
 * @throws UsageError where the folder is no run, or its files cannot be read
 */
export async function openSubject(
  path: string,
  { backend = nodeBackend, warn = () => {} }: { backend?: Backend; warn?: (sentence: string) => void } = {},
): Promise<OpenedRun> {
  const folder = await RunFolder.open(path);
  const { settings, prepared } = folder;
  const { step, tensors } = await folder.bestCheckpoint(warn);
  const encoder = await openRunEncoder(path, settings, openOnnx);
  const subject = new Subject({ settings, prepared, step, tensors, backend, encoder });
  const form = subject.task.form(prepared, settings.images);
  return { folder, subject, form, data: () => openRunData(settings, { encoder }) };
}

/**
 * The vectors of a file, or of a run: those that its model is made to give, or a table.
 * @param choice.table the name of a table, where a run has several
 * @throws UsageError where there are none, or none of the name
 */
export async function openVectors(
  path: string,
  choice: { readonly table?: string | undefined; readonly warn: (sentence: string) => void },
): Promise<WordVectors> {
  const { table, warn } = choice;
  const isRun = await stat(join(path, "run.json")).then(
    () => true,
    () => false,
  );
  if (!isRun) {
    if (table !== undefined)
      throw new UsageError(
        `--table names a table of a run, and "${path}" is a file of vectors; leave it out.`,
      );
    if (!existsSync(path))
      throw new UsageError(`there is neither a run nor a file of vectors called "${path}"; check the path.`);
    return readVectors(path);
  }
  const { subject } = await openSubject(path, { warn });
  const { vectors, ...found } = await subject.vectors(table);
  if (table === undefined && found.tables.length > 1 && !subject.model.vectors)
    warn(`taking the table ${found.table} of ${found.tables.join(", ")}; --table names another.`);
  await subject.release();
  return vectors;
}

/**
 * What the model of a run learnt, by its best checkpoint, for another run to begin with.
 * @throws UsageError where there is no run, or it has learnt nothing yet
 */
export async function openLearnt(
  path: string,
  { warn }: { readonly warn: (sentence: string) => void },
): Promise<Learnt> {
  const folder = await RunFolder.open(path);
  const { tensors } = await folder.bestCheckpoint(warn);
  return { model: folder.settings.model, prepared: folder.prepared, tensors };
}

/** What a run is to do where it is not what its model trains best with. */
export type RunChoices = Partial<Omit<RunSettings, "model" | "budget">> & {
  readonly budget: Budget;
  readonly backend?: Backend;
};

/**
 * Trains a model in a new folder, as `regard train` does: on data by its name or path, with what the model trains best with but for
 * what is chosen. Returns how it ended; `openSubject` opens what it learnt.
 * @throws UsageError for choices that do not fit, data that cannot be read, and a folder that holds something
 */
export async function trainFolder(
  path: string,
  model: string,
  { backend = nodeBackend, ...choices }: RunChoices,
  listeners: RunListeners & { readonly signal?: AbortSignal } = {},
): ReturnType<typeof trainRun> {
  const card = modelById(model);
  const task = taskOf(card);
  const { data: usual, ...defaults } = trainingDefaults(card);
  const place = locateData({ data: choices.data ?? usual, ...choices.dataOptions });
  const settings = checked("option", settingsSchema, {
    ...defaults,
    seed: 1,
    schedule: {},
    ...(task.images && { images: { size: [...imageSizeOf(place.data)] } }),
    ...choices,
    model,
    configuration: checked(`model ${model}, option`, card.configuration, choices.configuration ?? {}),
    data: place.data,
    ...(choices.dataOptions && { dataOptions: { ...choices.dataOptions, from: place.from, to: place.to } }),
  });
  await RunFolder.assertFree(path);
  const data = await openRunData(settings, { check: true });
  const prepared = task.prepare(data, settings);
  const trainer = await Trainer.create(settings, data, prepared, backend, {
    blocks: (bytes) => new BlocksOnDisk(bytes, path),
  });
  if (settings.begin !== undefined) trainer.beginFrom(await openLearnt(settings.begin, { warn: () => {} }));
  if (settings.vectors !== undefined)
    trainer.beginWith(await openVectors(settings.vectors, { warn: () => {} }));
  const folder = await RunFolder.create(path, settings, prepared, VERSION, {
    ...(!isEmbedded(settings.data) && { fingerprint: fingerprintOf(data) }),
  });
  try {
    return await trainRun(trainer as never, folder, listeners);
  } finally {
    folder.release();
    await trainer.release();
  }
}
