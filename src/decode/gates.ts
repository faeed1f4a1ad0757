import type { GatesTrace } from "../attention/index.js";
import { RegardError } from "../core/index.js";
import { tokenBatch, type Vocabulary } from "../data/index.js";
import type { EncoderDecoder } from "../models/index.js";
import { input } from "../ops/index.js";
import type { Backend, Values } from "../session/index.js";
import { tokensValue } from "./decoder.js";

/**
 * The gates of the layers that read a source.
 * @param vocabulary of the source
 * @throws RegardError where the model has none
 */
export async function readGates(
  model: EncoderDecoder,
  backend: Backend,
  parameters: Values,
  vocabulary: Vocabulary,
  words: readonly string[],
): Promise<GatesTrace> {
  const { gates } = model.encode(input("source", "int32", ["source", "batch"]));
  const { pieces } = vocabulary.segment(words);
  if (!gates) throw new RegardError("the model has no gates to read.");
  const session = await backend.load(gates);
  const results = await session.run({
    ...parameters,
    source: tokensValue(tokenBatch([vocabulary.encode(words)])),
  });
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
