import type { Dimension, Tensor } from "../core/index.js";
import {
  add,
  concat,
  fill,
  matmul,
  mul,
  scan,
  sigmoid,
  split,
  sub,
  tanh,
  unsqueeze,
  where,
} from "../ops/index.js";
import { glorotUniform, type Initialiser, orthogonal, zeros } from "./initialise.js";
import { affine } from "./layers.js";
import type { Scope } from "./scope.js";

/** What a cell carries from step to step: tensors [B, H]. `hidden` is the one others look at. */
export type CellState = { readonly hidden: Tensor } & Readonly<Record<string, Tensor>>;

/**
 * A recurrent cell in two parts, so that what does not depend on the state is computed for all steps at once.
 * Axes: T steps, B batch, I input, H hidden.
 */
export interface Cell {
  readonly hidden: number;
  /** The input's share of every gate: [..., I] to [..., gates · H]. */
  project(x: Tensor): Tensor;
  /** One step from a projected input [B, gates · H]; gates are [B, H] each, by name. */
  step(state: CellState, projected: Tensor): { state: CellState; gates: Readonly<Record<string, Tensor>> };
  /** A state of zeros. */
  initial(batch: Dimension): CellState;
}

/** Features that a cell reads and features of its state, and how its matrices begin. */
export interface CellSizes {
  readonly input: number;
  readonly hidden: number;
  readonly initialise?: Initialiser;
}

/** Makes a cell with its parameters in a scope, such as `gru`. */
export type CellFactory = (scope: Scope, sizes: CellSizes) => Cell;

/**
 * The gated recurrent unit (Cho et al. 2014, equations 5–8), the reset gate applied before the recurrent product:
 * r = σ(x W_r + h U_r + b_r), u = σ(x W_u + h U_u + b_u), c = tanh(x W_c + (r ∘ h) U_c + b_c), h' = h + u ∘ (c − h).
 */
export const gru: CellFactory = (scope, { input, hidden, initialise = glorotUniform }) => {
  const kernel = scope.parameter("input", [input, 3 * hidden], initialise);
  const bias = scope.parameter("bias", [3 * hidden], zeros);
  const recurrentGates = scope.parameter("gates", [hidden, 2 * hidden], orthogonal);
  const recurrentCandidate = scope.parameter("candidate", [hidden, hidden], orthogonal);
  return {
    hidden,
    project: (x) => affine(x, kernel, bias),
    step({ hidden: before }, projected) {
      const [gatesInput, candidateInput] = split(projected, [2 * hidden, hidden], -1);
      const gates = sigmoid(add(gatesInput!, matmul(before, recurrentGates)));
      const [reset, update] = split(gates, [hidden, hidden], -1);
      const candidate = tanh(add(candidateInput!, matmul(mul(reset!, before), recurrentCandidate)));
      const after = add(before, mul(update!, sub(candidate, before)));
      return { state: { hidden: after }, gates: { reset: reset!, update: update!, candidate } };
    },
    initial: (batch) => ({ hidden: fill(0, { dtype: scope.dtype, shape: [batch, hidden] }) }),
  };
};

/**
 * Long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000):
 * i, f, o = σ(…), g = tanh(…), c' = f ∘ c + i ∘ g, h' = o ∘ tanh(c'). The forget gate's bias starts at 1.
 */
export const lstm: CellFactory = (scope, { input, hidden, initialise = glorotUniform }) => {
  const kernel = scope.parameter("input", [input, 4 * hidden], initialise);
  const bias = scope.parameter("bias", [4 * hidden], (shape) =>
    Float64Array.from({ length: shape[0]! }, (_, index) => (Math.floor(index / hidden) === 1 ? 1 : 0)),
  );
  const recurrent = scope.parameter("recurrent", [hidden, 4 * hidden], orthogonal);
  return {
    hidden,
    project: (x) => affine(x, kernel, bias),
    step({ hidden: before, cell }, projected) {
      const all = add(projected, matmul(before, recurrent));
      const [sigmoids, candidateInput] = split(all, [3 * hidden, hidden], -1);
      const [write, forget, output] = split(sigmoid(sigmoids!), [hidden, hidden, hidden], -1);
      const candidate = tanh(candidateInput!);
      const nextCell = add(mul(forget!, cell!), mul(write!, candidate));
      return {
        state: { hidden: mul(output!, tanh(nextCell)), cell: nextCell },
        gates: { input: write!, forget: forget!, output: output!, candidate },
      };
    },
    initial(batch) {
      const nothing = fill(0, { dtype: scope.dtype, shape: [batch, hidden] });
      return { hidden: nothing, cell: nothing };
    },
  };
};

/** What a recurrence over all steps gives. Axes: T steps, B batch, H features of the state. */
export interface Recurrence {
  /** Hidden states of all steps, [T, B, H]. */
  readonly outputs: Tensor;
  readonly final: CellState;
  /** Gates of all steps, [T, B, H] each; not computed unless used. */
  readonly gates: Readonly<Record<string, Tensor>>;
}

/** The gates of a recurrence, or of one step of it, under names that begin with its own; the candidate, which is no gate, is left out. */
export const gatesOf = (name: string, { gates }: Pick<Recurrence, "gates">): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(gates).flatMap(([gate, tensor]) =>
      gate === "candidate" ? [] : [[`${name} ${gate}`, tensor]],
    ),
  );

/**
 * Runs a cell over a sequence [T, B, I]. Where `mask` (bool [T, B]) is false the state stays as it was, so padding
 * changes nothing. `constant` [B, gates · H] is added to the projected input of every step.
 */
export function recurrent(
  cell: Cell,
  x: Tensor,
  options: { mask?: Tensor; initial?: CellState; reverse?: boolean; constant?: Tensor } = {},
): Recurrence {
  const initial = options.initial ?? cell.initial(x.shape[1]!);
  const projected = options.constant ? add(cell.project(x), options.constant) : cell.project(x);
  const { states, outputs } = scan(
    {
      initial,
      sequences: { projected, ...(options.mask && { mask: options.mask }) } as Record<string, Tensor>,
      reverse: options.reverse ?? false,
    },
    (state, slices) => {
      const { state: next, gates } = cell.step(state as CellState, slices.projected!);
      const kept = slices.mask ? keepWhere(unsqueeze(slices.mask, 1), next, state as CellState) : next;
      return { states: kept, outputs: { ...gates, outputs: kept.hidden } as Record<string, Tensor> };
    },
  );
  const { outputs: hidden, ...gates } = outputs;
  return { outputs: hidden!, final: states as CellState, gates };
}

function keepWhere(mask: Tensor, next: CellState, before: CellState): CellState {
  const entries = Object.keys(before).map((name) => [name, where(mask, next[name]!, before[name]!)]);
  return Object.fromEntries(entries) as CellState;
}

/** Two cells that read a sequence from its two ends. Outputs are [T, B, 2H], forward features first. */
export function bidirectional(
  scope: Scope,
  cell: CellFactory,
  sizes: CellSizes,
): (
  x: Tensor,
  options?: { mask?: Tensor },
) => { outputs: Tensor; forward: Recurrence; backward: Recurrence } {
  const forwardCell = cell(scope.at("forward"), sizes);
  const backwardCell = cell(scope.at("backward"), sizes);
  return (x, options = {}) => {
    const forward = recurrent(forwardCell, x, options);
    const backward = recurrent(backwardCell, x, { ...options, reverse: true });
    return { outputs: concat([forward.outputs, backward.outputs], -1), forward, backward };
  };
}
