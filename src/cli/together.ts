import { availableParallelism } from "node:os";
import { alone, type Group } from "../train/index.js";
import { joinMpi, launched, type MpiGroup } from "../train/mpi.node.js";
import { report } from "./command.js";
import { Interrupted } from "./interrupt.js";

/** Milliseconds after which a process of a group that is to be ended by another ends by itself. */
const PATIENCE = 20_000;

/** Another process of the group could not go on, and says why. */
class Elsewhere extends Error {
  override name = "Elsewhere";
}

/**
 * Does work in the group of processes that this one was started in, by itself where it was started by itself. What goes wrong in
 * one process ends all of them, with one sentence.
 */
export async function together(work: (group: Group) => Promise<void>): Promise<void> {
  const place = launched();
  if (!place) return work(alone);
  const { rank, size } = place;
  let [ending, wake] = [false, () => {}];
  // The first process hears signals and decides; the others do as it does.
  if (rank > 0)
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
      process.on(signal, () => {
        ending = true;
        wake();
      });
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
    // Where no group comes about, likely for all alike, there is nobody to agree with on who says so: the first does.
    if (error instanceof Elsewhere || (rank > 0 && !group))
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (ending) resolve();
        setTimeout(resolve, PATIENCE);
      });
    const silent = ending || error instanceof Elsewhere;
    const who = rank > 0 ? `regard: process ${rank} of ${size}` : "regard";
    const code = silent ? 1 : report(error, { who, debug: process.argv.includes("--debug") });
    group?.abort(code);
    process.exit(code);
  }
}

/**
 * Does what every process of a group must be able to do before any goes on. Of those that cannot, the first in number fails with
 * what hinders it, and the others wait to be ended.
 */
export async function ready<Made>(group: Group, prepare: () => Promise<Made>): Promise<Made> {
  const prepared = await prepare().then(
    (made) => ({ made }),
    (problem: unknown) => ({ problem }),
  );
  const failed = new Float64Array(group.size);
  if ("problem" in prepared) failed[group.rank] = 1;
  await group.sum(failed);
  const first = failed.indexOf(1);
  if (first >= 0 && first !== group.rank) throw new Elsewhere();
  if ("problem" in prepared) throw prepared.problem;
  return prepared.made;
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
