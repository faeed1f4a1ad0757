import { describe, expect, test } from "vitest";
import { floats, GraphMaker } from "../../test/foreign-graphs.js";
import { Random } from "../core/index.js";
import { ELEMENT, encodeModel, type ModelProto } from "../onnx/index.js";
import { openOnnx } from "../session/node.js";
import { openGraph } from "./graph.js";
import { ForeignModel } from "./model.js";
import { numbersOf } from "./value.js";

const [B, S, T, N, D] = [2, 5, 7, 3, 2] as const;
const F = N * D;

const drawn = (name: string, count: number, scale = 1): Float32Array => {
  const data = new Float32Array(count);
  new Random(11, name).fill("normal", data);
  return data.map((one) => scale * one);
};

/** Graphs of one fused node with the values that it is fed. */
interface Case {
  readonly model: ModelProto;
  readonly feeds: Readonly<
    Record<string, { dtype: string; shape: number[]; data: Float32Array | Int32Array | Uint8Array }>
  >;
  /** Which places a row may look at. */
  readonly sees: (example: number, row: number, place: number) => boolean;
  readonly places: number;
}

const float = (name: string, ...shape: number[]) => ({
  dtype: "float32",
  shape,
  data: drawn(
    name,
    shape.reduce((a, b) => a * b, 1),
  ),
});

function built(
  opType: string,
  domain: string,
  inputs: readonly (readonly [name: string, type: number, dims: readonly (number | string)[]])[],
  read: readonly string[],
  attributes: Record<string, number>,
  stored: readonly ReturnType<typeof floats>[] = [],
  opset = 17,
): ModelProto {
  const maker = new GraphMaker();
  for (const tensor of stored) maker.store(tensor);
  // What comes before and after must stay as it is.
  const before = maker.node("Mul", [read[0]!, maker.store(floats("two", [], [2]))]);
  const found = maker.node(opType, [before, ...read.slice(1)], attributes, "/layer.0/attn");
  maker.nodes.at(-1)!.domain = domain;
  maker.nodes.push({ opType: "Tanh", input: [found], output: ["y"], attribute: [] });
  const model = maker.model(inputs, [["y", ELEMENT.float32]], opset);
  if (domain) model.opsetImport.push({ domain, version: 1 });
  if (opset > 20) model.irVersion = 10;
  return model;
}

function expectClose(found: ArrayLike<number>, wanted: ArrayLike<number>): void {
  expect(found).toHaveLength(wanted.length);
  for (let index = 0; index < wanted.length; index++) expect(found[index]).toBeCloseTo(wanted[index]!, 5);
}

const MS = "com.microsoft";
const cases: Readonly<Record<string, () => Case>> = {
  "Attention of ONNX Runtime with a mask": () => {
    const mask = Int32Array.from({ length: B * S }, (_, index) => Number(index !== 4 && index !== 8));
    return {
      model: built(
        "Attention",
        MS,
        [
          ["x", ELEMENT.float32, [B, S, F]],
          ["mask", ELEMENT.int32, [B, S]],
        ],
        ["x", "weights", "bias", "mask"],
        { num_heads: N },
        [
          floats("weights", [F, 3 * F], drawn("w", 3 * F * F, 0.7)),
          floats("bias", [3 * F], drawn("b", 3 * F)),
        ],
      ),
      feeds: { x: float("x", B, S, F), mask: { dtype: "int32", shape: [B, S], data: mask } },
      sees: (example, _, place) => mask[example * S + place] === 1,
      places: S,
    };
  },
  "Attention of ONNX Runtime that looks at nothing later, with lengths": () => ({
    model: built(
      "Attention",
      MS,
      [
        ["x", ELEMENT.float32, [B, S, F]],
        ["lengths", ELEMENT.int32, [B]],
      ],
      ["x", "weights", "bias", "lengths"],
      { num_heads: N, unidirectional: 1 },
      [floats("weights", [F, 3 * F], drawn("w", 3 * F * F, 0.7)), floats("bias", [3 * F], drawn("b", 3 * F))],
    ),
    feeds: { x: float("x", B, S, F), lengths: { dtype: "int32", shape: [B], data: Int32Array.of(5, 3) } },
    sees: (example, row, place) => place <= row && place < [5, 3][example]!,
    places: S,
  }),
  "MultiHeadAttention over other places": () => ({
    model: built(
      "MultiHeadAttention",
      MS,
      [
        ["q", ELEMENT.float32, [B, S, F]],
        ["k", ELEMENT.float32, [B, T, F]],
        ["v", ELEMENT.float32, [B, T, F]],
      ],
      ["q", "k", "v", "bias"],
      { num_heads: N, scale: 0.5 },
      [floats("bias", [3 * F], drawn("b", 3 * F))],
    ),
    feeds: { q: float("q", B, S, F), k: float("k", B, T, F), v: float("v", B, T, F) },
    sees: () => true,
    places: T,
  }),
  "Attention of ONNX, with keys that several heads share and a mask": () => {
    const mask = Uint8Array.from({ length: S * T }, (_, index) => Number(index % 5 !== 3));
    return {
      model: built(
        "Attention",
        "",
        [
          ["q", ELEMENT.float32, [B, S, 4 * D]],
          ["k", ELEMENT.float32, [B, T, 2 * D]],
          ["v", ELEMENT.float32, [B, T, 2 * D]],
          ["mask", ELEMENT.bool, [S, T]],
        ],
        ["q", "k", "v", "mask"],
        { q_num_heads: 4, kv_num_heads: 2 },
        [],
        23,
      ),
      feeds: {
        q: float("q", B, S, 4 * D),
        k: float("k", B, T, 2 * D),
        v: float("v", B, T, 2 * D),
        mask: { dtype: "bool", shape: [S, T], data: mask },
      },
      sees: (_, row, place) => mask[row * T + place] === 1,
      places: T,
    };
  },
  "Attention of ONNX over heads, each row up to itself": () => ({
    model: built(
      "Attention",
      "",
      [
        ["q", ELEMENT.float32, [B, N, S, D]],
        ["k", ELEMENT.float32, [B, N, S, D]],
        ["v", ELEMENT.float32, [B, N, S, D]],
      ],
      ["q", "k", "v"],
      { is_causal: 1 },
      [],
      23,
    ),
    feeds: { q: float("q", B, N, S, D), k: float("k", B, N, S, D), v: float("v", B, N, S, D) },
    sees: (_, row, place) => place <= row,
    places: S,
  }),
};

describe.each(Object.entries(cases))("%s", (_, make) => {
  test("is taken apart into what it stands for: outputs agree, weights are seen and forced", async () => {
    const { model, feeds, sees, places } = make();
    const bytes = encodeModel(model);
    const graph = openGraph(bytes, "fused.onnx");
    expect(graph.bytes).toBe(bytes);
    expect(graph.count).toBe(model.graph.node.length);
    const file = new ForeignModel(graph, openOnnx);
    expect(file.attentions.map(({ node }) => node)).toEqual(["/layer.0/attn"]);
    // The runtime's own node and the nodes in its place give the same.
    const whole = await file.outputsOf(feeds);
    const spelled = await (await openOnnx(graph.apart)).run(feeds);
    const [wanted, found] = [whole, spelled].map(({ y }) => numbersOf(y!));
    expectClose(found!, wanted!);
    const [weights] = await file.weightsOf(feeds);
    expect([weights!.rows, weights!.places]).toEqual([S, places]);
    const heads = weights!.heads / B;
    for (let example = 0; example < B; example++)
      for (let head = 0; head < heads; head++)
        for (let row = 0; row < S; row++) {
          const shares = Array.from(
            { length: places },
            (_, place) => weights!.data[weights!.at(row, example * heads + head, place)]!,
          );
          expect(shares.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
          shares.forEach((share, place) => {
            if (sees(example, row, place)) expect(share).toBeGreaterThan(0);
            else expect(share).toBeLessThan(1e-6);
          });
        }
    // Forced to what they are, all is as it was.
    const same = await file.forced(
      feeds,
      new Map([
        [
          0,
          {
            rows: new Map([
              [
                2,
                Array.from(
                  { length: weights!.heads * places },
                  (_, index) => weights!.data[weights!.at(2, Math.floor(index / places), index % places)]!,
                ),
              ],
            ]),
          },
        ],
      ]),
    );
    expectClose(numbersOf(same.outputs.y!), wanted!);
    await file.release();
  });
});

test("a fused node that asks for more is left as it is, and its attention is not found", () => {
  const { model } = cases["MultiHeadAttention over other places"]!();
  const node = model.graph.node.find(({ opType }) => opType === "MultiHeadAttention")!;
  node.output = [node.output[0]!, "present"];
  const graph = openGraph(encodeModel(model), "fused.onnx");
  expect(graph.apart).toBe(graph.bytes);
});
