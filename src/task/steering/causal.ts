import { lookOfRows, type TraceLook } from "../../attention/index.js";
import { Random } from "../../core/index.js";
import type { Drive, Mask, RoadThing } from "../../data/index.js";
import { type Blob, blobsOf, withoutBlob } from "../../explain/index.js";
import type { Scoring } from "../contract.js";
import type { PreparedDrives } from "./task.js";

/** Drives whose blobs are masked one after another: each blob costs a run of its drive. */
const DRIVES = 8;
/** How far the wheel must move for a blob to count as a cause. */
const MOVES = 0.02;

/** A blob that was masked, and how far the wheel moved. */
export interface TriedBlob extends Blob {
  readonly drive: number;
  readonly frame: number;
  readonly moved: number;
  readonly causal: boolean;
}

const overlap = (one: Mask, other: Mask): number =>
  one.data.reduce((sum, value, pixel) => sum + value * other.data[pixel]!, 0);

/** Frames between two that are tried, where few drives stand for many. */
const EVERY = 5;
/** Masked runs of one drive that is explained, at most, at so many blobs a frame. */
const [RUNS, BLOBS] = [400, 5];

/** The attention without its blobs that are no causes, as a look. */
export const CAUSAL_LOOK = "causal attention";

/**
 * Coarse-to-fine decoding of some drives: the blobs of the attention to some frames, each masked in its frame alone and the drive run again, and
 * kept where the wheel moves. Undefined where there is no attention.
 * @param every frames from one that is tried to the next
 */
export async function triedBlobs(
  { evaluator, parameters, prepared: { size } }: Scoring<Drive, PreparedDrives>,
  drives: readonly Drive[],
  every: number,
): Promise<{ blobs: readonly TriedBlob[]; weights: readonly Float32Array[]; cells: number } | undefined> {
  const [name] = Object.keys(evaluator.looks);
  const grid = evaluator.grids.image;
  if (name === undefined || !grid) return undefined;
  const [rows, columns] = grid;
  const cells = rows * columns;
  const found = await evaluator.predict(parameters, drives);
  const weights = found.map(({ looks }) => looks[name]!.data as Float32Array);
  const tries = found.flatMap(({ example }, drive) =>
    Array.from({ length: Math.ceil(example.frames / every) }, (_, index) => index * every).flatMap(
      (frame) => {
        const own = weights[drive]!.subarray(frame * cells, (frame + 1) * cells);
        return blobsOf(own, { rows, columns }, size, new Random(0, `blobs ${example.name}`, frame)).map(
          (blob) => {
            const forced = Float32Array.from(weights[drive]!);
            forced.set(withoutBlob(own, blob), frame * cells);
            return { ...blob, drive, frame, forced };
          },
        );
      },
    ),
  );
  if (tries.length === 0) return { blobs: [], weights, cells };
  const again = await evaluator.predict(
    parameters,
    tries.map(({ drive }) => drives[drive]!),
    { forced: { look: name, of: (index) => tries[index]!.forced } },
  );
  const blobs = tries.map(({ forced: _, ...blob }, index) => {
    const moved = Math.abs(
      again[index]!.outputs.steering!.data[blob.frame]! -
        found[blob.drive]!.outputs.steering!.data[blob.frame]!,
    );
    return { ...blob, moved, causal: moved > MOVES };
  });
  return { blobs, weights, cells };
}

/**
 * The attention to a drive before coarse-to-fine decoding is its look; this is the one after: blobs that, masked, do not move the wheel weigh
 * nothing. Of a long drive not every frame is tried; those between lose what the last that was tried loses.
 */
export async function causalAttention(
  scoring: Scoring<Drive, PreparedDrives>,
  drive: Drive,
): Promise<TraceLook | undefined> {
  const every = Math.max(1, Math.ceil((drive.frames * BLOBS) / RUNS));
  const tried = await triedBlobs(scoring, [drive], every);
  if (!tried) return undefined;
  const [weights] = tried.weights as [Float32Array];
  const rows = Array.from({ length: drive.frames }, (_, frame) => {
    const at = frame - (frame % every);
    const own = weights.subarray(frame * tried.cells, (frame + 1) * tried.cells);
    const blobs = tried.blobs.filter((blob) => blob.frame === at);
    const causes = new Set(blobs.filter(({ causal }) => causal).flatMap(({ cells }) => [...cells]));
    const others = blobs.filter(({ causal }) => !causal).flatMap(({ cells }) => [...cells]);
    const removed = new Set(others.filter((cell) => !causes.has(cell)));
    return own.map((weight, cell) => (removed.has(cell) ? 0 : weight));
  });
  return lookOfRows(rows, { name: CAUSAL_LOOK, over: "image", kind: "weights" });
}

/** How blobs meet what says where the road goes, before and after those that do not matter are left out. */
export async function causalScores(
  scoring: Scoring<Drive, PreparedDrives>,
  drives: readonly Drive[],
): Promise<Record<string, number>> {
  const { blobs } = (await triedBlobs(scoring, drives.slice(0, DRIVES), EVERY)) ?? { blobs: [] };
  if (blobs.length === 0) return {};
  const kept = blobs.filter(({ causal }) => causal);
  const share = (some: readonly TriedBlob[], thing: RoadThing) =>
    some.filter(({ drive, frame, mask }) => overlap(mask, drives[drive]!.gold!.mask(frame, thing)) > 0)
      .length / some.length;
  /** The share of the pixels that say where the road goes that blobs cover, over frames. */
  const recall = (some: readonly TriedBlob[]) => {
    let [inside, all] = [0, 0];
    for (const at of new Set(blobs.map(({ drive, frame }) => `${drive} ${frame}`))) {
      const [drive, frame] = at.split(" ").map(Number) as [number, number];
      const gold = drives[drive]!.gold!.mask(frame, "lane");
      const of = some.filter((blob) => blob.drive === drive && blob.frame === frame);
      gold.data.forEach((value, pixel) => {
        if (value === 0) return;
        all++;
        if (of.some(({ mask }) => mask.data[pixel] === 1)) inside++;
      });
    }
    return all === 0 ? 0 : inside / all;
  };
  const isKnown = blobs.every(({ drive }) => drives[drive]!.gold);
  return {
    causal: kept.length / blobs.length,
    ...(isKnown && {
      blobPrecisionBefore: share(blobs, "lane"),
      blobRecallBefore: recall(blobs),
      signBefore: share(blobs, "sign"),
      ...(kept.length > 0 && {
        blobPrecision: share(kept, "lane"),
        blobRecall: recall(kept),
        sign: share(kept, "sign"),
      }),
    }),
  };
}

/** How far the wheel moves, on average over frames, where drives are rendered anew without a thing. */
export async function counterfactual(
  { evaluator, parameters }: Scoring<Drive, PreparedDrives>,
  all: readonly Drive[],
  thing: RoadThing,
): Promise<number | undefined> {
  const drives = all.slice(0, DRIVES);
  if (drives.some(({ gold }) => !gold)) return undefined;
  const without = drives.map(
    (drive): Drive => ({
      name: drive.name,
      frames: drive.frames,
      frame: async (index) => drive.gold!.without(index, thing),
    }),
  );
  const [as, changed] = await Promise.all([
    evaluator.predict(parameters, drives),
    evaluator.predict(parameters, without),
  ]);
  let [sum, frames] = [0, 0];
  drives.forEach((drive, index) => {
    for (let frame = 0; frame < drive.frames; frame++) {
      sum += Math.abs(
        as[index]!.outputs.steering!.data[frame]! - changed[index]!.outputs.steering!.data[frame]!,
      );
      frames++;
    }
  });
  return sum / frames;
}
