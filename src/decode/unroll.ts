import { type Look, weighingTensors } from "../attention/index.js";
import { type Dimension, prefixed, RegardError, rewrite, type Tensor, unprefixed } from "../core/index.js";
import type { Model, Result, Steps, Tensors } from "../models/index.js";
import { Mode } from "../nn/index.js";
import { add, fill, input, inputAttributes, mul, scan, sub } from "../ops/index.js";
import { stepsOf } from "./decoder.js";
import type { PlainDrive } from "./drive.js";

/** Inputs of a graph by which one look is changed. Axes: T steps, B batch; T is absent where a model runs all at once. */
export interface Probe {
  /** float [T]: 1 where the forced look takes the place of the model's own, 0 elsewhere. */
  readonly force: Tensor;
  /** Of the look's shape: what is looked at in place of what the model would. */
  readonly forced: Tensor;
  /** Of the look's shape: added to the look; 0, and there to take gradients of. */
  readonly nudge: Tensor;
}

/** A whole run of a model as one graph. */
export interface Unrolled extends Result {
  readonly looks: Readonly<Record<string, Look>>;
  /** By the names of looks, where they were asked for. */
  readonly probes: Readonly<Record<string, Probe>>;
  /** What looks over a grid weigh, as `weighingTensors` names it, [T, …] where it takes steps; where probes were asked for. */
  readonly weighed: Tensors;
}

/** What everything that follows a look in its step is computed from: of hard attention the place that was chosen. */
const usedOf = ({ used, value }: Look): Tensor => used ?? value;

/**
 * A model's whole run as one graph: outputs and looks [T, B, …], or [B, …] where it runs all at once.
 * @param inputs what the model reads, by name
 * @param options.probed whether looks can be forced and differentiated by
 * @throws RegardError where the model cannot be run so
 */
export function unrolled(
  model: Model,
  drive: PlainDrive,
  inputs: Tensors,
  mode: Mode,
  { probed = false }: { probed?: boolean } = {},
): Unrolled {
  if (drive.kind === "once") {
    if (!model.once) throw new RegardError("the model has no run all at once; it goes step by step.");
    const { outputs, looks = {} } = model.once(inputs, mode);
    const probes = probed ? probesOf(looks, []) : {};
    const weighed = probed ? weighedIn(model, looks, outputs) : {};
    const spliced = splice(
      { ...prefixed("output.", outputs), ...prefixed("weighed.", weighed) },
      looks,
      probes,
    );
    return {
      outputs: unprefixed("output.", spliced.tensors),
      looks: spliced.looks,
      probes,
      weighed: unprefixed("weighed.", spliced.tensors),
    };
  }
  const steps = stepsOf(model);
  const { memory, state } = steps.begin(inputs, mode);
  const fed: Tensors = drive.kind === "rows" ? { [drive.of]: inputs[drive.of]! } : {};
  const length = drive.kind === "rows" ? inputs[drive.of]!.shape[0]! : lengthOf(steps);
  // What a step draws and looks at is known once it has been taken; it is drawn for every step anew.
  const trial = Mode.like(mode);
  const tried = steps.step(memory, state, slicesOf(fed), trial).looks ?? {};
  const noise = Object.fromEntries(
    [...trial.noise].map(([name, tensor]) => [
      name,
      mode.chance(name, [length, ...tensor.shape], distributionOf(tensor)),
    ]),
  );
  const probes = probed ? probesOf(tried, [length]) : {};
  const splicing = Object.fromEntries(
    Object.entries(probes).flatMap(([name, probe]) =>
      Object.entries(probe).map(([part, tensor]) => [`${part}.${name}`, tensor as Tensor]),
    ),
  );
  const { outputs } = scan(
    {
      initial: state,
      sequences: { ...prefixed("fed.", fed), ...prefixed("noise.", noise), ...splicing },
      length,
    },
    (before, slices) => {
      const found = steps.step(
        memory,
        before,
        unprefixed("fed.", slices),
        Mode.like(mode, unprefixed("noise.", slices)),
      );
      const inside = Object.fromEntries(
        Object.keys(probes).map((name) => [
          name,
          {
            force: slices[`force.${name}`]!,
            forced: slices[`forced.${name}`]!,
            nudge: slices[`nudge.${name}`]!,
          },
        ]),
      );
      const given = { ...prefixed("output.", found.outputs), ...prefixed("state.", found.state) };
      const { tensors, looks } = splice(
        {
          ...given,
          ...(probed && prefixed("weighed.", weighedIn(model, found.looks ?? {}, given))),
        },
        found.looks ?? {},
        inside,
      );
      return {
        states: unprefixed("state.", tensors) as typeof before,
        outputs: {
          ...prefixed("output.", unprefixed("output.", tensors)),
          ...prefixed("weighed.", unprefixed("weighed.", tensors)),
          ...prefixed(
            "look.",
            Object.fromEntries(Object.entries(looks).map(([name, { value }]) => [name, value])),
          ),
          ...prefixed(
            "used.",
            Object.fromEntries(
              Object.entries(looks).flatMap(([name, { used }]) => (used ? [[name, used]] : [])),
            ),
          ),
        } as Tensors,
      };
    },
  );
  return {
    outputs: unprefixed("output.", outputs),
    looks: Object.fromEntries(
      Object.entries(tried).map(([name, look]) => [
        name,
        {
          ...look,
          axes: ["step", ...look.axes],
          value: outputs[`look.${name}`]!,
          ...(look.used && { used: outputs[`used.${name}`]! }),
        },
      ]),
    ),
    probes,
    weighed: unprefixed("weighed.", outputs),
  };
}

/**
 * What looks weigh over the places that form a grid.
 * @param results what follows from them
 * @param over places that looks are followed over beside these
 */
export const weighedIn = (
  { grids = {} }: Pick<Model, "grids">,
  looks: Readonly<Record<string, Look>>,
  results: Tensors,
  over: readonly string[] = [],
): Tensors => weighingTensors(looks, [...Object.keys(grids), ...over], Object.values(results));

/** How many steps a model takes that runs freely. @throws RegardError where it does not say */
function lengthOf({ count }: Steps): Dimension {
  if (count === undefined)
    throw new RegardError("the model does not say how many steps it takes; give its steps a count.");
  return count;
}

const distributionOf = (noise: Tensor): "uniform" | "normal" => {
  const { role } = inputAttributes(noise)!;
  return (role.kind === "noise" && role.distribution) || "uniform";
};

/** One slice of each sequence, as a tensor of its own; for its shape alone. */
const slicesOf = (sequences: Tensors): Tensors =>
  Object.fromEntries(
    Object.entries(sequences).map(([name, { dtype, shape }]) => [name, input(name, dtype, shape.slice(1))]),
  );

/** Inputs that change looks, with the axes of steps before theirs. */
export const probesOf = (
  looks: Readonly<Record<string, Look>>,
  steps: readonly Dimension[],
): Record<string, Probe> =>
  Object.fromEntries(
    Object.entries(looks).map(([name, look]) => {
      const { dtype, shape } = usedOf(look);
      return [
        name,
        {
          force: input(`force.${name}`, dtype, steps),
          forced: input(`forced.${name}`, dtype, [...steps, ...shape]),
          nudge: input(`nudge.${name}`, dtype, [...steps, ...shape]),
        },
      ];
    }),
  );

/** Puts what is forced in the place of looks, in everything made from them. */
export function splice(
  tensors: Tensors,
  looks: Readonly<Record<string, Look>>,
  probes: Readonly<Record<string, Probe>>,
): { readonly tensors: Tensors; readonly looks: Readonly<Record<string, Look>> } {
  const probed = Object.entries(probes);
  if (probed.length === 0) return { tensors, looks };
  const changed = new Map<Tensor, Tensor>();
  // In the order they were made in, so that a look that follows another in a step changes with it.
  const inOrder = probed
    .map(([name, probe]) => ({ own: usedOf(looks[name]!), ...probe }))
    .sort((a, b) => a.own.node.id - b.own.node.id);
  for (const { own, force, forced, nudge } of inOrder) {
    const now = rewrite([own], changed)[0]!;
    const kept = mul(now, sub(fill(1, { dtype: own.dtype, shape: [] }), force));
    changed.set(own, add(add(kept, mul(forced, force)), nudge));
  }
  const names = Object.keys(tensors);
  const lookNames = Object.keys(looks);
  const rewritten = rewrite(
    [...names.map((name) => tensors[name]!), ...lookNames.map((name) => looks[name]!.value)],
    changed,
  );
  return {
    tensors: Object.fromEntries(names.map((name, index) => [name, rewritten[index]!])),
    looks: Object.fromEntries(
      lookNames.map((name, index) => [name, { ...looks[name]!, value: rewritten[names.length + index]! }]),
    ),
  };
}
