import type { Look } from "../attention/index.js";
import type { Model, Tensors } from "../models/index.js";
import { Mode } from "../nn/index.js";
import { type Backend, neededBy, type Values } from "../session/index.js";

/** Where a model looked while it read its inputs, such as what gates let through. */
export interface Reading {
  /** What each look is, by name. */
  readonly looks: Readonly<Record<string, Look>>;
  readonly values: Values;
}

/** The looks of a model's reading, of one example as a batch of one; none where it has none. */
export async function lookedWhileReading(
  model: Model,
  inputs: Tensors,
  backend: Backend,
  parameters: Values,
  values: Values,
  wanted: (look: Look) => boolean,
): Promise<Reading> {
  const all = model.steps?.begin(inputs, Mode.plain()).looks ?? {};
  const looks = Object.fromEntries(Object.entries(all).filter(([, look]) => wanted(look)));
  const names = Object.keys(looks);
  if (names.length === 0) return { looks, values: {} };
  const session = await backend.load(Object.fromEntries(names.map((name) => [name, looks[name]!.value])));
  try {
    return { looks, values: await session.run(neededBy(session, { ...parameters, ...values })) };
  } finally {
    await session.release();
  }
}
