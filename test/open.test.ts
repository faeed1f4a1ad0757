import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decodeTrace, rowOf, type TraceLook } from "../src/attention/index.js";
import { openTokenizer } from "../src/data/index.js";
import {
  absencesOf,
  ForeignModel,
  findAttention,
  foreignValue,
  namesOf,
  numbersOf,
  openGraph,
} from "../src/foreign/index.js";
import { ELEMENT, encodeModel } from "../src/onnx/index.js";
import {
  ABLATION_LOOK,
  EFFECT_LOOK,
  ForeignSubject,
  INPUT_SALIENCE_LOOK,
  SALIENCE_LOOK,
} from "../src/service/index.js";
import { openOnnx } from "../src/session/node.js";
import { regard } from "./command.js";
import {
  encoder,
  encoderByHand,
  encoderBytes,
  floats,
  GraphMaker,
  HEADS,
  LAYERS,
  PIECES,
  wholes,
} from "./foreign-graphs.js";

// A file that nobody prepared: its attention is found, shown as it is, forced and explained, and nothing else changes.

const IDS = [2, 5, 6, 9, 10, 11, 3];
const LENGTH = IDS.length;
const ONES = IDS.map(() => 1);
const vocabulary = new TextEncoder().encode(`${PIECES.join("\n")}\n`);
const tokenizer = openTokenizer(vocabulary, "vocab.txt");
const subject = ForeignSubject.open(encoderBytes(), "theirs.onnx", openOnnx, { tokenizer });
let folder: string;
let file: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-open-"));
  file = join(folder, "theirs.onnx");
  await writeFile(file, encoderBytes());
  await writeFile(join(folder, "vocab.txt"), vocabulary);
});

afterAll(async () => {
  await subject.release();
  await rm(folder, { recursive: true });
});

const byName = (looks: readonly TraceLook[], name: string): TraceLook =>
  looks.find((look) => look.name === name)!;
const numbers = (text: string): number[] => text.replace(", …", "").split(", ").map(Number);

function expectRow(row: ArrayLike<number>, wanted: readonly number[], digits = 5): void {
  expect(row).toHaveLength(wanted.length);
  wanted.forEach((value, index) => {
    expect(row[index]).toBeCloseTo(value, digits);
  });
}

test("what a file reads, gives and attends to is listed from its graph", () => {
  expect(subject.about).toEqual({
    file: "theirs.onnx",
    producer: "somebody",
    nodes: encoder().graph.node.length,
    inputs: [
      { name: "input_ids", type: "int64", shape: "[batch, length]", filled: "tokens, cut from a text" },
      { name: "attention_mask", type: "int64", shape: "[batch, length]", filled: "1 for every token" },
    ],
    outputs: ["hidden", "pooled", "shares"].map((name) => ({ name, type: "float32", shape: "of any shape" })),
    attention: [0, 1].map((layer) => ({
      name: `layer.${layer}`,
      node: `/encoder/layer.${layer}/attention/self/Softmax`,
      value: `/encoder/layer.${layer}/attention/self/Softmax_out`,
    })),
  });
});

test("weights are those of the network, by hand to 1e-5", async () => {
  const { trace, blocks } = await subject.ask({ input_ids: "I love unlikely" });
  const { looks, places } = decodeTrace(trace);
  expect(places).toEqual({
    tokens: { kind: "tokens", labels: ["[CLS]", "i", "love", "un", "##like", "##ly", "[SEP]"] },
  });
  const byHand = encoderByHand(IDS, ONES);
  for (let layer = 0; layer < LAYERS; layer++) {
    const look = byName(looks, `layer.${layer}`);
    expect(look.shape).toEqual([LENGTH, HEADS, LENGTH]);
    for (let head = 0; head < HEADS; head++)
      for (let row = 0; row < LENGTH; row++)
        expectRow(rowOf(look, row, head), byHand.weights[layer]![head]![row]!);
  }
  expectRow(numbers((blocks[1] as { text: string }).text), byHand.pooled, 3);
  const most = Math.max(...byHand.shares);
  expect((blocks[2] as unknown as { items: { label: string; probability: number }[] }).items[0]).toEqual({
    label: String(byHand.shares.indexOf(most)),
    probability: expect.closeTo(most, 5),
  });
});

test("outputs are the file's own to the bit, whatever is looked at before", async () => {
  const bytes = encoderBytes();
  const model = new ForeignModel(openGraph(bytes, "theirs.onnx"), openOnnx);
  const plain = await openOnnx(bytes);
  const feeds = {
    input_ids: { dtype: "int64", shape: [1, LENGTH], data: BigInt64Array.from(IDS, BigInt) },
    attention_mask: { dtype: "int64", shape: [1, LENGTH], data: BigInt64Array.from(ONES, BigInt) },
  };
  await model.weightsOf(feeds);
  await model.forced(feeds, new Map([[0, { silenced: new Set([1]) }]]));
  expect(await model.outputsOf(feeds)).toEqual(await plain.run(feeds));
  // Forcing nothing changes nothing but how operations are joined.
  const { outputs } = await model.forced(feeds, new Map());
  expectRow(numbersOf(outputs.hidden!), Array.from(numbersOf((await plain.run(feeds)).hidden!)), 6);
  await plain.release();
  await model.release();
});

test("weights that are forced are what everything after them is computed from", async () => {
  const row = [0, 0, 1, 0, 0, 0, 0];
  const { trace, blocks } = await subject.ask({ input_ids: IDS }, { looks: { "layer.0": { 1: row } } });
  const byHand = encoderByHand(IDS, ONES, (weights, layer) =>
    layer === 0 ? weights.map((own, at) => (at === 1 ? row : own)) : weights,
  );
  const { looks } = decodeTrace(trace);
  for (const layer of [0, 1])
    for (let head = 0; head < HEADS; head++)
      expectRow(rowOf(byName(looks, `layer.${layer}`), 1, head), byHand.weights[layer]![head]![1]!);
  expectRow(numbers((blocks[1] as { text: string }).text), byHand.pooled, 3);
});

test("each head can be forced by itself, and silenced", async () => {
  const rows = Array.from({ length: HEADS * LENGTH }, (_, index) => ((index * 5) % 7) / 7);
  const forced = await subject.ask(
    { input_ids: IDS },
    { looks: { "layer.1": { 0: rows } }, silenced: { "layer.0": [2] } },
  );
  const byHand = encoderByHand(IDS, ONES, (weights, layer, head) => {
    if (layer === 0) return head === 2 ? weights.map((own) => own.map(() => 0)) : weights;
    return weights.map((own, at) => (at === 0 ? rows.slice(head * LENGTH, (head + 1) * LENGTH) : own));
  });
  expectRow(numbers((forced.blocks[1] as { text: string }).text), byHand.pooled, 3);
});

test("pieces are put together as words, and rollout goes through all layers", async () => {
  const pieces = decodeTrace((await subject.ask({ input_ids: IDS })).trace);
  const words = decodeTrace((await subject.ask({ input_ids: IDS }, { words: true })).trace);
  expect(words.places.words).toEqual({ kind: "tokens", labels: ["[CLS]", "i", "love", "unlikely", "[SEP]"] });
  const [before, after] = [byName(pieces.looks, "layer.1"), byName(words.looks, "layer.1")];
  expect(after.shape).toEqual([5, HEADS, 5]);
  const sum = (row: number) => [3, 4, 5].reduce((all, place) => all + rowOf(before, row, 1)[place]!, 0);
  expect(rowOf(after, 1, 1)[3]).toBeCloseTo(sum(1), 6);
  expect(rowOf(after, 3, 1)[3]).toBeCloseTo((sum(3) + sum(4) + sum(5)) / 3, 6);
  // Abnar & Zuidema 2020: the product of (mean over heads + identity) / 2, later layers to the left.
  const { weights } = encoderByHand(IDS, ONES);
  const mixed = weights.map((heads) =>
    IDS.map((_, row) =>
      IDS.map(
        (__, place) =>
          (heads.reduce((all, own) => all + own[row]![place]!, 0) / HEADS + Number(row === place)) / 2,
      ),
    ),
  );
  const product = IDS.map((_, row) =>
    IDS.map((__, place) =>
      IDS.reduce((all, ___, inner) => all + mixed[1]![row]![inner]! * mixed[0]![inner]![place]!, 0),
    ),
  );
  for (let row = 0; row < LENGTH; row++)
    expectRow(rowOf(byName(pieces.looks, "rollout"), row), product[row]!);
});

test("an output is explained by what is lost without each token, and without each head", async () => {
  const explained = await subject.explain({ input_ids: IDS }, { output: "pooled:2" });
  const { looks } = decodeTrace(explained.trace);
  const pooled = (...given: Parameters<typeof encoderByHand>) => encoderByHand(...given).pooled[2]!;
  const whole = pooled(IDS, ONES);
  expectRow(
    byName(looks, EFFECT_LOOK).data,
    IDS.map(
      (_, place) =>
        whole -
        pooled(
          IDS,
          ONES.map((one, at) => (at === place ? 0 : one)),
        ),
    ),
  );
  const ablation = byName(looks, ABLATION_LOOK);
  expect(ablation.shape).toEqual([LAYERS, 1, HEADS]);
  for (let layer = 0; layer < LAYERS; layer++)
    expectRow(
      rowOf(ablation, layer),
      Array.from(
        { length: HEADS },
        (_, head) =>
          whole -
          pooled(IDS, ONES, (weights, l, h) =>
            l === layer && h === head ? weights.map((row) => row.map(() => 0)) : weights,
          ),
      ),
    );
  expect(explained.measured).toBe("number 2 of pooled");
  expect(explained.without).toBe("once the token is masked");
  // Where nothing is named, the smallest output is explained, here shares of classes.
  const { measured } = await subject.explain({ input_ids: IDS });
  expect(measured).toMatch(/^the likeliest of shares, number \d$/);
});

test("the weights on a token add to an output what its gradient says, and what stands in the way is told", async () => {
  const explained = await subject.explain({ input_ids: IDS }, { output: "pooled:2" });
  const { looks } = decodeTrace(explained.trace);
  expect(explained.noGradient).toBeUndefined();
  // By differences, in double precision: each weight a little more and a little less.
  const { weights } = encoderByHand(IDS, ONES);
  const step = 1e-4;
  const pooled = (at: readonly [layer: number, head: number, row: number, place: number], by: number) =>
    encoderByHand(IDS, ONES, (own, layer, head) =>
      layer === at[0] && head === at[1]
        ? own.map((row, index) =>
            index === at[2] ? row.map((one, place) => (place === at[3] ? one + by : one)) : row,
          )
        : own,
    ).pooled[2]!;
  const added = IDS.map((_, place) => {
    let sum = 0;
    for (let layer = 0; layer < LAYERS; layer++)
      for (let head = 0; head < HEADS; head++)
        IDS.forEach((_, row) => {
          const at = [layer, head, row, place] as const;
          sum += (weights[layer]![head]![row]![place]! * (pooled(at, step) - pooled(at, -step))) / (2 * step);
        });
    return sum;
  });
  expectRow(byName(looks, SALIENCE_LOOK).data, added);
  expect(explained.agreements.map(({ of }) => of)).toContain(SALIENCE_LOOK);
  const whole = await subject.explain({ input_ids: IDS }, { output: "pooled" });
  expect(whole.noGradient).toBe("a gradient is of one number; name one, such as --output pooled:0.");
});

test("what each token is read as, each cell of an image and each number adds its value times the gradient", async () => {
  const step = 1e-5;
  const explained = await subject.explain({ input_ids: IDS }, { output: "pooled:2" });
  const pooled = (at: number, by: number) =>
    encoderByHand(
      IDS,
      ONES,
      (own) => own,
      (vector, place) => (place === at ? vector.map((one) => one * (1 + by)) : vector),
    ).pooled[2]!;
  const added = IDS.map((_, place) => (pooled(place, step) - pooled(place, -step)) / (2 * step));
  expectRow(byName(decodeTrace(explained.trace).looks, INPUT_SALIENCE_LOOK).data, added, 4);

  // tanh(x A) B without attention, whose gradient is known; as numbers, and as whole numbers that nothing is looked up by.
  const [read, hidden, given] = [7, 5, 3];
  const row = (name: string, rows: number, columns: number) =>
    floats(
      name,
      [rows, columns],
      Array.from({ length: rows * columns }, (_, at) => Math.sin(at + name.length)),
    );
  const network = (type: number) => {
    const maker = new GraphMaker();
    const x = type === ELEMENT.float32 ? "values" : maker.node("Cast", ["values"], { to: ELEMENT.float32 });
    const inner = maker.node("Tanh", [maker.node("MatMul", [x, maker.store(row("first", read, hidden))])]);
    const out = maker.node("MatMul", [inner, maker.store(row("second", hidden, given))]);
    return encodeModel(maker.model([["values", type, [1, read]]], [[out, ELEMENT.float32]]));
  };
  const values = [0.3, -0.7, 0.2, 1.1, -0.4, 0.9, -1.3];
  const first = (place: number, unit: number) => Math.sin(place * hidden + unit + 5);
  const slope = (place: number) => {
    let sum = 0;
    for (let unit = 0; unit < hidden; unit++) {
      const inner = Math.tanh(values.reduce((total, value, at) => total + value * first(at, unit), 0));
      sum += first(place, unit) * (1 - inner ** 2) * Math.sin(unit * given + 2 + 6);
    }
    return sum;
  };
  const plain = ForeignSubject.open(network(ELEMENT.float32), "plain.onnx", openOnnx);
  const told = await plain.explain({ values }, { output: `${plain.about.outputs[0]!.name}:2` });
  expectRow(
    byName(decodeTrace(told.trace).looks, INPUT_SALIENCE_LOOK).data,
    values.map((value, place) => value * slope(place)),
  );
  expect(told.agreements.map(({ of }) => of)).toEqual([INPUT_SALIENCE_LOOK]);
  expect(told.verdict).toBeUndefined();
  const whole = ForeignSubject.open(network(ELEMENT.int64), "whole.onnx", openOnnx);
  const untold = await whole.explain(
    { values: [1, 0, 2, -1, 1, 0, 1] },
    { output: `${whole.about.outputs[0]!.name}:2` },
  );
  expect(untold.noGradient).toBe(
    'whole.onnx has no gradient here: "values" is whole numbers that are looked up in no table.',
  );
  await plain.release();
  await whole.release();

  // Which pixels a cell has is told twice: by what is taken away with it, and by what its salience is added up of.
  const [width, height, rows, columns] = [13, 11, 3, 5];
  for (const channelsFirst of [true, false]) {
    const size = channelsFirst ? [1, 3, height, width] : [1, height, width, 3];
    const pixels = Array.from({ length: 3 * width * height }, (_, at) => at * at);
    const feeds = { image: foreignValue("float32", size, pixels) };
    const role = { kind: "image", channelsFirst, channels: 3, size: [height, width] } as const;
    const absences = absencesOf(
      [{ name: "image", dtype: "float32", shape: size, role }],
      { feeds, image: { width, height, data: new Uint8Array() } },
      {},
      [rows, columns],
    );
    for (let place = 0; place < absences.count; place++) {
      const now = numbersOf(absences.feeds(place).image!);
      const changed = pixels.flatMap((value, at) => (now[at] === value ? [] : [at]));
      expect(changed).toEqual(pixels.flatMap((_, at) => (absences.placeOf(at) === place ? [at] : [])));
    }
  }
});

test("what does not fit is said in one sentence", async () => {
  const asked = (fields: Parameters<typeof subject.ask>[0], request = {}) => subject.ask(fields, request);
  await expect(asked({})).rejects.toThrow(
    '"input_ids" takes tokens; give a text together with its tokenizer (--tokenizer tokenizer.json or vocab.txt), or the numbers of tokens.',
  );
  await expect(asked({ input_ids: IDS, words: [1] })).rejects.toThrow(
    'the file has no input "words"; it has "input_ids", "attention_mask".',
  );
  await expect(asked({ input_ids: [1, 2, 99] })).rejects.toThrow(
    /^theirs\.onnx cannot run on this: .*99.*\.$/,
  );
  await expect(asked({ input_ids: IDS }, { looks: { "layer.7": { 0: [1] } } })).rejects.toThrow(
    'the file has no look "layer.7"; it has "layer.0", "layer.1".',
  );
  await expect(asked({ input_ids: IDS }, { looks: { "layer.0": { 0: [1, 2] } } })).rejects.toThrow(
    'look "layer.0" at row 0 has 2 numbers, but takes 7, or 21 of all its heads; give as many.',
  );
  await expect(asked({ input_ids: IDS }, { silenced: { "layer.0": [3] } })).rejects.toThrow(
    'look "layer.0" has 3 heads, so there is none with the number 3.',
  );
  await expect(subject.explain({ input_ids: IDS }, { output: "logits" })).rejects.toThrow(
    'the file gives no numbers called "logits"; name one of "hidden", "pooled", "shares".',
  );
});

/** A graph of one attention, with what comes between its softmax and its sum. */
function attending(
  between: (maker: GraphMaker, weights: string) => string,
  softmax?: (maker: GraphMaker, scores: string) => string,
) {
  const maker = new GraphMaker();
  const scores = maker.node("MatMul", ["x", maker.node("Transpose", ["x"], { perm: [0, 2, 1] })]);
  const weights = softmax ? softmax(maker, scores) : maker.node("Softmax", [scores], { axis: -1 }, "weights");
  maker.nodes.push({ opType: "Identity", input: [between(maker, weights)], output: ["y"], attribute: [] });
  const model = maker.model([["x", ELEMENT.float32, [1, 5, 3]]], [["y", ELEMENT.float32]]);
  return findAttention(openGraph(encodeModel(model), "one.onnx")).map(({ value, axis }) => ({ value, axis }));
}

test("attention is found through what exporters put between weights and sums", () => {
  const sum = (maker: GraphMaker, weights: string) => maker.node("MatMul", [weights, "x"]);
  const found = [{ value: "weights_out", axis: -1 }];
  expect(attending(sum)).toEqual(found);
  expect(
    attending((maker, weights) => {
      const cast = maker.node("Cast", [maker.node("Identity", [weights])], { to: ELEMENT.float16 });
      return sum(maker, maker.node("Dropout", [maker.node("Cast", [cast], { to: ELEMENT.float32 })]));
    }),
  ).toEqual(found);
  // The other way round, over keys that stand first.
  expect(
    attending(
      (maker, weights) =>
        maker.node("MatMul", [maker.node("Transpose", [weights], { perm: [0, 2, 1] }), "x"]),
      (maker, scores) => maker.node("Softmax", [scores], { axis: 1 }, "weights"),
    ),
  ).toEqual([{ value: "weights_out", axis: 1 }]);
  // A softmax of exponentials over their sum, and a sum that is written as a product and a reduction.
  expect(
    attending(
      (maker, weights) => {
        const column = maker.node("Unsqueeze", [weights, maker.store(wholes("last", [1], [3]))]);
        const row = maker.node("Unsqueeze", ["x", maker.store(wholes("first", [1], [1]))]);
        return maker.node(
          "ReduceSum",
          [maker.node("Mul", [column, row]), maker.store(wholes("axis", [1], [2]))],
          { keepdims: 0 },
        );
      },
      (maker, scores) => {
        const powers = maker.node("Exp", [scores]);
        return maker.node(
          "Div",
          [powers, maker.node("ReduceSum", [powers, maker.store(wholes("axes", [1], [-1]))])],
          {},
          "weights",
        );
      },
    ),
  ).toEqual(found);
  // Shares of classes that go into a layer of weights are none.
  const layer = (maker: GraphMaker) => maker.store(floats("layer", [5, 2], new Float32Array(10)));
  expect(
    attending((maker, weights) => maker.node("MatMul", [weights, maker.node("Identity", [layer(maker)])])),
  ).toEqual([]);
  expect(attending((_, weights) => weights)).toEqual([]);
});

test("attentions are named by what tells them apart in the graph", () => {
  expect(namesOf(["/m/encoder/0/attn/Softmax", "/m/decoder/0/self/Softmax"])).toEqual([
    "encoder/0/attn",
    "decoder/0/self",
  ]);
  expect(namesOf(["Softmax_12", "Softmax_40"])).toEqual(["layer 1", "layer 2"]);
  expect(namesOf(["/model/layers.0/Softmax"])).toEqual(["layer 1"]);
});

test("the command line lists, asks, draws and explains", async () => {
  const listed = await regard(["open", file]);
  expect(listed.out).toBe(`theirs.onnx, written by somebody, ${encoder().graph.node.length} nodes
It reads
  input_ids, int64 [batch, length]: tokens, cut from a text
  attention_mask, int64 [batch, length]: 1 for every token
It gives
  hidden, float32 of any shape
  pooled, float32 of any shape
  shares, float32 of any shape
Its attention
  layer.0: /encoder/layer.0/attention/self/Softmax
  layer.1: /encoder/layer.1/attention/self/Softmax
`);
  const picture = join(folder, "heads.svg");
  const seen = await regard([
    "see",
    file,
    "I love unlikely coffees!",
    "--words",
    "--head",
    "layer.1:2",
    "--svg",
    picture,
    "--json",
  ]);
  expect(seen.err).toBe("");
  const { traces } = JSON.parse(seen.out);
  expect(traces.map(({ name }: { name: string }) => name)).toEqual(["layer.0", "layer.1", "rollout"]);
  expect(traces[0].source).toEqual(["[CLS]", "i", "love", "unlikely", "coffees", "!", "[SEP]"]);
  const explained = await regard(["explain", file, "I love coffee", "--output", "pooled", "--json"]);
  const { scores, agreements } = JSON.parse(explained.out);
  expect(Object.keys(scores)).toEqual(["attention", "rollout", "effect", "heads"]);
  expect(agreements.map(({ of }: { of: string }) => of)).toEqual(["attention", "rollout"]);
  const wrong = await regard(["see", file, "I love coffee", "--head", "layer.1:4"]);
  expect(wrong.code).toBe(2);
  expect(wrong.err).toBe(
    "regard: there is no head layer.1:4; there are layer.0:1 to 3, layer.1:1 to 3, rollout:1 to 1.\n",
  );
}, 120_000);

test("the command line tunes a file, and the file that comes out is opened, asked and explained", async () => {
  const table = join(folder, "mine.tsv");
  const lines = ["yes\ti love coffee", "no\ti love", "yes\tcoffee !", "no\tunlikely !"];
  const texts = Array.from(
    { length: 60 },
    (_, index) => `${lines[index % 4]}${" !".repeat(Math.floor(index / 4))}`,
  );
  await writeFile(table, texts.join("\n"));
  const out = join(folder, "tuned.onnx");
  const options = [
    "--data",
    table,
    "--out",
    out,
    "--learning-rate",
    "0.01",
    "--batch",
    "4",
    "--epochs",
    "20",
  ];
  const done = await regard(["tune", file, ...options, "--json"]);
  expect(done.err).toContain("validation texts right");
  const tuned = JSON.parse(done.out);
  expect(tuned.labels).toEqual(["no", "yes"]);
  expect(tuned.validation.accuracy).toBeGreaterThan(0.8);
  expect(tuned.test.texts).toBeGreaterThan(0);
  const seen = await regard(["see", out, "coffee ! !"]);
  expect(seen.out).toContain("regard.classes: yes ");
  const explained = await regard(["explain", out, "i love coffee", "--output", "regard.classes:1", "--json"]);
  expect(Object.keys(JSON.parse(explained.out).scores)).toContain("salience");
  for (const [given, why] of [
    [["--data", table], "name texts and the file to write"],
    [["--data", join(folder, "nothing"), "--out", out], "there is no file or folder"],
    [[...options, "--steps", "3"], "--steps and --epochs are both given; give one of them."],
    [["--data", table, "--out", out, "--epochs", "0"], "--epochs is 0 but must be a number above 0."],
    [["--data", table, "--out", out, "--learning-rate", "-1"], "--learning-rate is -1 but must be above 0."],
    [["--data", folder, "--out", out], "has no train.tsv"],
  ] as const) {
    const { code, err } = await regard(["tune", file, ...given]);
    expect([code, err]).toEqual([2, expect.stringContaining(why)]);
  }
  const { err } = await regard(["train", "--from", file, "--data", table]);
  expect(err).toContain(`regard tune ${file} --data`);
}, 60_000);
