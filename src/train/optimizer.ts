import { z } from "zod";
import { UsageError } from "../core/index.js";
import { checked, unknownName } from "./checked.js";
import type { Kernels } from "./kernels.js";

/** Where the kernels find a parameter: addresses in bytes. */
export interface Stretch {
  readonly parameter: number;
  readonly gradient: number;
  /** What the optimizer remembers of it, in the order of its `slots`. */
  readonly slots: readonly number[];
  /** Elements. */
  readonly count: number;
  readonly decays: boolean;
}

/** An update rule. */
export interface Optimizer {
  /** Names of what the rule remembers of each element from step to step. All start at 0. */
  readonly slots: readonly string[];
  /** Updates a parameter, and what is remembered of it, in place. */
  update(
    kernels: Kernels,
    stretch: Stretch,
    now: {
      /** The number of this update, from 1. */
      readonly step: number;
      readonly learningRate: number;
      /** What the gradient is multiplied by first. */
      readonly scale: number;
    },
  ): void;
}

const share = z.number().min(0).lt(1);
/** Kept apart from 0 in single precision, since it is there to be divided by. */
const tiny = z.number().min(1e-30);

/** The optimizers and their options, as a run records them. */
export const optimizerSchema = z.discriminatedUnion("name", [
  z.object({
    name: z.literal("adam"),
    beta1: share.default(0.9),
    beta2: share.default(0.999),
    epsilon: tiny.default(1e-8),
  }),
  z.object({
    name: z.literal("adamw"),
    beta1: share.default(0.9),
    beta2: share.default(0.999),
    epsilon: tiny.default(1e-8),
    decay: z.number().min(0).max(1).default(0.01),
  }),
  z.object({ name: z.literal("sgd"), momentum: share.default(0) }),
  z.object({
    name: z.literal("adadelta"),
    rho: share.default(0.95),
    epsilon: tiny.default(1e-6),
  }),
  z.object({
    name: z.literal("rmsprop"),
    rho: share.default(0.9),
    epsilon: tiny.default(1e-8),
    momentum: share.default(0),
  }),
  z.object({ name: z.literal("adagrad"), epsilon: tiny.default(1e-10) }),
]);

/** An optimizer by its name, with its options: what `adam()` and the others give. */
export type OptimizerOptions = z.output<typeof optimizerSchema>;
type Options<Name extends OptimizerOptions["name"]> = Omit<Extract<OptimizerOptions, { name: Name }>, "name">;

/**
 * Kingma & Ba 2015, algorithm 1; with `decay`, Loshchilov & Hutter 2019, algorithm 2: weights decay apart from the gradient,
 * those that `decays` says (see `ParameterKind`).
 */
const adamRule = ({ beta1, beta2, epsilon, decay = 0 }: Options<"adam"> & { decay?: number }): Optimizer => ({
  slots: ["first", "second"],
  update: (
    kernels,
    { parameter, gradient, slots: [first, second], count, decays },
    { step, learningRate, scale },
  ) =>
    kernels.adam(
      parameter,
      gradient,
      first!,
      second!,
      count,
      scale,
      learningRate / (1 - beta1 ** step),
      beta1,
      beta2,
      1 / Math.sqrt(1 - beta2 ** step),
      epsilon,
      decays ? learningRate * decay : 0,
    ),
});

/** Gradient descent, with classical momentum where asked for (Polyak 1964). */
const sgdRule = ({ momentum }: Options<"sgd">): Optimizer => ({
  slots: momentum > 0 ? ["velocity"] : [],
  update: (kernels, { parameter, gradient, slots: [velocity], count }, { learningRate, scale }) =>
    kernels.sgd(parameter, gradient, velocity ?? 0, count, scale, learningRate, momentum),
});

/** Zeiler 2012, algorithm 1; the paper's own rule has a learning rate of 1. */
const adadeltaRule = ({ rho, epsilon }: Options<"adadelta">): Optimizer => ({
  slots: ["gradients", "updates"],
  update: (kernels, { parameter, gradient, slots: [gradients, updates], count }, { learningRate, scale }) =>
    kernels.adadelta(parameter, gradient, gradients!, updates!, count, scale, learningRate, rho, epsilon),
});

/** Tieleman & Hinton 2012, lecture 6.5, with momentum where asked for. */
const rmspropRule = ({ rho, epsilon, momentum }: Options<"rmsprop">): Optimizer => ({
  slots: momentum > 0 ? ["second", "velocity"] : ["second"],
  update: (kernels, { parameter, gradient, slots: [second, velocity], count }, { learningRate, scale }) =>
    kernels.rmsprop(
      parameter,
      gradient,
      second!,
      velocity ?? 0,
      count,
      scale,
      learningRate,
      rho,
      epsilon,
      momentum,
    ),
});

/** Duchi, Hazan & Singer 2011, figure 1 with diagonal matrices. */
const adagradRule = ({ epsilon }: Options<"adagrad">): Optimizer => ({
  slots: ["sum"],
  update: (kernels, { parameter, gradient, slots: [sum], count }, { learningRate, scale }) =>
    kernels.adagrad(parameter, gradient, sum!, count, scale, learningRate, epsilon),
});

/** The optimizer that options describe. */
export function makeOptimizer(options: OptimizerOptions): Optimizer {
  switch (options.name) {
    case "adam":
    case "adamw":
      return adamRule(options);
    case "sgd":
      return sgdRule(options);
    case "adadelta":
      return adadeltaRule(options);
    case "rmsprop":
      return rmspropRule(options);
    case "adagrad":
      return adagradRule(options);
  }
}

const withDefaults =
  <Name extends OptimizerOptions["name"]>(name: Name) =>
  (options: Partial<Options<Name>> = {}): OptimizerOptions => {
    const found = checked(name, optimizerSchema, { ...options, name });
    const unknown = unknownName(options, found);
    if (unknown === undefined) return found;
    const known = Object.keys(found).filter((option) => option !== "name");
    throw new UsageError(`${name} has no option "${unknown}"; it has ${known.join(", ")}.`);
  };

/**
 * Adam's options (Kingma & Ba 2015), with the usual values for what is not given: `beta1` 0.9, `beta2` 0.999, `epsilon` 1e-8.
 * @throws UsageError for a value out of range and for an option that it has not
 */
export const adam = withDefaults("adam");
/** Those of Adam with weights that decay apart from the gradient (Loshchilov & Hutter 2019): Adam's, and `decay` 0.01. */
export const adamw = withDefaults("adamw");
/** Those of gradient descent: `momentum` 0. */
export const sgd = withDefaults("sgd");
/** Those of Adadelta (Zeiler 2012), whose own learning rate is 1. */
export const adadelta = withDefaults("adadelta");
/** Those of RMSProp (Tieleman & Hinton 2012). */
export const rmsprop = withDefaults("rmsprop");
/** Those of AdaGrad (Duchi, Hazan & Singer 2011). */
export const adagrad = withDefaults("adagrad");
