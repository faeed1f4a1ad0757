import { type DType, RegardError, type Shape, type Tensor } from "../core/index.js";
import { div, equal, fill, input, less, mul } from "../ops/index.js";

/** A tensor that training carries from step to step beside the parameters, such as a moving average. */
export interface Buffer {
  readonly name: string;
  readonly shape: readonly number[];
  readonly tensor: Tensor;
  /** The value of every element before the first step. */
  readonly initial: number;
  /** What it is after a step. */
  readonly next: Tensor;
}

interface ModeOptions {
  readonly dtype?: "float32" | "float64";
  readonly training?: boolean;
  readonly sampling?: boolean;
  readonly labelSmoothing?: number;
  readonly shares?: number;
  readonly someWords?: boolean;
}

/** The input that says how many tokens a share of a batch has on average, where a graph has one of several shares. */
export const TOKENS = "tokens";

/** The words that a step scores in place of all of a vocabulary, as it is fed them. Axes: C words that are scored, V all. */
export interface Candidates {
  /** How many words the vocabulary has. */
  readonly vocabulary: number;
  /** int32 [C]: words by their numbers, all targets of the step among them. */
  readonly words: Tensor;
  /** [C]: log of the probability that the word is among them; 0 for targets. */
  readonly corrections: Tensor;
  /** int32 [V]: where each word stands among them; any number for those that do not. */
  readonly places: Tensor;
}

/** The inputs that say which words a step scores. */
export const CANDIDATES = {
  words: "candidates",
  corrections: "candidates.corrections",
  places: "candidates.places",
} as const;

/**
 * What a graph of a model is made for: training, use as it is, or use that draws by chance. Models hand it to the layers that
 * differ and do not branch on it; what a graph needs of chance, and carries from step to step, is known of it afterwards.
 */
export class Mode {
  readonly dtype: DType;
  /** Whether noise is injected and buffers move. */
  readonly training: boolean;
  /** Whether what is chosen by chance is drawn, in place of taking the likeliest. */
  readonly sampling: boolean;
  /** The share of each target that is spread over all alternatives alike, from 0 up to 1. */
  readonly labelSmoothing: number;
  /**
   * How many shares a batch is divided into, of which this graph is given one, by processes that train together. Means over
   * examples average to those of the batch by themselves; `total` and `perToken` see to sums and to means over tokens.
   */
  readonly shares: number;
  readonly #someWords: boolean;
  #candidates: Candidates | undefined;
  readonly #given: Readonly<Record<string, Tensor>>;
  readonly #noise = new Map<string, Tensor>();
  readonly #buffers = new Map<string, Buffer>();
  #tokens: Tensor | undefined;

  private constructor(
    {
      dtype = "float32",
      training = false,
      sampling = training,
      labelSmoothing = 0,
      shares = 1,
      someWords = false,
    }: ModeOptions,
    given: Readonly<Record<string, Tensor>> = {},
  ) {
    this.#given = given;
    this.dtype = dtype;
    this.training = training;
    this.sampling = sampling;
    this.labelSmoothing = labelSmoothing;
    this.shares = shares;
    this.#someWords = someWords;
  }

  /** For a training step. */
  static training(options: Omit<ModeOptions, "training" | "sampling"> = {}): Mode {
    return new Mode({ ...options, training: true });
  }

  /** For use: what is likeliest is taken, nothing is dropped. */
  static plain(options: Pick<ModeOptions, "dtype"> = {}): Mode {
    return new Mode(options);
  }

  /** For use that draws what is chosen by chance. */
  static sampling(options: Pick<ModeOptions, "dtype"> = {}): Mode {
    return new Mode({ ...options, sampling: true });
  }

  /**
   * For a part of a graph that is made on its own, such as one step of many: what it draws is its own, or given by name.
   * @param given what is drawn, in place of inputs
   */
  static like(mode: Mode, given: Readonly<Record<string, Tensor>> = {}): Mode {
    const { dtype, training, sampling, labelSmoothing, shares } = mode;
    return new Mode(
      { dtype: dtype as "float32" | "float64", training, sampling, labelSmoothing, shares },
      given,
    );
  }

  /**
   * Random numbers, fed anew at every run as a function of (seed, name, step).
   * @param shape sizes may be names, such as "batch"
   * @throws RegardError where the name is taken
   */
  chance(name: string, shape: Shape, distribution: "uniform" | "normal"): Tensor {
    if (this.#noise.has(name))
      throw new RegardError(`two noise inputs are named "${name}"; give each a name of its own.`);
    const tensor = this.#given[name] ?? input(name, this.dtype, shape, { kind: "noise", distribution });
    this.#noise.set(name, tensor);
    return tensor;
  }

  /** Standard normal numbers where what is chosen by chance is drawn; 0, their mean, elsewhere. */
  deviates(name: string, shape: Shape): Tensor {
    return this.sampling ? this.chance(name, shape, "normal") : fill(0, { dtype: this.dtype, shape });
  }

  /** Where something happens that only training does, such as dropping a unit: bool, each by itself with this probability. */
  happens(name: string, shape: Shape, probability: number): Tensor {
    if (!this.training || probability === 0) return equal(fill(0, { dtype: "int32", shape }), 1);
    return less(this.chance(name, shape, "uniform"), probability);
  }

  /** How often each example is drawn where training averages over `times` draws of it: once where nothing is learnt of them. */
  draws(times: number): number {
    return this.training ? times : 1;
  }

  /**
   * A tensor that training carries from step to step: `next` makes its value after a step from the value before.
   * @throws RegardError where the name is taken
   */
  carry(name: string, shape: readonly number[], initial: number, next: (value: Tensor) => Tensor): Tensor {
    if (this.#buffers.has(name))
      throw new RegardError(`two buffers are named "${name}"; give each a name of its own.`);
    const tensor = input(name, this.dtype, shape, { kind: "buffer" });
    this.#buffers.set(name, { name, shape, tensor, initial, next: next(tensor) });
    return tensor;
  }

  /** A sum over the batch, from that over this share: the mean over shares is the batch's. */
  total(sum: Tensor): Tensor {
    return this.shares === 1 ? sum : mul(sum, this.shares);
  }

  /** A mean over the batch's tokens, from the sum over this share's and their number: the mean over shares is the batch's. */
  perToken(sum: Tensor, count: Tensor): Tensor {
    if (this.shares === 1) return div(sum, count);
    this.#tokens ??= input(TOKENS, this.dtype, []);
    return div(sum, this.#tokens);
  }

  /**
   * The words that a loss scores in place of all of a vocabulary; undefined where it scores all.
   * @throws RegardError where the losses of a graph are of several vocabularies
   */
  candidatesOf(vocabulary: number): Candidates | undefined {
    if (!this.#someWords) return undefined;
    this.#candidates ??= {
      vocabulary,
      words: input(CANDIDATES.words, "int32", ["candidates"]),
      corrections: input(CANDIDATES.corrections, this.dtype, ["candidates"]),
      places: input(CANDIDATES.places, "int32", [vocabulary]),
    };
    if (this.#candidates.vocabulary !== vocabulary)
      throw new RegardError(
        `losses over ${this.#candidates.vocabulary} and over ${vocabulary} words cannot score the same candidates; score all words.`,
      );
    return this.#candidates;
  }

  /** The words that are scored in place of all; undefined where no loss asked for them. */
  get candidates(): Candidates | undefined {
    return this.#candidates;
  }

  /** Every noise input by name. */
  get noise(): ReadonlyMap<string, Tensor> {
    return this.#noise;
  }

  /** Every buffer. */
  get buffers(): readonly Buffer[] {
    return [...this.#buffers.values()];
  }
}
