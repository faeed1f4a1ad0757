import type { Command } from "commander";
import { VectorSpace } from "../service/index.js";
import { openVectors } from "../service/runs.node.js";
import { nodeBackend } from "../session/node.js";
import { warn } from "./command.js";

export interface VectorOptions {
  readonly table?: string;
}

/** Adds how vectors are named. */
export const withVectorOptions = (command: Command): Command =>
  command.option("--table <name>", "of a run: the table of vectors to take, where there are several");

/** Opens the vectors of a run or a file, and lets them go after they were asked. */
export async function withVectors(
  path: string,
  { table }: VectorOptions,
  ask: (space: VectorSpace) => Promise<void>,
): Promise<void> {
  const space = await VectorSpace.load(await openVectors(path, { table, warn }), nodeBackend);
  try {
    await ask(space);
  } finally {
    await space.release();
  }
}
