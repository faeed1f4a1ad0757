import { functionsOver, Random } from "../../core/index.js";
import type { Learner, LearnerBatch } from "../contract.js";
import { kernelBytes } from "./kernel.generated.js";

/** What kernels/glove.ts gives, where it is described. */
interface Kernel {
  glove(
    words: number,
    contexts: number,
    logs: number,
    weights: number,
    count: number,
    input: number,
    output: number,
    inputBias: number,
    outputBias: number,
    squares: number,
    size: number,
    rate: number,
  ): number;
}

/** Cells that the kernel is given at a time. */
const GIVEN = 1 << 14;
/** The exponent of equation 9. */
const POWER = 0.75;

export interface GloveOptions {
  /** Numbers of a vector. */
  readonly size: number;
  /** Words on each side that are counted. */
  readonly window: number;
  /** The count from which a cell weighs as much as any. */
  readonly most: number;
}

/** Cells of the table of co-occurrences that are not 0, one after another. */
export interface Cells {
  readonly words: Int32Array;
  readonly contexts: Int32Array;
  readonly counts: Float32Array;
}

/**
 * How often words stand together, those that are d words apart as 1/d of a time (section 4.2), on both sides. It takes memory of the
 * text and of the cells, and of one row: the places of each word are found first, so that its row is counted at once.
 * @param text words, −1 between passages
 * @param vocabulary how many words there are
 * @param onProgress hears which share of the text is counted, every hundredth
 */
export function countCells(
  text: Int32Array,
  vocabulary: number,
  window: number,
  onProgress: (share: number) => void = () => {},
): Cells {
  // Where the places of each word begin among those of all.
  const ends = new Int32Array(vocabulary + 1);
  for (const word of text) if (word >= 0) ends[word + 1]!++;
  for (let word = 0; word < vocabulary; word++) ends[word + 1]! += ends[word]!;
  const places = new Int32Array(ends[vocabulary]!);
  const next = ends.slice(0, vocabulary);
  text.forEach((word, place) => {
    if (word >= 0) places[next[word]!++] = place;
  });
  const row = new Float32Array(vocabulary);
  const touched = new Int32Array(vocabulary);
  let [words, contexts, counts] = [new Int32Array(1024), new Int32Array(1024), new Float32Array(1024)];
  let used = 0;
  let told = 0;
  for (let word = 0; word < vocabulary; word++) {
    if (ends[word]! >= told * places.length) {
      onProgress(ends[word]! / places.length);
      told = ends[word]! / places.length + 0.01;
    }
    let many = 0;
    for (let index = ends[word]!; index < ends[word + 1]!; index++) {
      const place = places[index]!;
      for (const direction of [-1, 1])
        for (let apart = 1; apart <= window; apart++) {
          const other = text[place + direction * apart];
          if (other === undefined || other < 0) break;
          if (row[other] === 0) touched[many++] = other;
          row[other]! += 1 / apart;
        }
    }
    if (used + many > words.length) {
      const room = Math.max(used + many, Math.ceil(words.length * 1.5));
      const grown = <Kind extends Int32Array | Float32Array>(from: Kind, to: Kind): Kind => {
        to.set(from.subarray(0, used));
        return to;
      };
      words = grown(words, new Int32Array(room));
      contexts = grown(contexts, new Int32Array(room));
      counts = grown(counts, new Float32Array(room));
    }
    for (const other of touched.subarray(0, many)) {
      words[used] = word;
      contexts[used] = other;
      counts[used++] = row[other]!;
      row[other] = 0;
    }
  }
  return {
    words: words.subarray(0, used),
    contexts: contexts.subarray(0, used),
    counts: counts.subarray(0, used),
  };
}

/** Cells in an order that the seed gives, in place (Fisher & Yates). */
function shuffle({ words, contexts, counts }: Cells, random: Random): void {
  const drawn = new Float64Array(4096);
  for (let last = words.length - 1, at = drawn.length; last > 0; last--) {
    if (at === drawn.length) {
      random.fill("uniform", drawn);
      at = 0;
    }
    const other = Math.floor(drawn[at++]! * (last + 1));
    for (const array of [words, contexts, counts]) {
      const value = array[last]!;
      array[last] = array[other]!;
      array[other] = value;
    }
  }
}

async function textOf(all: AsyncIterable<LearnerBatch>): Promise<Int32Array> {
  const parts: Int32Array[] = [];
  for await (const { text } of all) parts.push(Int32Array.from(text!));
  const whole = new Int32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * GloVe's training: the cells of the table one after another, in one order for all passes.
 * @param vocabulary how many words there are
 * @param tables names of the parameters
 */
export function gloveLearner(
  vocabulary: number,
  { size, window, most }: GloveOptions,
  tables: Readonly<Record<"input" | "output" | "inputBias" | "outputBias", string>>,
): Learner {
  const part = 4 * GIVEN;
  return {
    optimizer: "adagrad",
    workspace: 4 * part,
    async begin({ memory, parameters, remembered, workspace }, seed, all, tell) {
      const kernel = functionsOver<Kernel>(kernelBytes, memory);
      const cells = countCells(await textOf(all()), vocabulary, window, (share) =>
        tell(`Counting what stands together: ${Math.floor(100 * share)} %`),
      );
      shuffle(cells, new Random(seed, "cells"));
      const address = (index: number) => workspace + index * part;
      const words = new Int32Array(memory.buffer, address(0), GIVEN);
      const contexts = new Int32Array(memory.buffer, address(1), GIVEN);
      const logs = new Float32Array(memory.buffer, address(2), GIVEN);
      const weights = new Float32Array(memory.buffer, address(3), GIVEN);
      const [input, output, inputBias, outputBias] = (
        ["input", "output", "inputBias", "outputBias"] as const
      ).map((name) => parameters[tables[name]]!.byteOffset) as [number, number, number, number];
      return ({ step, stepsPerEpoch, learningRate }) => {
        const bound = (turn: number) => Math.floor((turn / stepsPerEpoch) * cells.words.length);
        const turn = step % stepsPerEpoch;
        const [from, to] = [bound(turn), bound(turn + 1)];
        let loss = 0;
        for (let start = from; start < to; start += GIVEN) {
          const count = Math.min(GIVEN, to - start);
          words.set(cells.words.subarray(start, start + count));
          contexts.set(cells.contexts.subarray(start, start + count));
          for (let cell = 0; cell < count; cell++) {
            const often = cells.counts[start + cell]!;
            logs[cell] = Math.log(often);
            weights[cell] = Math.min(1, (often / most) ** POWER);
          }
          loss += kernel.glove(
            address(0),
            address(1),
            address(2),
            address(3),
            count,
            input,
            output,
            inputBias,
            outputBias,
            remembered[0]!,
            size,
            learningRate,
          );
        }
        return { loss, decisions: to - from };
      };
    },
  };
}
