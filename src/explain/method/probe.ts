import type { Look } from "../../attention/index.js";
import { gradient } from "../../autodiff/index.js";
import {
  countOf,
  prefixed,
  resolveDimension,
  type Tensor,
  typedArray,
  UsageError,
  unprefixed,
} from "../../core/index.js";
import { type PlainDrive, type Probe, unrolled } from "../../decode/index.js";
import type { Model, Tensors } from "../../models/index.js";
import { Mode } from "../../nn/index.js";
import { inputAttributes, reduceSum } from "../../ops/index.js";
import {
  type Backend,
  type LoadOptions,
  neededBy,
  noiseValue,
  type Session,
  type Value,
  type Values,
} from "../../session/index.js";

/** What a run does otherwise than the model alone would. */
export interface ProbeChoices {
  /** What is looked at instead, by the name of the look and the step: numbers of one row, [heads, places] or [windows, 4]. */
  readonly looks?: Readonly<Record<string, ReadonlyMap<number, readonly number[]>>>;
  /** The seed by which what the model draws is drawn. */
  readonly sample?: number;
}

/** What a run gave. */
export interface Probed {
  readonly outputs: Values;
  readonly looks: Values;
  /** What was used of looks in the end, where that is not the look. */
  readonly used: Values;
  /** What looks over a grid weighed, as `weighingTensors` names it. */
  readonly weighed: Values;
}

const OUTPUT = "output.";
const LOOK = "look.";
const USED = "used.";
const WEIGHED = "weighed.";
const SALIENCE = "salience.";

/**
 * Runs a model that is driven otherwise than by tokens on one example with everything in view: outputs, looks that can be forced,
 * and the gradient that reaches them.
 */
export class Prober {
  private constructor(
    private readonly running: Session,
    private readonly reasoning: Session | undefined,
    private readonly inputs: Tensors,
    private readonly probes: Readonly<Record<string, Probe>>,
    readonly looks: Readonly<Record<string, Look>>,
    private readonly noise: ReadonlyMap<string, Tensor>,
  ) {}

  /**
   * @param inputs what the model reads, by name
   * @param likelihood the log-probability of targets in outputs, [.., B]
   * @param options.sampling whether what the model draws by chance is drawn, in place of the likeliest
   */
  static async load(
    model: Model,
    drive: PlainDrive,
    inputs: Tensors,
    likelihood: ((outputs: Tensors) => Tensor) | undefined,
    backend: Backend,
    { sampling = false, ...options }: { sampling?: boolean } & LoadOptions = {},
  ): Promise<Prober> {
    const mode = sampling ? Mode.sampling() : Mode.plain();
    const { outputs, looks, probes, weighed } = unrolled(model, drive, inputs, mode, { probed: true });
    const entries = Object.entries(looks);
    const running = await backend.load(
      {
        ...prefixed(OUTPUT, outputs),
        ...prefixed(LOOK, Object.fromEntries(entries.map(([name, { value }]) => [name, value]))),
        ...prefixed(
          USED,
          Object.fromEntries(entries.flatMap(([name, { used }]) => (used ? [[name, used]] : []))),
        ),
        ...prefixed(WEIGHED, weighed),
      },
      options,
    );
    const weighing = entries.flatMap(([name, { kind }]) => (kind === "weights" ? [name] : []));
    const slopes =
      likelihood && weighing.length > 0
        ? gradient(
            reduceSum(likelihood(outputs)),
            weighing.map((name) => probes[name]!.nudge),
          )
        : [];
    const reasoning =
      slopes.length > 0
        ? await backend.load(
            Object.fromEntries(weighing.map((name, index) => [SALIENCE + name, slopes[index]!])),
            options,
          )
        : undefined;
    return new Prober(running, reasoning, inputs, probes, looks, mode.noise);
  }

  /**
   * Runs one example.
   * @param values what the model reads of it, as a batch of one
   * @throws UsageError for a look that there is not, or a row of another size
   */
  async run(parameters: Values, values: Values, choices: ProbeChoices = {}): Promise<Probed> {
    const results = await this.running.run(
      neededBy(this.running, { ...parameters, ...values, ...this.#fed(values, choices) }),
    );
    return {
      outputs: unprefixed(OUTPUT, results),
      looks: unprefixed(LOOK, results),
      used: unprefixed(USED, results),
      weighed: unprefixed(WEIGHED, results),
    };
  }

  /**
   * The gradient of the log-probability of what was taken by every look that weighs, of the look's shape.
   * @param taken targets, as a batch of one
   */
  async salience(
    parameters: Values,
    values: Values,
    taken: Values,
    choices: ProbeChoices = {},
  ): Promise<Values> {
    if (!this.reasoning) return {};
    const results = await this.reasoning.run(
      neededBy(this.reasoning, { ...parameters, ...values, ...taken, ...this.#fed(values, choices) }),
    );
    return unprefixed(SALIENCE, results);
  }

  /** What is fed beside inputs: nothing forced but what was chosen, no nudges, and noise by the seed. */
  #fed(values: Values, { looks = {}, sample = 0 }: ProbeChoices): Values {
    const sizes = new Map<string, number>([["batch", 1]]);
    for (const [name, tensor] of Object.entries(this.inputs))
      tensor.shape.forEach((dimension, axis) => {
        if (typeof dimension === "string" && values[name]) sizes.set(dimension, values[name].shape[axis]!);
      });
    const zeros = ({ dtype, shape }: Tensor): Value => {
      const known = shape.map((dimension) => resolveDimension(dimension, sizes));
      return { dtype, shape: known, data: typedArray(dtype, countOf(known)) };
    };
    const fed: Record<string, Value> = {};
    for (const name of Object.keys(looks))
      if (!this.probes[name])
        throw new UsageError(
          `the model has no look "${name}"; it has ${Object.keys(this.probes).join(", ") || "none"}.`,
        );
    for (const [name, probe] of Object.entries(this.probes)) {
      const [force, forced] = [zeros(probe.force), zeros(probe.forced)];
      const size = forced.data.length / Math.max(1, force.data.length);
      for (const [step, row] of looks[name] ?? []) {
        if (step >= force.data.length) continue;
        if (row.length !== size)
          throw new UsageError(
            `look "${name}" at step ${step} has ${row.length} numbers, but the model's has ${size}; give as many.`,
          );
        force.data[step] = 1;
        (forced.data as Float32Array).set(row, step * size);
      }
      fed[nameOf(probe.force)] = force;
      fed[nameOf(probe.forced)] = forced;
      fed[nameOf(probe.nudge)] = zeros(probe.nudge);
    }
    for (const [name, tensor] of this.noise) fed[name] = noiseValue(tensor, sizes, { seed: sample });
    return fed;
  }

  async release(): Promise<void> {
    await this.running.release();
    await this.reasoning?.release();
  }
}

const nameOf = (tensor: Tensor): string => inputAttributes(tensor)!.name;
