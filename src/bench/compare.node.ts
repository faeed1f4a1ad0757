import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { input, matmul } from "../ops/index.js";
import type { Value } from "../session/index.js";
import { nodeBackend } from "../session/node.js";
import { encodeSafetensors } from "../train/index.js";
import { largestDifference } from "./agreement.js";
import { type Contestant, commandOf, ownCommand, peers, startContestant } from "./contestants.node.js";
import type { Comparison } from "./contract.js";
import { spreadOf } from "./spread.js";
import { readWork } from "./workload/index.js";

/** First pieces of work whose losses are compared: after the first of them, gradients and optimizer show as well. */
const CHECKED = 3;
/** A turn of a contestant takes about so long, in milliseconds, so that slow ones do not hold up all others. */
const TURN = 600;
const MOST_IN_A_TURN = 8;

export interface CompareOptions {
  readonly threads: number;
  readonly rounds: number;
  /** Peers that take part, by name; all where absent. */
  readonly peers?: readonly string[] | undefined;
  readonly onProgress?: (what: string) => void;
}

/** GFLOP/s of a product of two matrices of 1024 × 1024, in a function that measures once more. */
async function ceiling(threads: number): Promise<{ measure(): Promise<number>; release(): Promise<void> }> {
  const size = 1024;
  const session = await nodeBackend.load(
    { y: matmul(input("a", "float32", [size, size]), input("b", "float32", [size, size])) },
    { threads },
  );
  const value = (): Value => ({
    dtype: "float32",
    shape: [size, size],
    data: new Float32Array(size * size).fill(0.5),
  });
  const [feeds, into] = [{ a: value(), b: value() }, { y: value() }];
  return {
    async measure() {
      const times: number[] = [];
      for (let round = 0; round < 8; round++) {
        const started = performance.now();
        await session.run(feeds, into);
        times.push(performance.now() - started);
      }
      return (2 * size ** 3) / spreadOf(times).median / 1e6;
    },
    release: () => session.release(),
  };
}

/**
 * Does one piece of work in Regard and in every peer that is installed, in turns, from the same weights on the same batch.
 * A peer that ends, or whose losses differ from Regard's, is left out with the reason.
 * @throws UsageError for work that there is not
 * @throws RegardError where Regard itself cannot do it
 */
export async function compare(text: string, options: CompareOptions): Promise<Comparison> {
  const { threads, rounds, onProgress = () => {} } = options;
  const { kind, sizes } = readWork(text);
  const named = `${kind.id}:${sizes.join(",")}`;
  const work = kind.make(sizes);
  const { flops } = work;
  const folder = await mkdtemp(join(tmpdir(), "regard-bench-"));
  const contestants: Contestant[] = [];
  const top = await ceiling(threads);
  try {
    const file = join(folder, "work.safetensors");
    await writeFile(file, encodeSafetensors(work.tensors));
    onProgress("regard: first step");
    contestants.push(await startContestant("regard", ownCommand(named, threads)));
    const missing: Record<string, string> = {};
    for (const peer of peers) {
      if (options.peers && !options.peers.includes(peer.name)) continue;
      const command = commandOf(peer, kind.peer ?? kind.id);
      if ("missing" in command) {
        missing[peer.name] = command.missing;
        continue;
      }
      onProgress(`${peer.name}: first step`);
      try {
        contestants.push(await startContestant(peer.name, [...command, file, String(threads)]));
      } catch (error) {
        missing[peer.name] = (error as Error).message;
      }
    }

    let taking = contestants.map((contestant) => ({
      contestant,
      losses: [...contestant.first.losses],
      times: [] as number[],
      turn: CHECKED - 1,
    }));
    const own = taking[0]!;
    const ceilings: number[] = [];
    let worst = 0;
    for (let round = 0; round <= rounds; round++) {
      onProgress(round === 0 ? "warming up" : `round ${round} of ${rounds}`);
      ceilings.push(await top.measure());
      const left = new Set<Contestant>();
      for (const each of taking) {
        const { contestant, losses, times } = each;
        try {
          const { ms, losses: found } = await contestant.run(each.turn);
          if (round > 0) times.push(...ms);
          else {
            each.turn = Math.max(1, Math.min(MOST_IN_A_TURN, Math.round(TURN / spreadOf(ms).median)));
            losses.push(...found);
            if (each !== own)
              worst = Math.max(
                worst,
                largestDifference(named, own.losses, [{ name: contestant.name, losses }]),
              );
          }
        } catch (error) {
          if (each === own) throw error;
          missing[contestant.name] = (error as Error).message;
          left.add(contestant);
          contestant.close();
        }
      }
      taking = taking.filter(({ contestant }) => !left.has(contestant));
    }

    const spreads = taking.map(({ times }) => spreadOf(times));
    const medianMs = spreads[0]!.median;
    const most = spreadOf(ceilings).median;
    return {
      work: named,
      title: work.title,
      unit: work.unit,
      measured: taking.map(({ contestant: { name, version, firstMs, peakBytes } }, index) => ({
        name,
        ...(version && { version }),
        ms: spreads[index]!,
        ratio: spreads[index]!.median / medianMs,
        firstMs,
        peakBytes,
      })),
      missing,
      loadMs: own.contestant.loadMs!,
      gigaflops: flops / 1e9,
      ceilingShare: flops / medianMs / 1e6 / most,
      ceilingGigaflopsPerSecond: most,
      heldBytes: work.heldBytes,
      largestLossDifference: worst,
    };
  } finally {
    for (const contestant of contestants) contestant.close();
    await top.release();
    await rm(folder, { recursive: true });
  }
}
