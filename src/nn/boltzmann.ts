import type { Shape, Tensor } from "../core/index.js";
import {
  add,
  cast,
  div,
  extent,
  inputAttributes,
  less,
  matmul,
  mul,
  neg,
  reduceMean,
  reduceSum,
  sigmoid,
  softplus,
  stopGradient,
  sub,
} from "../ops/index.js";
import { type Initialiser, normal, zeros } from "./initialise.js";
import type { Mode } from "./mode.js";
import type { Scope } from "./scope.js";

// Restricted Boltzmann machines: visible and hidden units, each kind independent given the other. They are trained by the difference
// of statistics of two phases and not by backpropagation. Axes: B batch, V visible units, H hidden units.

/** Numbers that are uniform in [0, 1), by name. */
export type Draw = (name: string, shape: Shape) => Tensor;

/** A machine with binary hidden units. `Visible` is a tensor [B, V], or several by name. */
export interface BoltzmannMachine<Visible> {
  /** What adds up in each hidden unit, its bias included: [B, H]. */
  inputs(visible: Visible): Tensor;
  /** Visible units given hidden ones that are on or off, [B, H]: drawn, or their means, which are less noise. */
  visible(hidden: Tensor, draw: Draw): Visible;
}

/** What statistics are taken of: visible units, and how likely each hidden one is to be on given them, [B, H]. */
export interface Phase<Visible> {
  readonly visible: Visible;
  readonly hidden: Tensor;
}

/** How long a chain of Gibbs sampling runs, and by which noise. */
export interface ChainOptions {
  /** Steps of block Gibbs sampling. */
  readonly steps: number;
  /** What noise is of, and what its names begin with. */
  readonly mode: Mode;
  readonly name: string;
}

/** 1 with the probability sigmoid(inputs), 0 otherwise, by numbers that are uniform in [0, 1); no gradient passes. */
export const drawUnits = (inputs: Tensor, uniform: Tensor): Tensor =>
  cast(less(uniform, stopGradient(sigmoid(inputs))), inputs.dtype);

/**
 * −log Σ_h exp(−E(v, h)), [B]: a hidden unit that is summed over leaves the softplus of its input.
 * @param energy of the visible units by themselves, [B]: −Σ b v
 * @param inputs of the hidden units, [B, H]
 */
export const freeEnergy = (energy: Tensor, inputs: Tensor): Tensor =>
  sub(energy, reduceSum(softplus(inputs), { axes: -1 }));

/** Visible units with what they tell of the hidden ones. */
export const phase = <Visible>(machine: BoltzmannMachine<Visible>, visible: Visible): Phase<Visible> => ({
  visible,
  hidden: sigmoid(machine.inputs(visible)),
});

/**
 * Block Gibbs sampling: hidden units are drawn, then visible ones given them, and again. Begun at what was seen it gives the negative
 * phase of contrastive divergence (CD-k, Hinton 2002); begun where the last chain ended, which a buffer of the mode keeps, that of
 * stochastic maximum likelihood, also called persistent contrastive divergence (Tieleman 2008).
 */
export function gibbs<Visible>(
  machine: BoltzmannMachine<Visible>,
  start: Visible,
  { steps, mode, name }: ChainOptions,
): Phase<Visible> {
  let visible = start;
  for (let step = 0; step < steps; step++) {
    const draw: Draw = (units, shape) => mode.chance(`${name}.${units}.${step}`, shape, "uniform");
    const inputs = machine.inputs(visible);
    visible = machine.visible(drawUnits(inputs, draw("hidden", inputs.shape)), draw);
  }
  return phase(machine, visible);
}

/** Both phases of contrastive divergence: what was seen, and what a chain makes of it. */
export const contrast = <Visible>(
  machine: BoltzmannMachine<Visible>,
  seen: Visible,
  options: ChainOptions,
): { readonly positive: Phase<Visible>; readonly negative: Phase<Visible> } => ({
  positive: phase(machine, seen),
  negative: gibbs(machine, seen, options),
});

/** A machine of binary units (Smolensky 1986): E(v, h) = −vᵀW h − bᵀv − cᵀh. */
export interface RestrictedBoltzmannMachine extends BoltzmannMachine<Tensor> {
  /** What adds up in each visible unit, its bias included, from hidden ones or how likely they are to be on: [B, H] to [B, V]. */
  below(hidden: Tensor): Tensor;
  /** E(v, h), [B]. */
  energy(visible: Tensor, hidden: Tensor): Tensor;
  /** −log Σ_h exp(−E(v, h)), [B]. */
  freeEnergy(visible: Tensor): Tensor;
  /**
   * Gradients of the mean of −log p(v) by the names of parameters: the statistics of the negative phase less those of the positive
   * one, each a mean over its own batch.
   */
  gradients(positive: Phase<Tensor>, negative: Phase<Tensor>): Readonly<Record<string, Tensor>>;
}

/**
 * A restricted Boltzmann machine with parameters `weight` [V, H], `visible` [V] and `hidden` [H].
 * @param sizes.drawn whether visible units are drawn in a chain, as one needs that is never begun anew, in place of their means
 */
export function restrictedBoltzmannMachine(
  scope: Scope,
  sizes: { visible: number; hidden: number; drawn?: boolean; initialise?: Initialiser },
): RestrictedBoltzmannMachine {
  const weight = scope.parameter("weight", [sizes.visible, sizes.hidden], sizes.initialise ?? normal(0.01));
  const visibleBias = scope.parameter("visible", [sizes.visible], zeros);
  const hiddenBias = scope.parameter("hidden", [sizes.hidden], zeros);
  const inputs = (visible: Tensor) => add(matmul(visible, weight), hiddenBias);
  const below = (hidden: Tensor) => add(matmul(hidden, weight, { transposeRight: true }), visibleBias);
  const alone = (visible: Tensor) => neg(reduceSum(mul(visible, visibleBias), { axes: -1 }));
  return {
    inputs,
    below,
    visible(hidden, draw) {
      const given = below(hidden);
      return sizes.drawn ? drawUnits(given, draw("visible", given.shape)) : sigmoid(given);
    },
    energy: (visible, hidden) => sub(alone(visible), reduceSum(mul(inputs(visible), hidden), { axes: -1 })),
    freeEnergy: (visible) => freeEnergy(alone(visible), inputs(visible)),
    gradients(positive, negative) {
      const less = (of: (phase: Phase<Tensor>) => Tensor) => sub(of(negative), of(positive));
      return byParameter([
        [weight, less(({ visible, hidden }) => meanProduct(visible, hidden))],
        [visibleBias, less(({ visible }) => reduceMean(visible, { axes: 0 }))],
        [hiddenBias, less(({ hidden }) => reduceMean(hidden, { axes: 0 }))],
      ]);
    },
  };
}

/** The mean over a batch of the outer product of two vectors, [B, V] and [B, H] to [V, H]. */
const meanProduct = (left: Tensor, right: Tensor): Tensor =>
  div(matmul(left, right, { transposeLeft: true }), extent(left.shape[0]!, left.dtype));

/** Gradients by the names of the parameters they are of, as a model gives them that is not trained by backpropagation. */
export const byParameter = (
  pairs: readonly (readonly [parameter: Tensor, gradient: Tensor])[],
): Readonly<Record<string, Tensor>> =>
  Object.fromEntries(pairs.map(([parameter, gradient]) => [inputAttributes(parameter)!.name, gradient]));
