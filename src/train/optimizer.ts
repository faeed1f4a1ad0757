import { z } from "zod";
import type { Tensor } from "../core/index.js";
import { add, constant, div, mul, pow, sqrt, square, sub } from "../ops/index.js";

/** An update rule for one element of a parameter; applied to all of them, in blocks. */
export interface Optimizer {
  /** Names of what the rule remembers of each element from step to step. All start at 0. */
  readonly slots: readonly string[];
  /**
   * @param step the number of this update, from 1, as a scalar
   * @returns the new value and the new memories
   */
  update(now: {
    readonly parameter: Tensor;
    readonly gradient: Tensor;
    readonly slots: Readonly<Record<string, Tensor>>;
    readonly learningRate: Tensor;
    readonly step: Tensor;
  }): { readonly parameter: Tensor; readonly slots: Readonly<Record<string, Tensor>> };
}

const share = z.number().min(0).lt(1);

/** The optimizers and their options, as a run records them. */
export const optimizerSchema = z.discriminatedUnion("name", [
  z.object({
    name: z.literal("adam"),
    beta1: share.default(0.9),
    beta2: share.default(0.999),
    epsilon: z.number().positive().default(1e-8),
  }),
  z.object({
    name: z.literal("adamw"),
    beta1: share.default(0.9),
    beta2: share.default(0.999),
    epsilon: z.number().positive().default(1e-8),
    decay: z.number().min(0).max(1).default(0.01),
  }),
  z.object({ name: z.literal("sgd"), momentum: share.default(0) }),
  z.object({
    name: z.literal("adadelta"),
    rho: share.default(0.95),
    epsilon: z.number().positive().default(1e-6),
  }),
]);

export type OptimizerOptions = z.output<typeof optimizerSchema>;
type Options<Name extends OptimizerOptions["name"]> = Omit<Extract<OptimizerOptions, { name: Name }>, "name">;

/** Kingma & Ba 2015, algorithm 1. */
export const adam = ({ beta1, beta2, epsilon }: Options<"adam">): Optimizer => ({
  slots: ["first", "second"],
  update({ parameter, gradient, slots, learningRate, step }) {
    // The moments are kept as plain sums, m / (1 − β₁) and v / (1 − β₂), which saves a pass over memory for each; the
    // factors, and the corrections for the start at 0, go into scalars.
    const first = add(mul(slots.first!, beta1), gradient);
    const second = add(mul(slots.second!, beta2), square(gradient));
    const power = (base: number) => pow(constant(base, { dtype: step.dtype }), step);
    const secondScale = sqrt(div(sub(1, power(beta2)), 1 - beta2));
    const rate = mul(div(mul(learningRate, 1 - beta1), sub(1, power(beta1))), secondScale);
    const denominator = add(sqrt(second), mul(secondScale, epsilon));
    return { parameter: sub(parameter, div(mul(first, rate), denominator)), slots: { first, second } };
  },
});

/** Adam with decay of the weights apart from the gradient (Loshchilov & Hutter 2019, algorithm 2). */
export const adamw = ({ decay, ...options }: Options<"adamw">): Optimizer => {
  const rule = adam(options);
  return {
    ...rule,
    update: (now) =>
      rule.update({ ...now, parameter: mul(now.parameter, sub(1, mul(now.learningRate, decay))) }),
  };
};

/** Gradient descent, with classical momentum where asked for: v = momentum · v + g, p = p − lr · v. */
export const sgd = ({ momentum }: Options<"sgd">): Optimizer => ({
  slots: momentum > 0 ? ["velocity"] : [],
  update({ parameter, gradient, slots, learningRate }) {
    const velocity = momentum > 0 ? add(mul(slots.velocity!, momentum), gradient) : gradient;
    return {
      parameter: sub(parameter, mul(velocity, learningRate)),
      slots: momentum > 0 ? { velocity } : {},
    };
  },
});

/** Zeiler 2012, algorithm 1; the paper's own rule has a learning rate of 1. */
export const adadelta = ({ rho, epsilon }: Options<"adadelta">): Optimizer => ({
  slots: ["gradients", "updates"],
  update({ parameter, gradient, slots, learningRate }) {
    const gradients = add(mul(slots.gradients!, rho), mul(square(gradient), 1 - rho));
    const change = mul(div(sqrt(add(slots.updates!, epsilon)), sqrt(add(gradients, epsilon))), gradient);
    const updates = add(mul(slots.updates!, rho), mul(square(change), 1 - rho));
    return { parameter: sub(parameter, mul(change, learningRate)), slots: { gradients, updates } };
  },
});

/** The optimizer that options describe. */
export function makeOptimizer(options: OptimizerOptions): Optimizer {
  switch (options.name) {
    case "adam":
      return adam(options);
    case "adamw":
      return adamw(options);
    case "sgd":
      return sgd(options);
    case "adadelta":
      return adadelta(options);
  }
}
