import { describe, expect, test } from "vitest";
import { parametersOf } from "../../test/run.js";
import { END, START } from "../core/index.js";
import { tokenBatch } from "../data/index.js";
import { type AnyModelCard, rnnsearch, transformer } from "../models/index.js";
import { Scope } from "../nn/index.js";
import { input } from "../ops/index.js";
import type { Value } from "../session/index.js";
import { nodeBackend } from "../session/node.js";
import {
  beamScore,
  type Decoded,
  Decoder,
  decodeByBeam,
  decodingGraph,
  GreedyDecoder,
  tokensValue,
} from "./index.js";

const vocabularies = { source: 11, target: 7 };

const cases: readonly { card: AnyModelCard; sizes: Record<string, number> }[] = [
  { card: rnnsearch, sizes: { embedding: 3, hidden: 5, alignment: 7, maxout: 2 } },
  { card: transformer, sizes: { features: 6, inner: 5, heads: 3, layers: 2 } },
];

/** An untrained model whose output layer is made bold, so that its choices differ from sentence to sentence. */
async function load({ card, sizes }: (typeof cases)[number], width: number) {
  const scope = Scope.root();
  const model = card.build(scope, card.configuration.parse(sizes), vocabularies);
  const parameters: Record<string, Value> = { ...parametersOf(scope, 4) };
  for (const [name, value] of Object.entries(parameters))
    if (!name.endsWith("bias"))
      parameters[name] = { ...value, data: value.data.map((element) => 4 * element) };
  const decoder = await Decoder.load(model, { source: sourceInput() }, nodeBackend, { width });
  const greedy = await GreedyDecoder.load(model, { source: sourceInput() }, LONGEST, nodeBackend);
  return {
    model,
    decoder,
    parameters,
    decodeGreedily: (of: readonly (readonly number[])[]) =>
      greedy.decode(parameters, { source: tokensValue(tokenBatch(of)) }, { longest: LONGEST }),
  };
}

const sourceInput = () => input("source", "int32", ["source", "batch"]);
const LONGEST = 9;

const sentences = [
  [4, 5, 6, END],
  [7, END],
  [8, 9, 10, 4, 5, END],
];

const close = (a: Decoded, b: Decoded): void => {
  expect(a.tokens).toEqual(b.tokens);
  expect(a.finished).toBe(b.finished);
  expect(a.logProbability).toBeCloseTo(b.logProbability, 4);
  a.weights!.forEach((row, index) => {
    expect(row.slice(0, b.weights![index]!.length)).toBeAllClose(b.weights![index]!, 1e-5);
  });
};

describe.each(cases)("$card.id", (given) => {
  test("a batch is decoded as each of its sentences alone, step by step", async () => {
    const { decoder, parameters, decodeGreedily } = await load(given, 1);
    const together = await decodeGreedily(sentences);
    for (const [index, sentence] of sentences.entries()) {
      const [alone] = await decodeGreedily([sentence]);
      close(together[index]!, alone!);
      expect(alone!.weights).toHaveLength(alone!.tokens.length + (alone!.finished ? 1 : 0));
      // The same from steps that are run one by one.
      const source = { source: tokensValue(tokenBatch([sentence])) };
      let { memory, state } = await decoder.encode(parameters, source);
      const [tokens, weights]: [number[], number[][]] = [[], []];
      let logProbability = 0;
      for (let step = 0; step <= LONGEST && tokens.at(-1) !== END; step++) {
        const found = await decoder.step(parameters, memory, state, Int32Array.of(tokens.at(-1) ?? START));
        if (step === LONGEST && found.tokens[0] !== END) break;
        tokens.push(found.tokens[0]!);
        weights.push([...(found.weights!.data as Float32Array)]);
        logProbability += found.logProbabilities[0]!;
        ({ state } = found);
      }
      const finished = tokens.at(-1) === END;
      close(alone!, { tokens: finished ? tokens.slice(0, -1) : tokens, weights, logProbability, finished });
    }
  });

  test("the graph of a file decodes a batch as the decoder does, and stops with its longest sequence", async () => {
    const { model, decodeGreedily, parameters } = await load(given, 1);
    const batch = tokenBatch(sentences);
    const expected = await decodeGreedily(sentences);
    const session = await nodeBackend.load(decodingGraph(model, { source: sourceInput() }, LONGEST));
    const { tokens, logProbability, weights } = await session.run({
      ...parameters,
      source: { dtype: "int32", shape: [batch.length, batch.count], data: batch.data },
    });
    const taken = Math.max(
      ...expected.map((found) => Math.min(LONGEST, found.tokens.length + (found.finished ? 1 : 0))),
    );
    expect(tokens!.shape).toEqual([taken, sentences.length]);
    expect(weights!.shape.slice(0, 2)).toEqual([taken, sentences.length]);
    expected.forEach((found, column) => {
      const tokenAt = (step: number) => tokens!.data[step * sentences.length + column]!;
      const all = Array.from({ length: taken }, (_, step) => tokenAt(step));
      const end = all.indexOf(END);
      expect(end < 0 ? all : all.slice(0, end)).toEqual(found.tokens);
      if (!found.finished || end < 0) return;
      expect(all.slice(end + 1).every((token) => token === 0)).toBe(true);
      expect(logProbability!.data[column]).toBeCloseTo(found.logProbability, 4);
      const at = (found.tokens.length * sentences.length + column) * batch.length;
      expect(weights!.data.slice(at, at + batch.length)).toBeAllClose(found.weights!.at(-1)!, 1e-5);
    });
  });

  test("a beam of one is greedy, a batch of beams is each beam alone", async () => {
    const { decoder, parameters, decodeGreedily } = await load(given, 4);
    const batch = tokenBatch(sentences);
    const greedy = await decodeGreedily(sentences);
    const narrow = await decodeByBeam(
      decoder,
      parameters,
      { source: tokensValue(batch) },
      { longest: 9, width: 1 },
    );
    narrow.forEach(([best], index) => {
      if (greedy[index]!.finished) close(best!, greedy[index]!);
    });
    const wide = await decodeByBeam(
      decoder,
      parameters,
      { source: tokensValue(batch) },
      { longest: 9, width: 3 },
    );
    for (const [index, sentence] of sentences.entries()) {
      const [alone] = await decodeByBeam(
        decoder,
        parameters,
        { source: tokensValue(tokenBatch([sentence])) },
        {
          longest: 9,
          width: 3,
        },
      );
      for (const [rank, found] of wide[index]!.entries()) close(found, alone![rank]!);
      const scores = wide[index]!.map(beamScore);
      expect(scores).toEqual([...scores].sort((a, b) => b - a));
    }
  });

  test("a beam as wide as the search finds the best sequence there is", async () => {
    const { decoder, parameters } = await load(given, vocabularies.target);
    const source = tokenBatch([sentences[0]!]);
    // Every sequence of up to two words and END, scored one by one.
    const { memory, state } = await decoder.encode(parameters, { source: tokensValue(source) });
    const all: { tokens: number[]; score: number }[] = [];
    const visit = async (tokens: number[], logProbability: number, now: typeof state): Promise<void> => {
      const step = await decoder.step(parameters, memory, now, Int32Array.of(tokens.at(-1) ?? START));
      for (let rank = 0; rank < step.width; rank++) {
        const [token, total] = [step.tokens[rank]!, logProbability + step.logProbabilities[rank]!];
        if (token === END) all.push({ tokens, score: total / (tokens.length + 1) });
        else if (tokens.length < 2) await visit([...tokens, token], total, step.state);
      }
    };
    await visit([], 0, state);
    const best = all.sort((a, b) => b.score - a.score)[0]!;
    const [found] = await decodeByBeam(
      decoder,
      parameters,
      { source: tokensValue(source) },
      { longest: 3, width: 300 },
    );
    const finished = found!.filter((sequence) => sequence.tokens.length <= 2);
    expect(finished[0]!.tokens).toEqual(best.tokens);
    expect(beamScore(finished[0]!)).toBeCloseTo(best.score, 5);
  });
});

/** What is likely next, whatever was written before, but for how much. */
function written(rows: (length: number) => readonly (readonly [token: number, probability: number])[]) {
  let length = 0;
  const state = (count: number) => ({
    "state.x": { dtype: "float32" as const, shape: [count, 1], data: new Float32Array(count) },
  });
  return {
    encode: async () => ({ memory: {}, state: state(1), rows: 1 }),
    step: async (_: unknown, __: unknown, ___: unknown, previous: Int32Array) => {
      const next = [...rows(length++)].sort(([, a], [, b]) => b - a);
      return {
        tokens: Int32Array.from(
          { length: previous.length * next.length },
          (_, at) => next[at % next.length]![0],
        ),
        logProbabilities: Float32Array.from({ length: previous.length * next.length }, (_, at) =>
          Math.log(next[at % next.length]![1]),
        ),
        width: next.length,
        state: state(previous.length),
      };
    },
  } as unknown as Decoder;
}

test.each([1, 2, 3, 5])(
  "a sure sentence is not given up for unlikely ends that are among the candidates of a beam of %i",
  async (width) => {
    const sentence = [5, 6, 7, 5, 6, 7, 5, 6, 7, 5, 6];
    // At every step the end is second, far behind.
    const decoder = written((length) =>
      length < sentence.length
        ? [
            [sentence[length]!, 0.97],
            [END, 0.02],
            [8, 0.006],
            [9, 0.003],
            [10, 0.0007],
            [11, 0.0003],
          ]
        : [
            [END, 0.99],
            [8, 0.006],
            [9, 0.002],
            [10, 0.001],
            [11, 0.0006],
            [12, 0.0004],
          ],
    );
    const [found] = await decodeByBeam(decoder, {}, {}, { longest: 29, width });
    expect(found![0]!.tokens).toEqual(sentence);
    expect(beamScore(found![0]!)).toBeCloseTo((11 * Math.log(0.97) + Math.log(0.99)) / 12, 5);
  },
);
