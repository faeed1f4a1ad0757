import { expect, test } from "vitest";
import { BlocksInMemory, memoryOf, Random } from "../../core/index.js";
import { CELLS_OF_BLOCK, type Cells, countCells, ShuffledCells } from "./cells.js";
import { gloveLearner } from "./learner.js";

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

/** Words, contexts and counts, as they are given. */
function counted(window: number, most?: number): [word: number, context: number, count: number][] {
  const cells: [number, number, number][] = [];
  countCells(
    Int32Array.from(TEXT),
    V,
    window,
    (...cell) => cells.push(cell),
    most === undefined ? {} : { most },
  );
  return cells;
}

/** Cells of a stretch of the order. */
function ordered(cells: ShuffledCells, from: number, to: number): [number, number, number][] {
  const found: [number, number, number][] = [];
  cells.visit(from, to, ({ words, contexts, counts }: Cells, start, count) => {
    for (let at = start; at < start + count; at++) found.push([words[at]!, contexts[at]!, counts[at]!]);
  });
  return found;
}

test("cells hold how often words stand together, by 1 / distance, within passages", () => {
  for (const window of [1, 3, 15]) {
    const expected = table(window);
    const cells = counted(window);
    expect(cells).toHaveLength(expected.size);
    // However few places are remembered at a time.
    for (const most of [1, 5, 7]) expect(counted(window, most)).toEqual(cells);
    for (const [word, context, count] of cells)
      expect(count).toBeCloseTo(expected.get(`${word} ${context}`)!, 6);
  }
});

test("an order of many blocks holds each cell once, every order as likely, and any stretch of it can be read", () => {
  const many = 64 * CELLS_OF_BLOCK + 101;
  const store = new BlocksInMemory();
  const cells = new ShuffledCells(store, 3, (onCell) => {
    for (let cell = 0; cell < many; cell++) onCell(cell, -cell, cell / 2);
  });
  expect(cells.length).toBe(many);
  const order = ordered(cells, 0, many);
  expect(order.every(([word, context, count]) => context === -word && count === word / 2)).toBe(true);
  const words = order.map(([word]) => word);
  expect(new Set(words).size).toBe(many);
  expect(ordered(cells, 8_191, 131_073)).toEqual(order.slice(8_191, 131_073));
  expect(ordered(cells, 5, 5)).toEqual([]);
  // Of a random order neither places and words nor neighbours go together: correlations within 5 standard errors of 0.
  const bound = 5 / Math.sqrt(many);
  const correlation = (of: (place: number) => number) => {
    const middle = (many - 1) / 2;
    const variance = (many ** 2 - 1) / 12;
    return (
      words.reduce((sum, word, place) => sum + (word - middle) * (of(place) - middle), 0) / (many * variance)
    );
  };
  expect(Math.abs(correlation((place) => place))).toBeLessThan(bound);
  expect(Math.abs(correlation((place) => words[(place + 1) % many]!))).toBeLessThan(bound);
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
    {
      async *all() {
        yield { text: TEXT.slice(0, 5) };
        yield { text: TEXT.slice(5) };
      },
      tell: (sentence) => told.push(sentence),
      blocks: () => new BlocksInMemory(),
    },
  );
  expect(told[0]).toBe("Counting what stands together: 0 %");
  expect(told.length).toBeGreaterThan(1);
  // The order is the seed's.
  const shuffled = new ShuffledCells(new BlocksInMemory(), 3, (onCell) => {
    for (const cell of counted(3)) onCell(...cell);
  });
  let expected = 0;
  for (const [word, context, count] of ordered(shuffled, 0, shuffled.length)) {
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
