import { availableParallelism } from "node:os";
import { alone, type Group } from "../train/index.js";
import { joinMpi, launched, type MpiGroup } from "../train/mpi.node.js";
import { report } from "./command.js";
import { Interrupted } from "./interrupt.js";

/** Milliseconds that the first process of a group has to tell what went wrong before another does. */
const PATIENCE = 1500;

/**
 * Does work in the group of processes that this one was started in, by itself where it was started by itself. What goes wrong in
 * one process ends all of them, with one sentence.
 */
export async function together(work: (group: Group) => Promise<void>): Promise<void> {
  const place = launched();
  if (!place) return work(alone);
  const { rank, size } = place;
  let ending = false;
  // The first process hears signals and decides; the others do as it does.
  if (rank > 0)
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => (ending = true));
  let group: MpiGroup | undefined;
  try {
    group = await joinMpi();
    await work(group);
    group.leave();
  } catch (error) {
    // All have agreed to stop.
    if (error instanceof Interrupted && group) {
      group.leave();
      throw error;
    }
    if (rank > 0) await new Promise((resolve) => setTimeout(resolve, PATIENCE));
    const code = ending ? 1 : report(error, rank > 0 ? `regard: process ${rank} of ${size}` : undefined);
    group?.abort(code);
    process.exit(code);
  }
}

/** Threads for this process where others of its group compute on the same machine; undefined for as many as it likes. */
export function threadsHere(): number | undefined {
  const place = launched();
  return place && Math.max(1, Math.floor(availableParallelism() / place.here));
}

/** Tells all processes of a group what the first knows, as JSON; the others wait for it. */
export async function told<Told>(group: Group, known?: Told): Promise<Told> {
  const mine = group.rank === 0 ? new TextEncoder().encode(JSON.stringify(known)) : undefined;
  const length = Float64Array.of(mine?.length ?? 0);
  await group.spread(length);
  const bytes = mine ?? new Uint8Array(length[0]!);
  await group.spread(bytes);
  return JSON.parse(new TextDecoder().decode(bytes));
}
