import { expect, test } from "vitest";
import { Random } from "../../../core/index.js";
import { type Asked, drawQuestion, drawSquare, KINDS, questions } from "./index.js";
import { CELL, CELLS, DIRECTIONS, type Direction, QUESTION_SIZE, sideOf } from "./scene.js";

const drawn = (count: number, draw: (random: Random) => Asked): Asked[] =>
  Array.from({ length: count }, (_, index) => draw(new Random(7, "test of questions", index)));

const all = drawn(12_000, (random) => drawQuestion(KINDS, random));

const countedBy = <Item>(items: readonly Item[], of: (item: Item) => string): Map<string, Item[]> => {
  const found = new Map<string, Item[]>();
  for (const item of items) {
    const known = found.get(of(item));
    if (known) known.push(item);
    else found.set(of(item), [item]);
  }
  return found;
};

/** The share of the likeliest answer, told by some part of a question, over all of them. */
const guessed = (items: readonly Asked[], of: (item: Asked) => string): number => {
  let right = 0;
  for (const group of countedBy(items, of).values())
    right += Math.max(...[...countedBy(group, ({ answer }) => answer).values()].map(({ length }) => length));
  return right / items.length;
};

/** Which answer a scene gives to a question: read anew from its words, for truth that the generator does not tell. */
function answerTo({ question, items }: Asked): string {
  const text = question.join(" ");
  const [, shape] = /the (\w+)(?: at the \w+)?$/.exec(text)!;
  const named = items.filter((item) => item.shape === shape);
  expect(named, text).toHaveLength(1);
  const [{ column, row, colour }] = named as [Asked["items"][number]];
  const side = /at the (\w+)$/.exec(text)?.[1];
  if (side) return sideOf({ column, row }) === side ? "yes" : "no";
  const direction = (Object.keys(DIRECTIONS) as Direction[]).find((one) => text.includes(one));
  if (!direction) return colour;
  const [dx, dy] = DIRECTIONS[direction];
  const there = items.filter((item) => {
    const [x, y] = [item.column - column, item.row - row];
    return dx === 0 ? x === 0 && y * dy > 0 : y === 0 && x * dx > 0;
  });
  if (text.startsWith("what")) {
    expect(there, text).toHaveLength(1);
    return there[0]!.colour;
  }
  const asked = /(?:the|a) (red|green|blue|yellow|purple|white) /.exec(text)![1];
  return there.some((item) => item.colour === asked) ? "yes" : "no";
}

test("answers are true of their scenes, in which no two things share a shape, a colour or a cell", () => {
  for (const one of all) {
    expect(answerTo(one)).toBe(one.answer);
    for (const of of [
      ({ shape }: Asked["items"][number]) => shape,
      ({ colour }: Asked["items"][number]) => colour,
      ({ row, column }: Asked["items"][number]) => `${row} ${column}`,
    ])
      expect(new Set(one.items.map(of)).size).toBe(one.items.length);
  }
  for (const one of drawn(1000, drawSquare)) expect(answerTo(one)).toBe(one.answer);
});

test("where one must look holds what is named and what is asked for, inside the image", () => {
  for (const { items, evidence, kind } of all) {
    expect(evidence).toHaveLength(kind === "neighbour" || kind === "relative" ? 2 : 1);
    evidence.forEach((box, index) => {
      const { column, row } = items[index]!;
      const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
      expect([Math.floor(x / CELL), Math.floor(y / CELL)]).toEqual([column, row]);
      expect(box.x >= 0 && box.x + box.width <= QUESTION_SIZE).toBe(true);
      expect(box.y >= 0 && box.y + box.height <= CELLS * CELL).toBe(true);
    });
  }
});

test("the words of a question tell no more than how often each answer is given", () => {
  const of = (kind: string) => all.filter((one) => one.kind === kind);
  const words = ({ question }: Asked) => question.join(" ");
  // Six colours; a direction or a side out of four. Of some dozens of each question the likeliest is above its share by chance.
  for (const [kind, chance] of [
    ["colour", 1 / 6],
    ["neighbour", 1 / 6],
    ["relative", 3 / 4],
    ["absolute", 3 / 4],
  ] as const) {
    expect(of(kind).length).toBeGreaterThan(2700);
    for (const word of ["circle", "left", "right", "above", "below", "top", "bottom", "red", "white"]) {
      const some = of(kind).filter(({ question }) => question.includes(word));
      if (some.length > 300) expect(guessed(some, () => "")).toBeLessThan(chance + 0.06);
    }
    expect(guessed(of(kind), kind === "relative" ? () => "" : words)).toBeLessThan(chance + 0.06);
  }
});

test("of relative positions the things without their places tell nothing: three of four, as without the image", () => {
  const things = ({ items, question }: Asked) =>
    [question.join(" "), ...items.map(({ shape, colour }) => `${colour} ${shape}`).sort()].join(",");
  const squares = drawn(40_000, drawSquare);
  // 80 sets of things and questions, some 500 of each.
  expect(countedBy(squares, things).size).toBe(4 * 4 * 5);
  expect(guessed(squares, things)).toBeCloseTo(0.75, 2);
  expect(guessed(squares, () => "")).toBeCloseTo(0.75, 2);
});

test("an example is a function of seed, split and number, and every word and answer is among those that tell of them", async () => {
  const [one, other] = [await questions[0]!.load(3), await questions[0]!.load(3)];
  const [a, b] = [one.train[17]!, other.train[17]!];
  expect({ ...a, pixels: await a.pixels() }).toEqual({ ...b, pixels: await b.pixels() });
  expect((await questions[0]!.load(4)).train[17]!.question.join()).not.toBe(
    one.validation[17]!.question.join(),
  );
  const known = new Set(one.wording!.flatMap(({ question, answer }) => [...question, answer]));
  for (const { question, answer } of one.tests.test!.slice(0, 500))
    for (const word of [...question, answer]) expect(known.has(word)).toBe(true);
});

test("what is named is drawn in its colour where its box is, and nowhere else", async () => {
  const { tests } = await questions[0]!.load(1);
  const example = tests.test!.find(({ kind, answer }) => kind === "colour" && answer === "red")!;
  const { data, width } = await example.pixels();
  const [box] = example.evidence!;
  let [inside, outside] = [0, 0];
  for (let pixel = 0; pixel < data.length / 3; pixel++) {
    const [red, green, blue] = data.subarray(3 * pixel, 3 * pixel + 3);
    if (!(red! > 150 && green! < 100 && blue! < 100)) continue;
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    if (x >= box!.x - 1 && x <= box!.x + box!.width && y >= box!.y - 1 && y <= box!.y + box!.height) inside++;
    else outside++;
  }
  expect(inside).toBeGreaterThan(8);
  expect(outside).toBe(0);
});
