import { END, START } from "../core/index.js";
import type { Values } from "../session/index.js";
import { type Decoded, type DecodeOptions, type Decoder, takeRows, weightsOf } from "./decoder.js";

/** Takes the most probable token at every step, for a whole batch at once; sequences that end leave the batch. */
export async function decodeGreedily(
  decoder: Decoder,
  parameters: Values,
  inputs: Values,
  { longest }: DecodeOptions,
): Promise<Decoded[]> {
  const encoded = await decoder.encode(parameters, inputs);
  let { memory, state } = encoded;
  const found = Array.from({ length: encoded.rows }, () => ({
    tokens: [] as number[],
    weights: [] as number[][],
    logProbability: 0,
    finished: false,
  }));
  let alive = found.map((_, index) => index);
  let previous = new Int32Array(encoded.rows).fill(START);
  let attends = false;
  for (let length = 0; length <= longest && alive.length > 0; length++) {
    const step = await decoder.step(parameters, memory, state, previous);
    attends = step.weights !== undefined;
    const stay: number[] = [];
    alive.forEach((index, row) => {
      const sequence = found[index]!;
      const token = step.tokens[row * step.width]!;
      if (token !== END && sequence.tokens.length === longest) return;
      sequence.logProbability += step.logProbabilities[row * step.width]!;
      const weights = weightsOf(step.weights, row);
      if (weights) sequence.weights.push(weights);
      if (token === END) sequence.finished = true;
      else {
        sequence.tokens.push(token);
        stay.push(row);
      }
    });
    previous = Int32Array.from(stay, (row) => step.tokens[row * step.width]!);
    const all = stay.length === alive.length;
    state = all ? step.state : takeRows(step.state, stay);
    if (!all) memory = takeRows(memory, stay);
    alive = stay.map((row) => alive[row]!);
  }
  return found.map(({ weights, ...sequence }) => (attends ? { ...sequence, weights } : sequence));
}
