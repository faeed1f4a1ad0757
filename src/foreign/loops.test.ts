import { expect, test } from "vitest";
import { floats, GraphMaker, wholes } from "../../test/foreign-graphs.js";
import { Random } from "../core/index.js";
import { ELEMENT, encodeModel, type ModelProto } from "../onnx/index.js";
import { openOnnx } from "../session/node.js";
import { openGraph } from "./graph.js";
import { ForeignModel } from "./model.js";
import { numbersOf } from "./value.js";

// A decoder that attends to annotations [S, F] at each of T steps, its state what it read: in a `Scan`, and in a `Loop`.

const [T, S, F] = [3, 5, 2] as const;

const drawn = (name: string, count: number): Float32Array => {
  const data = new Float32Array(count);
  new Random(5, name).fill("normal", data);
  return data;
};
const [ANNOTATIONS, WORDS] = [drawn("annotations", S * F), drawn("words", T * F)];

const shaped = (name: string, elemType: number, ...dims: number[]) => ({
  name,
  type: { tensorType: { elemType, shape: { dim: dims.map((dimValue) => ({ dimValue })) } } },
});

/** One step: weights = softmax((state + word) annotationsᵀ), the next state what is read. */
function step(maker: GraphMaker, word: string): void {
  const query = maker.node("Add", ["state", word]);
  const scores = maker.node("MatMul", [query, "turned"]);
  const weights = maker.node("Softmax", [scores], { axis: 1 }, "/decoder/attention/Softmax");
  const read = maker.node("MatMul", [weights, "annotations"]);
  for (const name of ["next", "given"])
    maker.nodes.push({ opType: "Identity", input: [read], output: [name], attribute: [] });
}

const inputs = [
  ["annotations", ELEMENT.float32, [S, F]],
  ["words", ELEMENT.float32, [T, 1, F]],
] as const;

function scanned(): ModelProto {
  const [maker, inner] = [new GraphMaker(), new GraphMaker()];
  step(inner, "word");
  const body = {
    ...inner.model([], []).graph,
    name: "body",
    input: [shaped("state", ELEMENT.float32, 1, F), shaped("word", ELEMENT.float32, 1, F)],
    output: [shaped("next", ELEMENT.float32, 1, F), shaped("given", ELEMENT.float32, 1, F)],
  };
  maker.nodes.push({
    opType: "Transpose",
    input: ["annotations"],
    output: ["turned"],
    attribute: [],
  });
  const first = maker.store(floats("first", [1, F], [0, 0]));
  maker.node("Scan", [first, "words"], { body, num_scan_inputs: 1 }, "/decoder/Scan", 2);
  maker.nodes.push({ opType: "Identity", input: ["/decoder/Scan_1"], output: ["y"], attribute: [] });
  return maker.model(inputs, [["y", ELEMENT.float32]]);
}

function looped(): ModelProto {
  const [maker, inner] = [new GraphMaker(), new GraphMaker()];
  const word = inner.node("Gather", ["words", "turn"]);
  step(inner, word);
  inner.nodes.push({ opType: "Identity", input: ["going"], output: ["goes_on"], attribute: [] });
  const body = {
    ...inner.model([], []).graph,
    name: "body",
    input: [
      shaped("turn", ELEMENT.int64),
      shaped("going", ELEMENT.bool),
      shaped("state", ELEMENT.float32, 1, F),
    ],
    output: [
      shaped("goes_on", ELEMENT.bool),
      shaped("next", ELEMENT.float32, 1, F),
      shaped("given", ELEMENT.float32, 1, F),
    ],
  };
  maker.nodes.push({ opType: "Transpose", input: ["annotations"], output: ["turned"], attribute: [] });
  const first = maker.store(floats("first", [1, F], [0, 0]));
  const yes = maker.store({ name: "yes", dims: [], dataType: ELEMENT.bool, rawData: Uint8Array.of(1) });
  maker.node("Loop", [maker.store(wholes("count", [], [T])), yes, first], { body }, "/decoder/Loop", 2);
  maker.nodes.push({ opType: "Identity", input: ["/decoder/Loop_1"], output: ["y"], attribute: [] });
  return maker.model(inputs, [["y", ELEMENT.float32]]);
}

/** The same in plain arithmetic. @param force weights of a step instead of its own */
function byHand(force: (turn: number, weights: number[]) => number[] = (_, weights) => weights) {
  let state: number[] = new Array(F).fill(0);
  const [rows, given]: [number[][], number[]] = [[], []];
  for (let turn = 0; turn < T; turn++) {
    const query = state.map((one, at) => one + WORDS[turn * F + at]!);
    const powers = Array.from({ length: S }, (_, place) =>
      Math.exp(query.reduce((sum, one, at) => sum + one * ANNOTATIONS[place * F + at]!, 0)),
    );
    const sum = powers.reduce((a, b) => a + b);
    const weights = force(
      turn,
      powers.map((one) => one / sum),
    );
    rows.push(weights);
    state = state.map((_, at) =>
      weights.reduce((all, weight, place) => all + weight * ANNOTATIONS[place * F + at]!, 0),
    );
    given.push(...state);
  }
  return { rows, given };
}

function expectClose(found: ArrayLike<number>, wanted: readonly number[]): void {
  expect(found).toHaveLength(wanted.length);
  wanted.forEach((one, index) => {
    expect(found[index]).toBeCloseTo(one, 5);
  });
}

test.each([
  ["Scan", scanned],
  ["Loop", looped],
])("attention inside of a %s is handed out step by step, and forced", async (_, make) => {
  const bytes = encodeModel(make());
  const graph = openGraph(bytes, "loop.onnx");
  const file = new ForeignModel(graph, openOnnx);
  expect(file.attentions.map(({ node }) => node)).toEqual(["/decoder/attention/Softmax"]);
  const feeds = {
    annotations: { dtype: "float32", shape: [S, F], data: ANNOTATIONS },
    words: { dtype: "float32", shape: [T, 1, F], data: WORDS },
  };
  const { rows, given } = byHand();
  expectClose(numbersOf((await file.outputsOf(feeds)).y!), given);
  const [weights] = await file.weightsOf(feeds);
  expect([weights!.rows, weights!.heads, weights!.places]).toEqual([T, 1, S]);
  for (const [turn, row] of rows.entries())
    expectClose(
      row.map((__, place) => weights!.data[weights!.at(turn, 0, place)]!),
      row,
    );
  // What is forced at one step changes those after it.
  const other = [0, 0, 1, 0, 0];
  const forced = await file.forced(feeds, new Map([[0, { rows: new Map([[1, other]]) }]]));
  const wanted = byHand((turn, own) => (turn === 1 ? other : own));
  expectClose(numbersOf(forced.outputs.y!), wanted.given);
  const again = forced.weights[0]!;
  for (const [turn, row] of wanted.rows.entries())
    expectClose(
      row.map((__, place) => again.data[again.at(turn, 0, place)]!),
      row,
    );
  // Silenced, it hands on nothing.
  const silent = await file.forced(feeds, new Map([[0, { silenced: new Set([0]) }]]));
  expectClose(numbersOf(silent.outputs.y!), byHand((__, own) => own.map(() => 0)).given);
  await file.release();
});
