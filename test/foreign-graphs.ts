import { Random } from "../src/core/index.js";
import {
  ATTRIBUTE,
  type AttributeProto,
  ELEMENT,
  encodeModel,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from "../src/onnx/index.js";

/** Graphs as others write them, node by node, without any of Regard's own operations. */

type Given = number | string | readonly number[] | TensorProto | GraphProto;

const bytesOf = (data: ArrayBufferView) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

export const floats = (name: string, dims: readonly number[], data: ArrayLike<number>): TensorProto => ({
  name,
  dims,
  dataType: ELEMENT.float32,
  rawData: bytesOf(Float32Array.from(data)),
});

export const wholes = (name: string, dims: readonly number[], data: readonly number[]): TensorProto => ({
  name,
  dims,
  dataType: ELEMENT.int64,
  rawData: bytesOf(BigInt64Array.from(data, BigInt)),
});

function attribute(name: string, value: Given): AttributeProto {
  if (typeof value === "number")
    return Number.isInteger(value)
      ? { name, type: ATTRIBUTE.int, i: value }
      : { name, type: ATTRIBUTE.float, f: value };
  if (typeof value === "string") return { name, type: ATTRIBUTE.string, s: new TextEncoder().encode(value) };
  if (Array.isArray(value)) return { name, type: ATTRIBUTE.ints, ints: value as readonly number[] };
  if ("dataType" in value) return { name, type: ATTRIBUTE.tensor, t: value };
  return { name, type: ATTRIBUTE.graph, g: value as GraphProto };
}

export class GraphMaker {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  #count = 0;

  /** Adds a node; returns the name of its first output. */
  node(
    opType: string,
    input: readonly string[],
    attributes: Readonly<Record<string, Given>> = {},
    name = `${opType}_${this.#count}`,
    outputs = 1,
  ): string {
    this.#count++;
    const output = Array.from({ length: outputs }, (_, index) =>
      index ? `${name}_${index}` : `${name}_out`,
    );
    const all = Object.entries(attributes).map(([key, value]) => attribute(key, value));
    this.nodes.push({ name, opType, input: [...input], output, attribute: all });
    return output[0]!;
  }

  store(tensor: TensorProto): string {
    this.initializers.push(tensor);
    return tensor.name;
  }

  model(
    inputs: readonly (readonly [name: string, type: number, dims: readonly (number | string)[]])[],
    outputs: readonly (readonly [name: string, type: number])[],
    opset = 17,
  ): ModelProto {
    const dim = (size: number | string) =>
      typeof size === "number" ? { dimValue: size } : { dimParam: size };
    return {
      irVersion: 8,
      producerName: "somebody",
      opsetImport: [{ domain: "", version: opset }],
      metadataProps: [],
      graph: {
        name: "main",
        node: this.nodes,
        initializer: this.initializers,
        input: inputs.map(([name, elemType, dims]) => ({
          name,
          type: { tensorType: { elemType, shape: { dim: dims.map(dim) } } },
        })),
        output: outputs.map(([name, elemType]) => ({ name, type: { tensorType: { elemType } } }) as never),
      },
    };
  }
}

/** Sizes of the encoder, unequal primes where they can be. */
export const [VOCABULARY, LAYERS, HEADS, WIDTH, CLASSES] = [13, 2, 3, 2, 5] as const;
const HIDDEN = HEADS * WIDTH;

const weightOf = (name: string, count: number): Float32Array => {
  const data = new Float32Array(count);
  new Random(7, name).fill("normal", data);
  return data;
};

/**
 * A small encoder with a class at its end as PyTorch exports one: attention in separate nodes, keys that are masked, a guard against
 * rows in which everything is, `hidden`, `pooled` and `shares` as outputs.
 */
export function encoder(): ModelProto {
  const maker = new GraphMaker();
  const matrix = (name: string, rows: number, columns: number) =>
    maker.store(floats(name, [rows, columns], weightOf(name, rows * columns)));
  const list = (name: string, ...values: number[]) => maker.store(wholes(name, [values.length], values));
  const scalar = (name: string, value: number) => maker.store(floats(name, [], [value]));
  const [one, far, scale] = [scalar("one", 1), scalar("far", -1e4), scalar("scale", WIDTH ** -0.5)];
  const split = list("split", 0, 0, HEADS, WIDTH);
  const joined = list("joined", 0, 0, HIDDEN);
  const float = maker.node("Cast", ["attention_mask"], { to: ELEMENT.float32 });
  const hidden = maker.node("Mul", [maker.node("Sub", [one, float]), far]);
  const bias = maker.node("Unsqueeze", [hidden, list("inner", 1, 2)]);
  let x = maker.node("Gather", [matrix("table", VOCABULARY, HIDDEN), "input_ids"]);
  for (let layer = 0; layer < LAYERS; layer++) {
    const at = (name: string) => `/encoder/layer.${layer}/attention/self/${name}`;
    const headed = (name: string, perm: readonly number[]) => {
      const all = maker.node("MatMul", [x, matrix(`${layer}.${name}`, HIDDEN, HIDDEN)]);
      return maker.node("Transpose", [maker.node("Reshape", [all, split])], { perm });
    };
    const [query, key, value] = [
      headed("query", [0, 2, 1, 3]),
      headed("key", [0, 2, 3, 1]),
      headed("value", [0, 2, 1, 3]),
    ];
    const scores = maker.node("Mul", [maker.node("MatMul", [query, key]), scale]);
    const weights = maker.node("Softmax", [maker.node("Add", [scores, bias])], { axis: -1 }, at("Softmax"));
    const zero = scalar(`${layer}.zero`, 0);
    const guarded = maker.node("Where", [maker.node("IsNaN", [weights]), zero, weights]);
    const context = maker.node("Transpose", [maker.node("MatMul", [guarded, value])], { perm: [0, 2, 1, 3] });
    const out = maker.node("MatMul", [
      maker.node("Reshape", [context, joined]),
      matrix(`${layer}.out`, HIDDEN, HIDDEN),
    ]);
    x = maker.node("Add", [x, maker.node("Tanh", [out])]);
  }
  maker.nodes.push({ opType: "Identity", input: [x], output: ["hidden"], attribute: [] });
  maker.nodes.push({
    opType: "Gather",
    input: [x, maker.store(wholes("first", [], [0]))],
    output: ["pooled"],
    attribute: [attribute("axis", 1)],
  });
  const logits = maker.node("MatMul", ["pooled", matrix("classes", HIDDEN, CLASSES)]);
  maker.nodes.push({
    opType: "Softmax",
    input: [logits],
    output: ["shares"],
    attribute: [attribute("axis", -1)],
  });
  return maker.model(
    [
      ["input_ids", ELEMENT.int64, ["batch", "length"]],
      ["attention_mask", ELEMENT.int64, ["batch", "length"]],
    ],
    [
      ["hidden", ELEMENT.float32],
      ["pooled", ELEMENT.float32],
      ["shares", ELEMENT.float32],
    ],
  );
}

export const encoderBytes = (): Uint8Array => encodeModel(encoder());

type Matrix = number[][];
const times = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) =>
    b[0]!.map((_, column) => row.reduce((sum, value, index) => sum + value * b[index]![column]!, 0)),
  );
const softmax = (row: readonly number[]): number[] => {
  const most = Math.max(...row);
  const powers = row.map((value) => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((value) => value / sum);
};

/**
 * The same encoder in plain arithmetic.
 * @param weigh what becomes of the weights of a layer's head: themselves where absent
 * @param embed what becomes of the vector that a token is read as: itself where absent
 */
export function encoderByHand(
  ids: readonly number[],
  mask: readonly number[],
  weigh = (weights: Matrix, _layer: number, _head: number): Matrix => weights,
  embed = (vector: number[], _place: number): number[] => vector,
) {
  const matrix = (name: string, rows: number, columns: number): Matrix => {
    const data = weightOf(name, rows * columns);
    return Array.from({ length: rows }, (_, row) =>
      Array.from(data.subarray(row * columns, (row + 1) * columns)),
    );
  };
  const table = matrix("table", VOCABULARY, HIDDEN);
  let x = ids.map((id, place) => embed(table[id]!, place));
  const weights: Matrix[][] = [];
  for (let layer = 0; layer < LAYERS; layer++) {
    const projected = (name: string) => times(x, matrix(`${layer}.${name}`, HIDDEN, HIDDEN));
    const [query, key, value] = [projected("query"), projected("key"), projected("value")];
    const heads = Array.from({ length: HEADS }, (_, head) => {
      const part = (all: Matrix) => all.map((row) => row.slice(head * WIDTH, (head + 1) * WIDTH));
      const [q, k] = [part(query), part(key)];
      const own = q.map((row) =>
        softmax(
          k.map(
            (other, at) =>
              row.reduce((sum, one, index) => sum + one * other[index]!, 0) * WIDTH ** -0.5 +
              (1 - mask[at]!) * -1e4,
          ),
        ),
      );
      return weigh(own, layer, head);
    });
    weights.push(heads);
    const contexts = heads.map((own, head) =>
      times(
        own,
        value.map((row) => row.slice(head * WIDTH, (head + 1) * WIDTH)),
      ),
    );
    const joined = x.map((_, row) => contexts.flatMap((context) => context[row]!));
    const out = times(joined, matrix(`${layer}.out`, HIDDEN, HIDDEN));
    x = x.map((row, at) => row.map((one, index) => one + Math.tanh(out[at]![index]!)));
  }
  const shares = softmax(times([x[0]!], matrix("classes", HIDDEN, CLASSES))[0]!);
  return { weights, hidden: x, pooled: x[0]!, shares };
}

/** A vocabulary of WordPiece for it. */
export const PIECES = [
  "[PAD]",
  "[UNK]",
  "[CLS]",
  "[SEP]",
  "[MASK]",
  "i",
  "love",
  "coffee",
  "##s",
  "un",
  "##like",
  "##ly",
  "!",
];
