import type { GatesTrace } from "../attention/index.js";
import { RegardError } from "../core/index.js";
import { tokenBatch, type Vocabulary } from "../data/index.js";
import type { Model } from "../models/index.js";
import { Mode } from "../nn/index.js";
import { input } from "../ops/index.js";
import { type Backend, neededBy, type Values } from "../session/index.js";
import { stepsOf, tokensValue } from "./decoder.js";

/**
 * The gates of the layers that read a source.
 * @param vocabulary of the source
 * @throws RegardError where the model has none
 */
export async function readGates(
  model: Model,
  backend: Backend,
  parameters: Values,
  vocabulary: Vocabulary,
  words: readonly string[],
): Promise<GatesTrace> {
  const { looks = {} } = stepsOf(model).begin(
    { source: input("source", "int32", ["source", "batch"]) },
    Mode.plain(),
  );
  const gates = Object.entries(looks).filter(([, { kind }]) => kind === "gates");
  const { pieces } = vocabulary.segment(words);
  if (gates.length === 0) throw new RegardError("the model has no gates to read.");
  const session = await backend.load(Object.fromEntries(gates.map(([name, { value }]) => [name, value])));
  const results = await session.run(
    neededBy(session, {
      ...parameters,
      source: tokensValue(tokenBatch([vocabulary.encode(words)])),
    }),
  );
  await session.release();
  return {
    kind: "gates",
    tokens: pieces,
    gates: Object.fromEntries(
      Object.entries(results).map(([name, { data, shape }]) => {
        const units = shape[2]!;
        return [name, pieces.map((_, step) => Array.from(data.subarray(step * units, (step + 1) * units)))];
      }),
    ),
  };
}
