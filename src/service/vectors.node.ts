import { stat } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../core/index.js";
import type { WordVectors } from "../data/index.js";
import { readVectors } from "../data/vectors/files.node.js";
import { neededBy } from "../session/index.js";
import { nodeBackend } from "../session/node.js";
import { buildModel, storedParameters, vectorsOf, vocabularyTables } from "../train/index.js";
import { RunFolder } from "../train/run-folder.node.js";

interface VectorChoice {
  /** The name of a table, where a run has several. */
  readonly table?: string | undefined;
  readonly warn: (sentence: string) => void;
}

/**
 * The vectors of a file, or of a run: its table of a vocabulary.
 * @throws UsageError where there are none, or none of the name
 */
export async function openVectors(path: string, choice: VectorChoice): Promise<WordVectors> {
  const isRun = await stat(join(path, "run.json")).then(
    () => true,
    () => false,
  );
  if (isRun) return vectorsOfRun(await RunFolder.open(path), choice);
  if (choice.table !== undefined)
    throw new UsageError(`--table names a table of a run, and "${path}" is a file of vectors; leave it out.`);
  return readVectors(path);
}

async function vectorsOfRun(folder: RunFolder, { table, warn }: VectorChoice): Promise<WordVectors> {
  const { settings, prepared, path } = folder;
  const { scope, model } = buildModel(settings, prepared);
  const tables = vocabularyTables(scope.parameters, prepared);
  const names = tables.map(({ name }) => name).join(", ");
  if (tables.length === 0)
    throw new UsageError(
      `the model ${settings.model} of "${path}" has no vectors of words; take a run of another model.`,
    );
  const found = table === undefined ? tables[0]! : tables.find(({ name }) => name === table);
  if (!found) throw new UsageError(`"${path}" has no table "${table}"; it has ${names}.`);
  const { tensors } = await folder.bestCheckpoint(warn);
  if (table === undefined && model.vectors) {
    const session = await nodeBackend.load({ vectors: model.vectors });
    const { vectors } = await session.run(neededBy(session, storedParameters(scope.parameters, tensors)));
    await session.release();
    return vectorsOf(found.vocabulary, vectors!.data as Float32Array);
  }
  if (table === undefined && tables.length > 1)
    warn(`taking the table ${found.name} of ${names}; --table names another.`);
  return vectorsOf(found.vocabulary, tensors[found.name]!.data as Float32Array);
}
