import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { profilingBackend } from "../session/node.js";
import { makeWork } from "./workload/index.js";

/** What the runtime spends on one kind of ONNX operator. */
export interface OperatorTime {
  readonly operator: string;
  /** Milliseconds a piece of work. */
  readonly ms: number;
  /** Calls a piece of work. */
  readonly calls: number;
  /** Of the time of all operators. */
  readonly share: number;
}

/** Where the time of a piece of work goes. */
export interface Profile {
  readonly work: string;
  readonly title: string;
  /** Milliseconds a piece of work in all operators, measured while each is timed. */
  readonly ms: number;
  /** Most time first. */
  readonly operators: readonly OperatorTime[];
}

/** Operators whose bodies are timed operator by operator. */
const WITH_BODIES = new Set(["Scan", "Loop", "If"]);
const PIECES = 10;

interface TraceEvent {
  readonly cat: string;
  readonly name: string;
  /** Microseconds. */
  readonly dur: number;
  readonly args?: { readonly op_name?: string };
}

/** Times of operators in the runtime's own trace of so many pieces of work; those of loops are those of their bodies. */
export function operatorTimes(events: readonly TraceEvent[], pieces: number): OperatorTime[] {
  const found = new Map<string, { time: number; calls: number }>();
  let all = 0;
  for (const { cat, name, dur, args } of events) {
    const operator = args?.op_name;
    if (cat !== "Node" || operator === undefined || !name.endsWith("_kernel_time")) continue;
    if (WITH_BODIES.has(operator)) continue;
    all += dur;
    const entry = found.get(operator) ?? { time: 0, calls: 0 };
    found.set(operator, { time: entry.time + dur, calls: entry.calls + 1 });
  }
  return [...found]
    .map(([operator, { time, calls }]) => ({
      operator,
      ms: time / 1000 / pieces,
      calls: calls / pieces,
      share: time / all,
    }))
    .sort((a, b) => b.ms - a.ms);
}

/** Does work with the runtime's profiler on. @throws UsageError for work that there is not */
export async function profile(text: string, threads: number): Promise<Profile> {
  const work = makeWork(text);
  const folder = await mkdtemp(join(tmpdir(), "regard-profile-"));
  try {
    const running = await work.start(profilingBackend(join(folder, "trace")), threads);
    await running.run(PIECES);
    await running.release();
    const events: TraceEvent[] = [];
    for (const file of await readdir(folder))
      for (const event of JSON.parse(await readFile(join(folder, file), "utf8"))) events.push(event);
    const operators = operatorTimes(events, PIECES);
    return {
      work: text,
      title: work.title,
      ms: operators.reduce((sum, { ms }) => sum + ms, 0),
      operators,
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}
