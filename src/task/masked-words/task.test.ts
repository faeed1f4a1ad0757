import { describe, expect, test } from "vitest";
import { normals, parametersOf, runOnce } from "../../../test/run.js";
import { gradient } from "../../autodiff/index.js";
import { END, START, UNKNOWN } from "../../core/index.js";
import { datasets, Passage, Passages } from "../../data/index.js";
import { bert } from "../../models/index.js";
import { Mode, Scope } from "../../nn/index.js";
import { input } from "../../ops/index.js";
import { maskedWords } from "./task.js";

const passages = [
  Passage.of("the key near the doors is old . the key is red .".split(" ")),
  Passage.of("ana lives in peru .  she is glad .".split(/ +/)),
  Passage.of(["one", "two", "three", "four", "five"]),
];
const prepared = maskedWords.prepare({ train: passages, validation: [], tests: {} }, { vocabulary: {} });
const { words } = prepared;
const mask = words.segment(["<mask>"]).tokens[0]!;
const tokensOf = (text: string) => words.segment(text.split(" ")).tokens;
const column = ({ shape, data }: { shape: readonly number[]; data: ArrayLike<number> }, at: number) =>
  Array.from({ length: shape[0]! }, (_, row) => data[row * shape[1]! + at]!);

describe("training", () => {
  const drawn = (step: number) =>
    maskedWords.collate(passages, prepared, { kind: "train", seed: 5, step, targets: 1, augment: [] });

  test("masks words by (seed, step), 15 of 100 but at least one, and most of them", async () => {
    expect(await drawn(3)).toEqual(await drawn(3));
    let [guesses, masked, kept] = [0, 0, 0];
    for (let step = 0; step < 60; step++) {
      const { values, decisions } = await drawn(step);
      for (let example = 0; example < 3; example++) {
        const answers = column(values.answers!, example).filter((answer) => answer > 0);
        expect(decisions[example]).toBe(answers.length + 1);
        expect(answers.every((answer) => answer > UNKNOWN)).toBe(true);
        const source = column(values.source!, example);
        answers.forEach((answer, index) => {
          const read = source[column(values.masked!, example)[index]!];
          guesses++;
          if (read === mask) masked++;
          if (read === answer) kept++;
        });
      }
    }
    expect(masked / guesses).toBeGreaterThan(0.72);
    expect(masked / guesses).toBeLessThan(0.88);
    expect(kept / guesses).toBeGreaterThan(0.04);
    expect(kept / guesses).toBeLessThan(0.2);
  });

  test("puts two texts between marks, of which half follow", async () => {
    const followed: number[] = [];
    for (let step = 0; step < 40; step++) {
      const { values } = await drawn(step);
      const source = column(values.source!, 0);
      expect(source[0]).toBe(START);
      expect(source.filter((token) => token === END)).toHaveLength(2);
      const segments = column(values.segments!, 0);
      expect(segments.indexOf(1)).toBe(source.indexOf(END) + 1);
      followed.push(values.following!.data[0]!);
      expect(values.paired!.data[0]).toBe(1);
    }
    const share = followed.reduce((a, b) => a + b) / followed.length;
    expect(share).toBeGreaterThan(0.25);
    expect(share).toBeLessThan(0.75);
  });

  test("a text that follows nothing is of another passage of the batch, not one of the few that scoring keeps", async () => {
    // What scoring keeps holds none of these words.
    const few = { ...prepared, others: [["door", "door"]] };
    const lengths = new Map<number, number>();
    for (let step = 0; step < 90; step++) {
      const use = { kind: "train", seed: 3, step, targets: 1, augment: [] } as const;
      const { values } = await maskedWords.collate(passages, few, use);
      if (values.following!.data[0] === 1) continue;
      const second = column(values.segments!, 0).filter((segment) => segment === 1).length - 1;
      lengths.set(second, (lengths.get(second) ?? 0) + 1);
    }
    // "she is glad ." and "four five".
    expect([...lengths.keys()].sort()).toEqual([2, 4]);
    const [first, other] = [...lengths.values()] as [number, number];
    expect(Math.min(first, other) / (first + other)).toBeGreaterThan(0.25);
  });
});

test("of a text that follows nothing no word is asked that another text decides, but as many are masked", async () => {
  const said = "ana lives in peru . in peru she is glad .".split(" ");
  const governors = said.map((_, index) => ({ 6: 3, 7: 0 })[index] ?? -1);
  for (const known of [true, false]) {
    const passage = known ? new Passages().add(said, { governors }) : Passage.of(said);
    // What is masked, and asked, of second texts that follow and of those that do not.
    const masked = { follows: 0, not: 0 };
    const asked = { follows: 0, not: 0 };
    const texts = { follows: 0, not: 0 };
    for (let step = 0; step < 300; step++) {
      const use = { kind: "train", seed: 7, step, targets: 1, augment: [] } as const;
      const { values, decisions } = await maskedWords.collate([passage], prepared, use);
      const kind = values.following!.data[0] === 1 ? "follows" : "not";
      texts[kind]++;
      const answers = column(values.answers!, 0);
      column(values.masked!, 0).forEach((place, row) => {
        if (values.segments!.data[place] !== 1) return;
        masked[kind]++;
        if (answers[row]! > 0) asked[kind]++;
      });
      expect(decisions).toEqual([answers.filter((answer) => answer > 0).length + 1]);
    }
    expect(asked.follows).toBe(masked.follows);
    expect(asked.not).toBe(known ? 0 : masked.not);
    expect(masked.follows / texts.follows).toBeGreaterThan(0.3);
    expect(masked.not / texts.not).toBeGreaterThan(0.3);
  }
});

test("what is asked of a long text is a word that is read of it and known", async () => {
  const { longest } = prepared;
  const known = "the key is old near red doors".split(" ");
  for (let start = 0; start < 23; start++) {
    const long = Array.from({ length: 3 * longest }, (_, index) =>
      index % 3 === 0 ? "unheard" : known[(start + index) % known.length]!,
    );
    const { values } = await maskedWords.collate([Passage.of(long)], prepared, { kind: "ask" });
    const [place] = column(values.masked!, 0);
    expect(values.source!.data[place!]).toBe(mask);
    expect(long[place! - 1]).not.toBe("unheard");
  }
});

test("a text with blanks is read with them masked, and filled", async () => {
  const passage = maskedWords.example({ text: "The key _ the doors / she _ glad" }, prepared, undefined);
  const { values } = await maskedWords.collate([passage], prepared, { kind: "ask" });
  const read = column(values.source!, 0);
  expect(read).toEqual([
    START,
    ...tokensOf("the key"),
    mask,
    ...tokensOf("the doors"),
    END,
    ...tokensOf("she"),
    mask,
    ...tokensOf("glad"),
    END,
  ]);
  expect(column(values.masked!, 0)).toEqual([3, 8]);
  const V = words.size;
  const [near, is] = tokensOf("near is") as [number, number];
  const logits = new Float32Array(2 * V);
  logits[near] = 9;
  logits[V + is] = 9;
  const guessed = maskedWords.read!(
    {
      logits: { dtype: "float32", shape: [2, V], data: logits },
      follows: { dtype: "float32", shape: [], data: Float32Array.of(0) },
    },
    passage,
    prepared,
  );
  const shown = await maskedWords.show(passage, guessed, prepared, { model: {} });
  expect(shown.output).toBe("the key near the doors / she is glad");
  expect(shown.decisions).toEqual(["near", "is"]);
  expect(() => maskedWords.example({ text: "no blank here" }, prepared, undefined)).toThrow(
    '"no blank here" has no blank',
  );
});

test("of generated passages each word that is decided stands behind or before what decides it", async () => {
  const data = await datasets.find(({ id }) => id === "agreement")!.load(1);
  for (const { words: said, governors } of data.tests.test!.slice(0, 50) as Passage[]) {
    expect(governors).toHaveLength(said.length);
    governors!.forEach((governor, index) => {
      if (governor < 0) return;
      expect(governor).not.toBe(index);
      if (said[index] === "is" || said[index] === "are")
        expect(/s$|^children$|^mice$/.test(said[governor]!)).toBe(said[index] === "are");
      if (said[index] === "she") expect(["ben", "leo", "max", "tom"]).not.toContain(said[governor]);
      if (said[index] === "paris") expect(said[governor]).toBe("france");
    });
  }
});

describe("the model", () => {
  const scope = Scope.root("float64");
  const sizes = { words: words.size, longest: prepared.longest };
  const options = bert.configuration.parse({ features: 6, inner: 5, heads: 3, layers: 1, dropout: 0 });
  const model = bert.build(scope, options, sizes);
  const parameters = Object.fromEntries(
    Object.entries(parametersOf(scope)).map(([name, value]) => {
      const { data, ...rest } = normals(name, value.shape);
      return [name, { ...rest, data: (data as Float64Array).map((x) => 0.5 * x) }];
    }),
  );
  const doubled = <Value extends { dtype: string; data: ArrayLike<number> }>(value: Value) =>
    value.dtype === "float32"
      ? { ...value, dtype: "float64" as const, data: Float64Array.from(value.data) }
      : value;
  const tensors = {
    ...maskedWords.inputs(sizes),
    answers: input("answers", "int32", ["guesses", "batch"]),
    following: input("following", "float64", ["batch"]),
    paired: input("paired", "float64", ["batch"]),
  };
  const objective = model.objective(tensors, Mode.plain({ dtype: "float64" }));
  const scoredValues = async (some: readonly Passage[]) => {
    const { values } = await maskedWords.collate(some, prepared, { kind: "score" });
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, doubled(value)]));
  };

  test("gives every example the same, whatever stands beside it", async () => {
    const together = await runOnce(
      { losses: objective.losses },
      { ...parameters, ...(await scoredValues(passages)) },
    );
    const columns = passages.length;
    for (const [index, passage] of passages.entries()) {
      const alone = await runOnce(
        { losses: objective.losses },
        { ...parameters, ...(await scoredValues([passage])) },
      );
      const sum = (data: ArrayLike<number>) => Array.from(data).reduce((a, b) => a + b, 0);
      const rows = together.losses!.shape[0]!;
      const own = Array.from({ length: rows }, (_, row) => together.losses!.data[row * columns + index]!);
      expect(sum(own)).toBeCloseTo(sum(alone.losses!.data), 9);
    }
  });

  test("has gradients that agree with finite differences", async () => {
    const names = scope.parameters.map(({ name }) => name);
    const slopes = gradient(
      objective.loss,
      scope.parameters.map(({ tensor }) => tensor),
    );
    const program = {
      loss: objective.loss,
      ...Object.fromEntries(slopes.map((slope, index) => [names[index]!, slope])),
    };
    const values = await scoredValues(passages.slice(0, 2));
    const run = (changed: typeof parameters) => runOnce(program, { ...changed, ...values } as never);
    const found = await run(parameters);
    for (const name of names) {
      const value = parameters[name]!;
      const index =
        name === "words.table" ? mask * 6 + 1 : name === "place.position" ? 7 : value.data.length >> 1;
      const moved = async (by: number) => {
        const data = (value.data as Float64Array).slice();
        data[index]! += by;
        return (await run({ ...parameters, [name]: { ...value, data } })).loss!.data[0]!;
      };
      expect(found[name]!.data[index], name).toBeCloseTo(
        ((await moved(1e-5)) - (await moved(-1e-5))) / 2e-5,
        5,
      );
    }
  });
});

test("a batch in which nothing is asked has a loss", async () => {
  const scope = Scope.root("float64");
  const sizes = { words: words.size, longest: prepared.longest };
  const model = bert.build(scope, bert.configuration.parse({ features: 6, inner: 5, heads: 3 }), sizes);
  const integers = (rows: number, ...data: number[]) => ({
    dtype: "int32" as const,
    shape: [rows, 1],
    data: Int32Array.from(data),
  });
  const flag = { dtype: "float64" as const, shape: [1], data: Float64Array.of(1) };
  const tensors = {
    ...maskedWords.inputs(sizes),
    answers: input("answers", "int32", ["guesses", "batch"]),
    following: input("following", "float64", ["batch"]),
    paired: input("paired", "float64", ["batch"]),
  };
  const { loss } = await runOnce(
    { loss: model.objective(tensors, Mode.plain({ dtype: "float64" })).loss },
    {
      ...parametersOf(scope),
      source: integers(3, START, mask, END),
      segments: integers(3, 0, 0, 0),
      masked: integers(1, 1),
      answers: integers(1, 0),
      following: flag,
      paired: flag,
    },
  );
  expect(loss!.data[0]).toBeGreaterThan(0);
});
