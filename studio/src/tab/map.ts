import { PointMap } from "../../../src/explain/map/t-sne.js";

/** Points to be put on a plane. */
export interface MapRequest {
  readonly count: number;
  readonly size: number;
  readonly values: Float32Array;
  readonly perplexity: number;
  readonly iterations: number;
}

/** How far a map is: places [N, 2] as they are, or what is wrong. */
export type MapNews =
  | { readonly iteration: number; readonly divergence: number; readonly places: Float64Array }
  | { readonly found: number }
  | { readonly problem: string };

/** Iterations between two pictures. */
const SHOWN_EVERY = 5;

const tell = (news: MapNews) => self.postMessage(news);

self.onmessage = async ({ data }: MessageEvent<MapRequest>) => {
  const { perplexity, iterations, ...points } = data;
  try {
    const map = await PointMap.of(
      { ...points, values: Float64Array.from(points.values) },
      { perplexity, onProgress: (found) => tell({ found }) },
    );
    while (map.iteration < iterations) {
      const divergence = map.step();
      if (map.iteration % SHOWN_EVERY === 0 || map.iteration === iterations)
        tell({ iteration: map.iteration, divergence, places: map.places.slice() });
    }
  } catch (error) {
    tell({ problem: (error as Error).message });
  }
};
