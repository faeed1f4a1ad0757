import { Random } from "../src/core/index.js";
import {
  ATTRIBUTE,
  decodeModel,
  ELEMENT,
  encodeModel,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from "../src/onnx/index.js";
import { encoder, floats, GraphMaker, wholes } from "./foreign-graphs.js";

/** What stands in a file outside of the folder, which nothing may read: this number, over and over. */
export const SECRET = 12345.5;
/** What a file keeps beside itself: the name, and the numbers in it. */
export const BESIDE = "weights.bin";
export const BESIDE_NUMBERS = 64;

/** Attention over the columns of an image as readers of lines have it, with weights in typed fields and in a file beside it. */
function reader(): ModelProto {
  const maker = new GraphMaker();
  const kernel = floats(
    "kernel",
    [2, 3, 3, 3],
    Array.from({ length: 54 }, (_, index) => ((index * 7) % 11) / 11),
  );
  const packed: TensorProto = {
    name: kernel.name,
    dims: kernel.dims,
    dataType: kernel.dataType,
    floatData: kernel.rawData!,
  };
  const outside: TensorProto = {
    name: "outside",
    dims: [2, 2],
    dataType: ELEMENT.float32,
    dataLocation: 1,
    externalData: [
      { key: "location", value: BESIDE },
      { key: "offset", value: "16" },
      { key: "length", value: "16" },
    ],
  };
  const seen = maker.node("Conv", ["image", maker.store(packed)], { pads: [1, 1, 1, 1], strides: [4, 2] });
  const columns = maker.node("Transpose", [maker.node("ReduceMean", [seen], { axes: [2], keepdims: 0 })], {
    perm: [0, 2, 1],
  });
  const keys = maker.node("MatMul", [columns, maker.store(outside)]);
  const scores = maker.node("MatMul", [keys, maker.node("Transpose", [columns], { perm: [0, 2, 1] })]);
  const weights = maker.node("Softmax", [scores], { axis: -1 }, "/reader/attention/Softmax");
  const read = maker.node("MatMul", [weights, columns]);
  const flat = maker.node("Reshape", [read, maker.store(wholes("flat", [2], [1, -1]))]);
  maker.nodes.push({ opType: "Identity", input: [flat], output: ["letters"], attribute: [] });
  maker.nodes.push({ opType: "Identity", input: ["outside"], output: ["kept"], attribute: [] });
  return maker.model(
    [["image", ELEMENT.float32, [1, 3, 8, 12]]],
    [
      ["letters", ELEMENT.float32],
      ["kept", ELEMENT.float32],
    ],
    12,
  );
}

/** A loop with attention inside, a function that the file itself defines, a branch, and sizes that are computed. */
function looped(): ModelProto {
  const inner = new GraphMaker();
  const scores = inner.node("MatMul", ["state", "turned"]);
  const weights = inner.node("Softmax", [scores], { axis: -1 }, "inner_softmax");
  const next = inner.node("MatMul", [weights, "x"]);
  inner.nodes.push({ opType: "Identity", input: ["going"], output: ["goes_on"], attribute: [] });
  inner.nodes.push({ opType: "Identity", input: [next], output: ["state_out"], attribute: [] });
  const scalar = (name: string, elemType: number) => ({
    name,
    type: { tensorType: { elemType, shape: { dim: [] } } },
  });
  const value = (name: string) => ({ name, type: { tensorType: { elemType: ELEMENT.float32 } } }) as never;
  const body = {
    ...inner.model([], []).graph,
    name: "body",
    input: [scalar("count", ELEMENT.int64), scalar("going", ELEMENT.bool), value("state")],
    output: [scalar("goes_on", ELEMENT.bool), value("state_out")],
  };
  const branch = (name: string, opType: string) => ({
    ...new GraphMaker().model([], []).graph,
    name,
    node: [{ opType, input: ["ended"], output: [name], attribute: [] }],
    output: [value(name)],
  });
  const maker = new GraphMaker();
  maker.nodes.push({ opType: "Transpose", input: ["x"], output: ["turned"], attribute: [] });
  const steps = maker.store(wholes("steps", [], [3]));
  const yes: TensorProto = { name: "yes", dims: [], dataType: ELEMENT.bool, int32Data: Uint8Array.of(1) };
  maker.node("Loop", [steps, maker.store(yes), "x"], { body }, "loop");
  const half: TensorProto = {
    name: "half",
    dims: [1],
    dataType: ELEMENT.float16,
    int32Data: Uint8Array.of(0x80, 0x70),
  };
  const scale = maker.node("Cast", [maker.store(half)], { to: ELEMENT.float32 });
  const size = maker.node("Shape", ["loop_out"]);
  const noise = maker.node("ConstantOfShape", [size], { value: floats("one", [1], [0.25]) });
  const shifted = maker.node("Add", ["loop_out", maker.node("Mul", [noise, scale])]);
  maker.nodes.push({
    opType: "Doubled",
    domain: "own",
    input: [shifted],
    output: ["doubled"],
    attribute: [],
  });
  maker.nodes.push({ opType: "Identity", input: ["doubled"], output: ["ended"], attribute: [] });
  maker.node(
    "If",
    [yes.name],
    { then_branch: branch("positive", "Relu"), else_branch: branch("other", "Neg") },
    "branch",
  );
  maker.nodes.push({ opType: "Identity", input: ["branch_out"], output: ["y"], attribute: [] });
  const model = maker.model([["x", ELEMENT.float32, ["n", 3]]], [["y", ELEMENT.float32]], 17);
  return {
    ...model,
    opsetImport: [...model.opsetImport, { domain: "own", version: 1 }],
    functions: [
      {
        name: "Doubled",
        domain: "own",
        input: ["a"],
        output: ["b"],
        node: [{ opType: "Add", input: ["a", "a"], output: ["b"], attribute: [] }],
        opsetImport: [{ domain: "", version: 17 }],
      },
    ],
  };
}

/** Three small files, and what each is asked with: numbers, or the sides of an image. */
export const SEEDS = [
  { name: "encoder", bytes: encodeModel(encoder()), fields: { input_ids: [2, 5, 6, 9, 3] } },
  {
    name: "reader",
    bytes: encodeModel(reader()),
    fields: { image: [12, 8] },
  },
  {
    name: "looped",
    bytes: encodeModel(looped()),
    fields: { x: [1, 2, 3, 5, 7, 11] },
  },
] as const;

const MARKUP = [
  "<script>alert(1)</script>",
  '"/><svg onload=alert(1)>',
  "]]><!--&#x3c;script&gt;",
  "\u001b[2J\u0007\u0000name",
  "two\nlines\r\n",
  "\u202eright to left\u2066",
  "../../etc/passwd",
  "__proto__",
  "constructor",
  "",
  "n".repeat(70_000),
] as const;

const PLACES = [
  "../secret.bin",
  "/etc/hostname",
  "a/../../secret.bin",
  "link.bin",
  "./../secret.bin",
  "..",
  ".",
  "",
  "/dev/zero",
  "/proc/self/environ",
  "weights.bin\u0000.txt",
  "..\\secret.bin",
  "file:///etc/hostname",
  "folder",
] as const;

const NUMBERS = [
  -1,
  0,
  1,
  2,
  3,
  7,
  127,
  65_536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  2 ** 40,
  2 ** 53,
  2n ** 62n,
  -(2n ** 63n),
] as const;

const OPERATORS = [
  "Softmax",
  "MatMul",
  "Add",
  "Reshape",
  "Transpose",
  "Gather",
  "ConstantOfShape",
  "Expand",
  "Tile",
  "Range",
  "Loop",
  "Scan",
  "If",
  "Pad",
  "Resize",
  "Cast",
  "Concat",
  "Split",
  "Where",
  "Div",
  "Slice",
  "OneHot",
  "Conv",
  "ConvTranspose",
  "LSTM",
  "Einsum",
  "TopK",
  "NonZero",
  "EyeLike",
  "RandomNormal",
  "Identity",
  "Shape",
  "Attention",
  "Dropout",
  "CumSum",
  "Upsample",
  "MaxPool",
  "SequenceEmpty",
  "Optional",
  "StringNormalizer",
  "Nothing",
] as const;

/** Every way a file is changed: of its bytes, or of what they mean. */
type Change = (model: ModelProto, random: Random) => void;

const one = <T>(random: Random, of: readonly T[]): T => random.pick(of);
const nodesOf = (model: ModelProto): NodeProto[] => {
  const inner = (nodes: readonly NodeProto[]): NodeProto[] =>
    nodes.flatMap((node) => [node, ...node.attribute.flatMap(({ g }) => (g ? inner(g.node) : []))]);
  return [...inner(model.graph.node), ...(model.functions ?? []).flatMap(({ node }) => inner(node))];
};
const tensorsOf = (model: ModelProto): TensorProto[] => [
  ...model.graph.initializer,
  ...nodesOf(model).flatMap(({ attribute }) => attribute.flatMap(({ t }) => (t ? [t] : []))),
];
const valuesOf = (model: ModelProto): string[] =>
  nodesOf(model).flatMap(({ input, output }) => [...input, ...output]);

const CHANGES: Readonly<Record<string, Change>> = {
  /** A node reads what is made of what it makes, or anything else. */
  cycle: (model, random) => {
    const node = one(random, nodesOf(model));
    if (node.input.length > 0) node.input[random.integer(node.input.length)] = one(random, valuesOf(model));
  },
  circle: ({ graph }, random) => {
    const [early, late] = [random.integer(graph.node.length), random.integer(graph.node.length)].sort(
      (a, b) => a - b,
    );
    const node = graph.node[early!]!;
    node.input[Math.max(0, random.integer(node.input.length))] = graph.node[late!]!.output[0]!;
  },
  twice: (model, random) => {
    const node = one(random, nodesOf(model));
    if (node.output.length > 0) node.output[0] = one(random, valuesOf(model));
  },
  shape: (model, random) => {
    const tensor = one(random, tensorsOf(model));
    const dims = [...tensor.dims];
    if (random.integer(3) === 0)
      tensor.dims = Array.from({ length: random.integer(40) }, () => one(random, NUMBERS));
    else {
      dims[random.integer(Math.max(1, dims.length))] = one(random, NUMBERS);
      tensor.dims = dims;
    }
  },
  /** Numbers that a tensor holds, which may be sizes, become others. */
  contents: (model, random) => {
    const wholesOf = tensorsOf(model).filter(({ dataType }) => dataType === ELEMENT.int64);
    const tensor = wholesOf.length > 0 ? one(random, wholesOf) : one(random, tensorsOf(model));
    if (tensor.rawData === undefined || tensor.rawData.length < 8) return;
    const bytes = new Uint8Array(tensor.rawData);
    new DataView(bytes.buffer).setBigInt64(
      8 * random.integer(Math.floor(bytes.length / 8)),
      BigInt(one(random, NUMBERS)),
      true,
    );
    tensor.rawData = bytes;
  },
  kind: (model, random) => {
    one(random, tensorsOf(model)).dataType = random.integer(28);
  },
  cut: (model, random) => {
    const tensor = one(random, tensorsOf(model));
    if (tensor.rawData)
      tensor.rawData = tensor.rawData.subarray(0, random.integer(tensor.rawData.length + 1));
    else tensor.floatData = new Uint8Array(random.integer(64));
  },
  outside: (model, random) => {
    const tensor = one(random, tensorsOf(model));
    delete tensor.rawData;
    delete tensor.floatData;
    tensor.dataLocation = random.integer(4) === 0 ? random.integer(4) : 1;
    tensor.externalData = [
      { key: "location", value: random.integer(4) === 0 ? BESIDE : one(random, PLACES) },
      ...(random.integer(2) ? [{ key: "offset", value: String(one(random, NUMBERS)) }] : []),
      ...(random.integer(2) ? [{ key: "length", value: String(one(random, NUMBERS)) }] : []),
    ];
  },
  name: (model, random) => {
    const name = one(random, MARKUP);
    const old = one(random, valuesOf(model));
    switch (random.integer(6)) {
      case 0:
        one(random, nodesOf(model)).name = name;
        break;
      case 1:
        model.producerName = name;
        break;
      case 2:
        one(random, nodesOf(model)).opType = name;
        break;
      case 3:
        for (const input of model.graph.input.slice(0, 1)) input.name = name;
        break;
      default: {
        // The same everywhere, so that the file still runs.
        const renamed = (names: string[]) => names.map((each) => (each === old ? name : each));
        for (const node of nodesOf(model))
          [node.input, node.output] = [renamed(node.input), renamed(node.output)];
        for (const each of [...model.graph.input, ...model.graph.output, ...model.graph.initializer])
          if (each.name === old) each.name = name;
      }
    }
  },
  operator: (model, random) => {
    one(random, nodesOf(model)).opType = one(random, OPERATORS);
  },
  attribute: (model, random) => {
    const { attribute } = one(random, nodesOf(model));
    const value = one(random, NUMBERS);
    if (attribute.length === 0 || random.integer(4) === 0)
      attribute.push({
        name: one(random, ["axis", "perm", "to", "shape", "pads", "axes"]),
        type: ATTRIBUTE.int,
        i: value,
      });
    else {
      const known = one(random, attribute);
      if (known.ints?.length) known.ints = known.ints.map((each) => (random.integer(2) ? value : each));
      else if (random.integer(3) === 0) known.type = random.integer(15);
      else known.i = value;
    }
  },
  input: ({ graph }, random) => {
    if (graph.input.length === 0) return;
    const { type } = one(random, graph.input);
    const dim = type.tensorType.shape?.dim;
    if (random.integer(4) === 0 || !dim?.length) type.tensorType.elemType = random.integer(24);
    else if (random.integer(5) < 1) dim.push({ dimValue: one(random, NUMBERS) });
    else
      dim[random.integer(dim.length)] = random.integer(3)
        ? { dimValue: one(random, NUMBERS) }
        : { dimParam: one(random, MARKUP) };
  },
  output: ({ graph }, random) => {
    const all = [...graph.node.flatMap(({ output }) => output), ...graph.input.map(({ name }) => name)];
    const name = random.integer(3) ? one(random, all) : one(random, MARKUP);
    if (random.integer(2)) graph.output = [];
    graph.output.push({ name } as never);
  },
  gone: ({ graph }, random) => {
    const at = random.integer(3);
    const list = at === 0 ? graph.node : at === 1 ? graph.initializer : graph.input;
    if (list.length > 0) list.splice(random.integer(list.length), 1);
  },
  version: (model, random) => {
    one(random, model.opsetImport).version = Number(one(random, NUMBERS));
    if (random.integer(3) === 0) model.irVersion = Number(one(random, NUMBERS));
  },
  /** A function that calls itself, or one that is not there. */
  recursion: (model, random) => {
    const name = random.integer(2) ? "Again" : "Other";
    const call = (opType: string): NodeProto => ({
      opType,
      domain: "own",
      input: ["a"],
      output: ["b"],
      attribute: [],
    });
    model.functions = [
      { name: "Again", domain: "own", input: ["a"], output: ["b"], node: [call("Other")], opsetImport: [] },
      { name: "Other", domain: "own", input: ["a"], output: ["b"], node: [call(name)], opsetImport: [] },
    ];
    if (!model.opsetImport.some(({ domain }) => domain === "own"))
      model.opsetImport.push({ domain: "own", version: 1 });
    const node = one(random, model.graph.node);
    Object.assign(node, { opType: name, domain: "own", attribute: [] });
  },
  nested: (model, random) => {
    let { graph } = decodeModel(encodeModel(model));
    for (let depth = random.integer(60); depth > 0; depth--)
      graph = {
        name: "g",
        initializer: [],
        input: [],
        output: graph.output,
        node: [
          {
            opType: "If",
            input: ["x"],
            output: ["z"],
            attribute: [{ name: "then_branch", type: ATTRIBUTE.graph, g: graph }],
          },
        ],
      };
    one(random, model.graph.node).attribute.push({
      name: "body",
      type: ATTRIBUTE.graph,
      g: graph,
    });
  },
  sparse: (model, random) => {
    const values = floats("sparse", [2], [1, 2]);
    const dims = [one(random, NUMBERS), one(random, NUMBERS)];
    model.graph.sparseInitializer = [
      { values, indices: wholes("at", [2], [0, Number(one(random, NUMBERS))]), dims } as never,
    ];
    const node = one(random, model.graph.node);
    if (node.input.length > 0) node.input[0] = "sparse";
  },
};

const BYTES: Readonly<Record<string, (bytes: Uint8Array, random: Random) => Uint8Array>> = {
  flip: (bytes, random) => {
    const changed = new Uint8Array(bytes);
    for (let count = 1 + random.integer(8); count > 0; count--) {
      const at = random.integer(changed.length);
      changed[at] = changed[at]! ^ (1 << random.integer(8));
    }
    return changed;
  },
  truncate: (bytes, random) => bytes.slice(0, random.integer(bytes.length)),
  remove: (bytes, random) => {
    const at = random.integer(bytes.length);
    return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1 + random.integer(64))]);
  },
  repeat: (bytes, random) => {
    const [at, length] = [random.integer(bytes.length), 1 + random.integer(200)];
    return Uint8Array.from([...bytes.subarray(0, at + length), ...bytes.subarray(at)]);
  },
  scatter: (bytes, random) => {
    const changed = new Uint8Array(bytes);
    const at = random.integer(changed.length);
    for (let index = at; index < Math.min(changed.length, at + 10); index++)
      changed[index] = random.integer(2) ? 255 : random.integer(256);
    return changed;
  },
  join: (bytes, random) => Uint8Array.from([...bytes, ...one(random, SEEDS).bytes]),
};

/** What a change is called, and the file after it. */
export function mutated(number: number): {
  readonly seed: (typeof SEEDS)[number];
  readonly change: string;
  readonly bytes: Uint8Array;
} {
  const random = new Random(11, "mutation", number);
  const seed = SEEDS[number % SEEDS.length]!;
  const names = [...Object.keys(CHANGES), ...Object.keys(BYTES)];
  const change = names[Math.floor(number / SEEDS.length) % names.length]!;
  const ofBytes = BYTES[change];
  if (ofBytes) return { seed, change, bytes: ofBytes(seed.bytes, random) };
  const model = decodeModel(new Uint8Array(seed.bytes));
  CHANGES[change]!(model, random);
  // One in four is changed in a second way.
  if (random.integer(4) === 0 && change !== "nested") one(random, Object.values(CHANGES))(model, random);
  return { seed, change, bytes: encodeModel(model) };
}
