import { RegardError, UsageError } from "../../core/index.js";
import { type Affinities, affinitiesOf } from "./affinities.js";
import type { Points } from "./neighbours.js";
import { principalComponents } from "./principal-components.js";
import { Quadtree } from "./quadtree.js";

/** Points up to which every pair is looked at; above, what is far away is taken together. */
export const EXACT_UP_TO = 2000;
/** Numbers that points are brought to before distances are measured. */
const COMPONENTS = 50;
/** How near one cell of far points must be to be taken apart. */
const THETA = 0.5;
/** What attraction is multiplied by at first, so that groups form, and for how many iterations. */
const [EXAGGERATION, EARLY] = [12, 250] as const;
/** The share of its last move that a point keeps, at first and later. */
const [SLOW, FAST] = [0.5, 0.8] as const;
/** How gains grow where a coordinate goes on its way and shrink where it turns, and the least (Jacobs 1988). */
const [GROWS, SHRINKS, LEAST_GAIN] = [0.2, 0.8, 0.01] as const;
/** The spread of the map at first, in the direction in which points vary most. */
const FIRST_SPREAD = 1e-4;
/** A spread below this share of the largest number is of rounding. */
const ROUNDING = 1e-12;
/** The least rate of learning. */
const LEAST_RATE = 50;

/** How points are laid on a plane. */
export interface MapOptions {
  /** How many neighbours each point has, about. */
  readonly perplexity: number;
  /** Whether every pair is looked at; by the number of points where absent. */
  readonly exact?: boolean | undefined;
  /** Hears of points whose neighbours are found. */
  readonly onProgress?: ((done: number) => void | Promise<void>) | undefined;
}

/** Where a map stands: everything that going on needs beside its points. */
export interface MapState {
  readonly iteration: number;
  /** [N, 2] each. */
  readonly places: readonly number[];
  readonly moves: readonly number[];
  readonly gains: readonly number[];
}

/**
 * A map of points on a plane by t-SNE (van der Maaten & Hinton 2008), iteration by iteration; above some number of points by Barnes
 * and Hut's way (van der Maaten 2014). It begins from principal components, so nothing is left to chance.
 */
export class PointMap {
  /** [N, 2]. */
  readonly places: Float64Array;
  readonly #moves: Float64Array;
  readonly #gains: Float64Array;
  readonly #slopes: Float64Array;
  readonly #tree = new Quadtree();
  readonly #rate: number;
  #iteration = 0;

  private constructor(
    private readonly affinities: Affinities,
    private readonly exact: boolean,
    first: Float64Array,
  ) {
    const { count } = affinities;
    this.places = first;
    this.#moves = new Float64Array(2 * count);
    this.#gains = new Float64Array(2 * count).fill(1);
    this.#slopes = new Float64Array(2 * count);
    // As scikit-learn's "auto" (Belkina et al. 2019).
    this.#rate = Math.max(count / EXAGGERATION / 4, LEAST_RATE);
  }

  /**
   * Finds who is near whom.
   * @throws UsageError for points that are no numbers, for too few of them, and where all are one
   */
  static async of(points: Points, options: MapOptions): Promise<PointMap> {
    const { count } = points;
    const { perplexity, exact = count <= EXACT_UP_TO } = options;
    assertPoints(points, perplexity);
    const reduced = principalComponents(points, COMPONENTS);
    const affinities = await affinitiesOf(reduced, perplexity, { exact, onProgress: options.onProgress });
    let variance = 0;
    for (let point = 0; point < count; point++)
      variance += reduced.values[point * reduced.size]! ** 2 / count;
    const largest = points.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    if (!(variance > (ROUNDING * largest) ** 2))
      throw new UsageError(`all ${count} points are at one place, so there is nothing to map; give others.`);
    const scale = FIRST_SPREAD / Math.sqrt(variance);
    const first = new Float64Array(2 * count);
    for (let point = 0; point < count; point++)
      for (let axis = 0; axis < 2; axis++)
        first[2 * point + axis] =
          scale * (axis < reduced.size ? reduced.values[point * reduced.size + axis]! : 0);
    return new PointMap(affinities, exact, first);
  }

  /** Iterations done. */
  get iteration(): number {
    return this.#iteration;
  }

  /** One iteration of gradient descent. @returns the divergence that is minimised, in nats (equation 2) */
  step(): number {
    const early = this.#iteration < EARLY;
    const exaggeration = early ? EXAGGERATION : 1;
    const divergence = this.slopes(this.#slopes, exaggeration);
    const kept = early ? SLOW : FAST;
    // Gains that shrank while groups formed would hold back what follows, as in scikit-learn.
    if (this.#iteration === EARLY) {
      this.#moves.fill(0);
      this.#gains.fill(1);
    }
    for (let index = 0; index < this.places.length; index++) {
      const slope = this.#slopes[index]!;
      const move = this.#moves[index]!;
      const gain = slope * move < 0 ? this.#gains[index]! + GROWS : this.#gains[index]! * SHRINKS;
      this.#gains[index] = Math.max(LEAST_GAIN, gain);
      this.#moves[index] = kept * move - this.#rate * this.#gains[index]! * slope;
      this.places[index]! += this.#moves[index]!;
    }
    this.#iteration++;
    return divergence;
  }

  /**
   * The gradient of the divergence by the places (equation 5): 4 Σ_j (e p_ij − q_ij)(y_i − y_j) / (1 + |y_i − y_j|²).
   * @param into [N, 2]
   * @param exaggeration e, what attraction is multiplied by
   * @returns the divergence, without the exaggeration
   */
  slopes(into: Float64Array, exaggeration: number, theta = THETA): number {
    const { places, affinities } = this;
    const { count, starts, others, values } = affinities;
    const pushed = new Float64Array(2 * count);
    let total = 0;
    if (this.exact) {
      for (let a = 0; a < count; a++)
        for (let b = a + 1; b < count; b++) {
          const x = places[2 * a]! - places[2 * b]!;
          const y = places[2 * a + 1]! - places[2 * b + 1]!;
          const q = 1 / (1 + x * x + y * y);
          total += 2 * q;
          const force = q * q;
          pushed[2 * a]! += force * x;
          pushed[2 * a + 1]! += force * y;
          pushed[2 * b]! -= force * x;
          pushed[2 * b + 1]! -= force * y;
        }
    } else {
      this.#tree.build(places);
      for (let point = 0; point < count; point++)
        total += this.#tree.push(places[2 * point]!, places[2 * point + 1]!, theta, pushed, 2 * point);
    }
    let divergence = 0;
    for (let point = 0; point < count; point++) {
      let [x, y] = [0, 0];
      for (let index = starts[point]!; index < starts[point + 1]!; index++) {
        const other = others[index]!;
        const apartX = places[2 * point]! - places[2 * other]!;
        const apartY = places[2 * point + 1]! - places[2 * other + 1]!;
        const q = 1 / (1 + apartX * apartX + apartY * apartY);
        const p = values[index]!;
        if (p > 0) divergence += p * Math.log((p * total) / q);
        x += p * q * apartX;
        y += p * q * apartY;
      }
      into[2 * point] = 4 * (exaggeration * x - pushed[2 * point]! / total);
      into[2 * point + 1] = 4 * (exaggeration * y - pushed[2 * point + 1]! / total);
    }
    return divergence;
  }

  get state(): MapState {
    return {
      iteration: this.#iteration,
      places: [...this.places],
      moves: [...this.#moves],
      gains: [...this.#gains],
    };
  }

  /** Goes on from where a map of the same points stood. @throws RegardError where it was of another number of points */
  restore({ iteration, places, moves, gains }: MapState): void {
    if (places.length !== this.places.length)
      throw new RegardError(
        `the map that was stopped has ${places.length / 2} points but there are ${this.places.length / 2}; begin it anew.`,
      );
    this.places.set(places);
    this.#moves.set(moves);
    this.#gains.set(gains);
    this.#iteration = iteration;
  }
}

/** @throws UsageError for points that cannot be mapped */
function assertPoints({ count, size, values }: Points, perplexity: number): void {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new UsageError(
      `number ${(bad % size) + 1} of point ${Math.floor(bad / size) + 1} is ${values[bad]}, but all must be finite; make the vectors again.`,
    );
  if (perplexity < 1)
    throw new UsageError(`the perplexity is ${perplexity} but must be 1 or more; 30 is usual.`);
  if (count < 3 * perplexity + 1)
    throw new UsageError(
      `${count} points are too few for a perplexity of ${perplexity}, which takes ${Math.ceil(3 * perplexity) + 1}; give more points, or a perplexity of ${Math.max(1, Math.floor((count - 1) / 3))} or less.`,
    );
}
