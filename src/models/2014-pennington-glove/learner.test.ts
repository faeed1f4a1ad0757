import { expect, test } from "vitest";
import { memoryOf, Random } from "../../core/index.js";
import { countCells, gloveLearner } from "./learner.js";

const TEXT = [2, 3, 2, 4, -1, 3, 3, -1, 4, 2, 5, 3, 2, -1];
const V = 7;

/** The table by its definition: all pairs of places of one passage, 1 / distance each. */
function table(window: number): Map<string, number> {
  const found = new Map<string, number>();
  TEXT.forEach((word, a) => {
    TEXT.forEach((other, b) => {
      const between = TEXT.slice(Math.min(a, b), Math.max(a, b));
      if (a === b || word < 0 || other < 0 || between.includes(-1) || Math.abs(a - b) > window) return;
      found.set(`${word} ${other}`, (found.get(`${word} ${other}`) ?? 0) + 1 / Math.abs(a - b));
    });
  });
  return found;
}

test("cells hold how often words stand together, by 1 / distance, within passages", () => {
  for (const window of [1, 3, 15]) {
    const { words, contexts, counts } = countCells(Int32Array.from(TEXT), V, window);
    const expected = table(window);
    expect(words).toHaveLength(expected.size);
    words.forEach((word, cell) => {
      expect(counts[cell]).toBeCloseTo(expected.get(`${word} ${contexts[cell]}`)!, 6);
    });
  }
});

test("a pass changes parameters as AdaGrad in double precision does, whatever the order of cells", async () => {
  const [size, most, rate] = [5, 2, 0.1];
  const learner = gloveLearner(
    V,
    { size, window: 3, most },
    { input: "i", output: "o", inputBias: "p", outputBias: "q" },
  );
  // Four parameters, then as much for their squares.
  const lengths = [V * size, V * size, V, V];
  const numbers = lengths.reduce((a, b) => a + b);
  const place = 16 * Math.ceil((8 * numbers) / 16);
  const memory = memoryOf(place + learner.workspace);
  const flat = new Float32Array(memory.buffer, 0, numbers);
  const random = new Random(2, "first");
  flat.forEach((_, index) => {
    flat[index] = 0.5 * random.normal();
  });
  let at = 0;
  const views = lengths.map((length) => {
    const view = flat.subarray(at, at + length);
    at += length;
    return view;
  });
  const [i, o, p, q] = views.map((view) => Array.from(view)) as [number[], number[], number[], number[]];
  const squares = [i, o, p, q].map((one) => one.map(() => 0)) as [number[], number[], number[], number[]];
  const told: string[] = [];
  const step = await learner.begin(
    {
      memory,
      parameters: { i: views[0]!, o: views[1]!, p: views[2]!, q: views[3]! },
      remembered: [4 * numbers],
      workspace: place,
    },
    3,
    async function* () {
      yield { text: TEXT.slice(0, 5) };
      yield { text: TEXT.slice(5) };
    },
    (sentence) => told.push(sentence),
  );
  expect(told[0]).toBe("Counting what stands together: 0 %");
  expect(told.length).toBeGreaterThan(1);
  // The order is the seed's (Fisher & Yates).
  const cells = countCells(Int32Array.from(TEXT), V, 3);
  const order = new Random(3, "cells");
  const drawn = new Float64Array(4096);
  order.fill("uniform", drawn);
  const shuffled = [...cells.words.keys()];
  for (let last = shuffled.length - 1, index = 0; last > 0; last--, index++) {
    const other = Math.floor(drawn[index]! * (last + 1));
    [shuffled[last], shuffled[other]] = [shuffled[other]!, shuffled[last]!];
  }
  let expected = 0;
  for (const cell of shuffled) {
    const [word, context, count] = [cells.words[cell]!, cells.contexts[cell]!, cells.counts[cell]!];
    const f = Math.min(1, (count / most) ** 0.75);
    let off = p[word]! + q[context]! - Math.log(count);
    for (let d = 0; d < size; d++) off += i[word * size + d]! * o[context * size + d]!;
    expected += 0.5 * f * off * off;
    const move = (values: number[], sums: number[], index: number, g: number) => {
      values[index]! -= g / Math.sqrt(1 + sums[index]!);
      sums[index]! += g * g;
    };
    const by = rate * f * off;
    for (let d = 0; d < size; d++) {
      const [a, b] = [i[word * size + d]!, o[context * size + d]!];
      move(i, squares[0], word * size + d, by * b);
      move(o, squares[1], context * size + d, by * a);
    }
    move(p, squares[2], word, by);
    move(q, squares[3], context, by);
  }
  // Two steps are a pass.
  const losses = [0, 1].map((turn) =>
    step({ batch: {}, step: 4 + turn, stepsPerEpoch: 2, learningRate: rate }),
  );
  expect(losses[0]!.decisions + losses[1]!.decisions).toBe(shuffled.length);
  expect(losses[0]!.loss + losses[1]!.loss).toBeCloseTo(expected, 3);
  [i, o, p, q].forEach((values, which) => {
    values.forEach((value, index) => {
      expect(views[which]![index]).toBeCloseTo(value, 4);
    });
  });
});
