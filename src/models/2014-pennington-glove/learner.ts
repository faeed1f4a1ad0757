import { functionsOver } from "../../core/index.js";
import type { Learner, LearnerBatch } from "../contract.js";
import { BLOCK_BYTES, CELLS_OF_BLOCK, countCells, ShuffledCells } from "./cells.js";
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

/** The text of all examples in one: its length is found first, so that it is held once. */
async function textOf(all: () => AsyncIterable<LearnerBatch>): Promise<Int32Array> {
  let length = 0;
  for await (const { text } of all()) length += text!.length;
  const whole = new Int32Array(length);
  let at = 0;
  for await (const { text } of all()) {
    whole.set(text!, at);
    at += text!.length;
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
  const part = 4 * CELLS_OF_BLOCK;
  return {
    optimizer: "adagrad",
    workspace: 4 * part,
    async begin({ memory, parameters, remembered, workspace }, seed, { all, tell, blocks }) {
      const kernel = functionsOver<Kernel>(kernelBytes, memory);
      const text = await textOf(all);
      const cells = new ShuffledCells(blocks(BLOCK_BYTES), seed, (onCell) =>
        countCells(text, vocabulary, window, onCell, {
          onProgress: (share) => tell(`Counting what stands together: ${Math.floor(100 * share)} %`),
        }),
      );
      const address = (index: number) => workspace + index * part;
      const words = new Int32Array(memory.buffer, address(0), CELLS_OF_BLOCK);
      const contexts = new Int32Array(memory.buffer, address(1), CELLS_OF_BLOCK);
      const logs = new Float32Array(memory.buffer, address(2), CELLS_OF_BLOCK);
      const weights = new Float32Array(memory.buffer, address(3), CELLS_OF_BLOCK);
      const [input, output, inputBias, outputBias] = (
        ["input", "output", "inputBias", "outputBias"] as const
      ).map((name) => parameters[tables[name]]!.byteOffset) as [number, number, number, number];
      return ({ step, stepsPerEpoch, learningRate }) => {
        const bound = (turn: number) => Math.floor((turn / stepsPerEpoch) * cells.length);
        const turn = step % stepsPerEpoch;
        const [from, to] = [bound(turn), bound(turn + 1)];
        let loss = 0;
        cells.visit(from, to, (block, start, count) => {
          words.set(block.words.subarray(start, start + count));
          contexts.set(block.contexts.subarray(start, start + count));
          for (let cell = 0; cell < count; cell++) {
            const often = block.counts[start + cell]!;
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
        });
        return { loss, decisions: to - from };
      };
    },
  };
}
