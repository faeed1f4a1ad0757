import {
  ATTRIBUTE,
  type AttributeProto,
  changed,
  ELEMENT,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from "../onnx/index.js";

/** Added to scores of places that must not be looked at, where a node does not say what is (ONNX Runtime's own). */
const FILTER = -10_000;
/** The operator set that brought `CastLike`, and that which brought `Trilu`. */
const [CAST_LIKE, TRILU] = [15, 14];
/** How `Attention` of ONNX itself hides places from those before: no score at all. */
const NOTHING = -3e38;

/** Values of a node that is taken apart. */
interface Parts {
  /** Of heads: [B, N, S, D], [B, N, T, D] and [B, N, T, W]. */
  readonly query: string;
  readonly key: string;
  readonly value: string;
  /** What scores are multiplied by; one over the root of D if left out. */
  readonly scale?: number | undefined;
  /** The bound that scores approach, where they have one. */
  readonly softcap?: number | undefined;
  /** Added to scores, or true where a place may be looked at. */
  readonly masks: readonly { readonly value: string; readonly isBool: boolean }[];
  /** Whether no place looks at those after it. */
  readonly causal: boolean;
  /** Whether the result is [B, S, N W] and not [B, N, S, W]. */
  readonly joined: boolean;
}

/** Writes nodes in place of one. */
class Writer {
  readonly nodes: NodeProto[] = [];
  readonly stored: TensorProto[] = [];

  constructor(
    private readonly prefix: string,
    private readonly version: number,
  ) {}

  add(
    opType: string,
    input: readonly string[],
    attribute: AttributeProto[] = [],
    output?: string,
    name?: string,
  ) {
    const made = output ?? `${this.prefix}.${this.nodes.length}`;
    this.nodes.push({ name: name ?? made, opType, input: [...input], output: [made], attribute });
    return made;
  }

  wholes(...values: number[]): string {
    return this.#store([values.length], ELEMENT.int64, BigInt64Array.from(values, BigInt));
  }

  /** A number of the type of another value. */
  number(value: number, like: string): string {
    return this.like(this.#store([], ELEMENT.float32, Float32Array.of(value)), like);
  }

  /** A value of single precision as one of the type of another. */
  like(value: string, other: string): string {
    return this.version >= CAST_LIKE ? this.add("CastLike", [value, other]) : value;
  }

  transposed(value: string, ...perm: number[]): string {
    return this.add("Transpose", [value], [{ name: "perm", type: ATTRIBUTE.ints, ints: perm }]);
  }

  /** [B, S, N D] as [B, N, S, D]. */
  headed(value: string, heads: number): string {
    return this.transposed(this.add("Reshape", [value, this.wholes(0, 0, heads, -1)]), 0, 2, 1, 3);
  }

  slice(value: string, axis: number, from: number, to: number): string {
    return this.add("Slice", [value, this.wholes(from), this.wholes(to), this.wholes(axis)]);
  }

  #store(dims: number[], dataType: number, data: BigInt64Array | Float32Array): string {
    const name = `${this.prefix}.stored.${this.stored.length}`;
    this.stored.push({ name, dims, dataType, rawData: new Uint8Array(data.buffer as ArrayBuffer) });
    return name;
  }
}

/** Softmax(scale · Q Kᵀ + mask) V, node by node. @param node what makes the weights is called as it was, and what they give too */
function spelled(writer: Writer, { name, output }: NodeProto, parts: Parts): void {
  const { query, key, value, scale, softcap, masks, causal, joined } = parts;
  let scores = writer.add("MatMul", [query, writer.transposed(key, 0, 1, 3, 2)]);
  if (scale === undefined) {
    const size = writer.slice(writer.add("Shape", [query]), 0, 3, 4);
    const to = { name: "to", type: ATTRIBUTE.int, i: ELEMENT.float32 };
    const root = writer.add("Sqrt", [writer.add("Cast", [size], [to])]);
    scores = writer.add("Div", [scores, writer.like(root, scores)]);
  } else scores = writer.add("Mul", [scores, writer.number(scale, scores)]);
  for (const { value: mask } of masks.filter(({ isBool }) => !isBool))
    scores = writer.add("Add", [scores, mask]);
  const hidden = masks.filter(({ isBool }) => isBool).map(({ value: mask }) => mask);
  if (causal) {
    const sides = writer.slice(writer.add("Shape", [scores]), 0, 2, 4);
    const one: TensorProto = {
      name: "",
      dims: [1],
      dataType: ELEMENT.float32,
      rawData: new Uint8Array(Float32Array.of(1).buffer),
    };
    const ones = writer.add("ConstantOfShape", [sides], [{ name: "value", type: ATTRIBUTE.tensor, t: one }]);
    const before = writer.add("Trilu", [ones], [{ name: "upper", type: ATTRIBUTE.int, i: 0 }]);
    hidden.push(writer.add("Cast", [before], [{ name: "to", type: ATTRIBUTE.int, i: ELEMENT.bool }]));
  }
  if (softcap) {
    const most = writer.number(softcap, scores);
    scores = writer.add("Mul", [writer.add("Tanh", [writer.add("Div", [scores, most])]), most]);
  }
  for (const mask of hidden) scores = writer.add("Where", [mask, scores, writer.number(NOTHING, scores)]);
  const axis = { name: "axis", type: ATTRIBUTE.int, i: -1 };
  const weights = writer.add("Softmax", [scores], [axis], undefined, name || output[0]);
  if (!joined) {
    writer.add("MatMul", [weights, value], [], output[0]);
    return;
  }
  const turned = writer.transposed(writer.add("MatMul", [weights, value]), 0, 2, 1, 3);
  writer.add("Reshape", [turned, writer.wholes(0, 0, -1)], [], output[0]);
}

/** What is known of a graph beside its nodes. */
class Around {
  readonly #makers: ReadonlyMap<string, NodeProto>;
  readonly #inputs: ReadonlyMap<string, { readonly rank: number; readonly type: number }>;

  constructor(
    readonly graph: GraphProto,
    readonly version: number,
  ) {
    this.#makers = new Map(
      graph.node.flatMap((node) => node.output.map((output) => [output, node] as const)),
    );
    this.#inputs = new Map(
      [...(graph.valueInfo ?? []), ...graph.input].flatMap(({ name, type }) => {
        const tensor = type?.tensorType;
        return tensor?.shape
          ? [[name, { rank: tensor.shape.dim.length, type: tensor.elemType }] as const]
          : [];
      }),
    );
  }

  stored(name: string): TensorProto | undefined {
    return this.graph.initializer.find((tensor) => tensor.name === name);
  }

  /** How many axes a value has, where that can be told. */
  rank(name: string): number | undefined {
    const maker = this.#makers.get(name);
    if (maker && /^(Cast|Identity|CastLike|Not)$/.test(maker.opType)) return this.rank(maker.input[0]!);
    if (maker?.opType === "EmbedLayerNormalization" && maker.output[1] === name) return 1;
    return this.#inputs.get(name)?.rank ?? this.stored(name)?.dims.length;
  }

  /** Whether a value is of yes and no. */
  isBool(name: string): boolean {
    const maker = this.#makers.get(name);
    if (!maker) return (this.#inputs.get(name)?.type ?? this.stored(name)?.dataType) === ELEMENT.bool;
    if (/^(Not|And|Or|Xor|Less|LessOrEqual|Greater|GreaterOrEqual|Equal|IsNaN)$/.test(maker.opType))
      return true;
    if (maker.opType === "Cast")
      return Number(maker.attribute.find((one) => one.name === "to")?.i) === ELEMENT.bool;
    const handsOn = /^(Identity|Unsqueeze|Squeeze|Reshape|Expand|Slice|Transpose|Trilu)$/.test(maker.opType);
    return handsOn && this.isBool(maker.input[0]!);
  }
}

const whole = (node: NodeProto, name: string): number | undefined => {
  const found = node.attribute.find((one) => one.name === name)?.i;
  return found === undefined ? undefined : Number(found);
};
const real = (node: NodeProto, name: string): number | undefined =>
  node.attribute.find((one) => one.name === name)?.f;

/** A mask of ONNX Runtime's own operators: 1 for places that are there [B, T], or how many are [B]. Undefined where it is another. */
function padding(writer: Writer, around: Around, node: NodeProto, mask: string, key: string) {
  const rank = around.rank(mask);
  const filter = real(node, "mask_filter_value") ?? FILTER;
  if (rank === 2) {
    const to = { name: "to", type: ATTRIBUTE.int, i: ELEMENT.float32 };
    const there = writer.like(writer.add("Cast", [mask], [to]), key);
    const away = writer.add("Mul", [
      writer.add("Sub", [writer.number(1, key), there]),
      writer.number(filter, key),
    ]);
    return { value: writer.add("Reshape", [away, writer.wholes(0, 1, 1, -1)]), isBool: false };
  }
  if (rank !== 1) return undefined;
  const scalar = writer.add("Reshape", [writer.slice(writer.add("Shape", [key]), 0, 2, 3), writer.wholes()]);
  const zero = writer.add("Sub", [scalar, scalar]);
  const one = writer.add("Reshape", [writer.wholes(1), writer.wholes()]);
  const places = writer.add("Reshape", [
    writer.add("Range", [zero, scalar, one]),
    writer.wholes(1, 1, 1, -1),
  ]);
  const to = { name: "to", type: ATTRIBUTE.int, i: ELEMENT.int64 };
  const counts = writer.add("Reshape", [writer.add("Cast", [mask], [to]), writer.wholes(-1, 1, 1, 1)]);
  const there = writer.add("Less", [places, counts]);
  return {
    value: writer.add("Where", [there, writer.number(0, key), writer.number(filter, key)]),
    isBool: false,
  };
}

type Apart = (writer: Writer, node: NodeProto, around: Around) => boolean;

/** Fused attention by domain and operator. Each says no where a node asks for more than is taken apart here. */
const FUSED: ReadonlyMap<string, Apart> = new Map<string, Apart>([
  [
    "com.microsoft:Attention",
    (writer, node, around) => {
      const [x, weights, bias, mask, past, extra, ...more] = node.input;
      const heads = whole(node, "num_heads");
      const width = around.stored(weights ?? "")?.dims[1];
      const sizes = node.attribute.find(({ name }) => name === "qkv_hidden_sizes");
      if (
        !x ||
        !weights ||
        !heads ||
        width === undefined ||
        past ||
        more.some(Boolean) ||
        sizes ||
        node.output[1]
      )
        return false;
      if (whole(node, "do_rotary")) return false;
      let all = writer.add("MatMul", [x, weights]);
      if (bias) all = writer.add("Add", [all, bias]);
      const size = Number(width) / 3;
      const [query, key, value] = [0, 1, 2].map((part) =>
        writer.headed(writer.slice(all, 2, part * size, (part + 1) * size), heads),
      ) as [string, string, string];
      const masks = extra ? [{ value: extra, isBool: false }] : [];
      if (mask) {
        const made = padding(writer, around, node, mask, key);
        if (!made) return false;
        masks.push(made);
      }
      const causal = whole(node, "unidirectional") === 1;
      spelled(writer, node, {
        query,
        key,
        value,
        masks,
        causal,
        scale: real(node, "scale") || undefined,
        joined: true,
      });
      return true;
    },
  ],
  [
    "com.microsoft:MultiHeadAttention",
    (writer, node, around) => {
      const [query, key, value, bias, mask, extra, ...past] = node.input;
      const heads = whole(node, "num_heads");
      if (!query || !key || !value || !heads || past.some(Boolean) || node.output.slice(1).some(Boolean))
        return false;
      const width = bias ? Number(around.stored(bias)?.dims[0] ?? 0) / 3 : 0;
      if (bias && width === 0) return false;
      const [q, k, v] = [query, key, value].map((one, part) =>
        writer.headed(
          bias ? writer.add("Add", [one, writer.slice(bias, 0, part * width, (part + 1) * width)]) : one,
          heads,
        ),
      ) as [string, string, string];
      const masks = extra ? [{ value: extra, isBool: false }] : [];
      if (mask) {
        const made = padding(writer, around, node, mask, k);
        if (!made) return false;
        masks.push(made);
      }
      const causal = whole(node, "unidirectional") === 1;
      spelled(writer, node, {
        ...{ query: q, key: k, value: v, masks, causal, joined: true },
        scale: real(node, "scale") || undefined,
      });
      return true;
    },
  ],
  [
    ":Attention",
    (writer, node, around) => {
      const [query, key, value, mask, ...past] = node.input;
      if (!query || !key || !value || past.some(Boolean) || node.output.slice(1).some(Boolean)) return false;
      const [heads, shared] = [whole(node, "q_num_heads"), whole(node, "kv_num_heads")];
      const joined = heads !== undefined && shared !== undefined;
      const [softcap, causal] = [real(node, "softcap") || undefined, whole(node, "is_causal") === 1];
      // Whether what is hidden is hidden before or after scores are bounded differs between operator sets.
      if ((joined && heads % shared !== 0) || (softcap && (mask || causal))) return false;
      /** Heads of which several queries share one, once for each of these. */
      const spread = (one: string) => {
        const headed = writer.headed(one, shared!);
        if (heads === shared) return headed;
        const picks = Array.from({ length: heads! }, (_, head) => Math.floor((head * shared!) / heads!));
        return writer.add(
          "Gather",
          [headed, writer.wholes(...picks)],
          [{ name: "axis", type: ATTRIBUTE.int, i: 1 }],
        );
      };
      spelled(writer, node, {
        query: joined ? writer.headed(query, heads) : query,
        key: joined ? spread(key) : key,
        value: joined ? spread(value) : value,
        masks: mask ? [{ value: mask, isBool: around.isBool(mask) }] : [],
        ...{ causal, softcap, joined },
        scale: real(node, "scale"),
      });
      return true;
    },
  ],
]);

/**
 * A file in which attention of one node is taken apart into what that node stands for, so that its weights are a value like any other:
 * `Attention` and `MultiHeadAttention` of ONNX Runtime, and `Attention` of ONNX from operator set 23 on. Undefined where there is none
 * that can be, such as one that goes on from keys that were kept.
 */
export function takenApart(model: ModelProto): ModelProto | undefined {
  const { graph } = model;
  const version = Number(
    model.opsetImport.find(({ domain }) => domain === "" || domain === "ai.onnx")?.version ?? 1,
  );
  if (version < TRILU) return undefined;
  const around = new Around(graph, version);
  const stored: TensorProto[] = [];
  const nodes = graph.node.flatMap((node, index) => {
    const domain = node.domain === "ai.onnx" ? "" : (node.domain ?? "");
    const apart = FUSED.get(`${domain}:${node.opType}`);
    const writer = new Writer(`regard.apart.${index}`, version);
    if (!apart?.(writer, node, around)) return [node];
    stored.push(...writer.stored);
    return writer.nodes;
  });
  if (stored.length === 0) return undefined;
  return changed(model, {
    graph: changed(graph, { node: nodes, initializer: [...graph.initializer, ...stored] }),
  });
}
