import {
  type AttributeProto,
  decodeModel,
  elementBytes,
  elementCount,
  encodeModel,
  type GraphProto,
  type Integer,
  type ModelProto,
  type NodeProto,
  type SparseTensorProto,
  type TensorProto,
  tensorNumbers,
} from "../onnx/index.js";
import { ForeignError } from "./error.js";
import type { FoundAttention } from "./find.js";
import { takenApart } from "./fused.js";
import { withInside } from "./loops.js";

/** The graph of a file that somebody else wrote, checked, and what makes and reads each of its values. */
export interface ForeignGraph {
  /** What the file is called, for messages. */
  readonly name: string;
  /** The file with all that it holds elsewhere in it, as a runtime is to open it. */
  readonly bytes: Uint8Array;
  /** The same with fused attention taken apart, and that of loops handed out, so that all weights are values; `bytes` where there is neither. */
  readonly apart: Uint8Array;
  /** How many nodes the file has. */
  readonly count: number;
  /** What `apart` holds. */
  readonly model: ModelProto;
  /** The operator set. */
  readonly version: number;
  /** Attention inside of loops. */
  readonly inside: readonly Omit<FoundAttention, "name">[];
  /** Nodes of the outermost graph, each after those whose values it reads. */
  readonly nodes: readonly NodeProto[];
  readonly maker: ReadonlyMap<string, NodeProto>;
  readonly readers: ReadonlyMap<string, readonly NodeProto[]>;
  /** Values that are the same whatever is fed. */
  readonly constants: ReadonlySet<string>;
  /** The tensor of a constant that stands in the file, by the name of its value. */
  readonly stored: ReadonlyMap<string, TensorProto>;
}

/** The output with the share of each class of a file that was tuned here, and where it keeps what they are called, as JSON. */
export const [CLASSES_OUTPUT, LABELS_KEY] = ["regard.classes", "regard.labels"] as const;

/** Reads a part of another file that a model keeps its weights in, in the model's own folder. @throws ForeignError */
export type ReadBeside = (location: string, offset: number, length: number | undefined) => Uint8Array;

/** Nodes a graph may have, and elements a value that is made of nothing but numbers of the file. */
const [MOST_NODES, MOST_ELEMENTS] = [200_000, 2 ** 28];
/** Bytes of a file with all that it holds: what protobuf can hold. */
const MOST_BYTES = 2 ** 31 - 1;

/**
 * Reads a file and checks what a runtime might not survive.
 * @param name the file's name, for messages
 * @param beside reads files beside it; absent where there are none
 * @throws ForeignError with what is wrong, in one sentence
 */
export function openGraph(bytes: Uint8Array, name: string, beside?: ReadBeside): ForeignGraph {
  let file: ModelProto;
  try {
    file = decodeModel(bytes);
  } catch (error) {
    throw new ForeignError(
      `${name} is damaged or no ONNX file (${(error as Error).message.replace(/\.$/, "")}); get it again.`,
    );
  }
  const problem = (what: string) => new ForeignError(`${name} ${what}.`);
  if (!file.graph || file.graph.node.length === 0)
    throw problem("is damaged or no ONNX file: it has no graph; get it again");
  let count = 0;
  eachNode(file, () => {
    if (++count > MOST_NODES)
      throw problem(`has more than ${MOST_NODES} nodes, which is no model to look into`);
  });
  const outside = loadOutside(file, name, beside);
  for (const tensor of everyTensor(file)) checkTensor(tensor, name);
  const taken = takenApart(file) ?? file;
  const version = Number(
    file.opsetImport.find(({ domain }) => domain === "" || domain === "ai.onnx")?.version ?? 13,
  );
  const before = valuesOf(taken.graph, name);
  const handed = withInside(taken, { constants: before.constants, version });
  const model = handed?.model ?? taken;
  const values = handed ? valuesOf(model.graph, name) : before;
  for (const { values, dims = [] } of everySparse(model))
    if (!(elementCount(dims) <= MOST_ELEMENTS) || dims.some((size) => size < 0))
      throw problem(
        `has a sparse tensor "${values?.name}" of shape ${shapeOf(dims)}, more than any computer here can hold`,
      );
  const found = {
    name,
    model,
    version,
    count: file.graph.node.length,
    inside: handed?.inside ?? [],
    ...values,
  };
  for (const node of values.nodes) checkSizes(node, found);
  checkLoops(model.graph, values.stored, name);
  const whole = outside ? encodeModel(file) : bytes;
  return { ...found, bytes: whole, apart: model === file ? whole : encodeModel(model) };
}

/** Nodes of a graph, each after those whose values it reads, and what is known of its values. @throws ForeignError where there is no order */
function valuesOf(graph: GraphProto, name: string) {
  const nodes = sortedNodes(graph, name);
  const maker = new Map<string, NodeProto>();
  const readers = new Map<string, NodeProto[]>();
  for (const node of nodes) {
    for (const output of node.output) if (output !== "") maker.set(output, node);
    for (const input of new Set(readBy(node))) {
      const known = readers.get(input);
      if (known) known.push(node);
      else readers.set(input, [node]);
    }
  }
  const stored = storedTensors(graph);
  const constants = new Set(stored.keys());
  for (const node of nodes)
    if (isPure(node) && node.input.every((input) => input === "" || constants.has(input)))
      for (const output of node.output) constants.add(output);
  return { nodes, maker, readers, stored, constants };
}

/** Whether a node gives the same whenever it reads the same. */
const isPure = ({ opType, attribute }: NodeProto): boolean =>
  !/^(Random|Multinomial|Bernoulli|Dropout)/.test(opType) &&
  !attribute.some(({ g, graphs }) => g ?? graphs?.length);

/** What an attribute of a node is. */
export const attributeOf = ({ attribute }: NodeProto, name: string): AttributeProto | undefined =>
  attribute.find((one) => one.name === name);

/** Names of the values that a node reads, those that graphs inside it take from outside included. */
export function readBy(node: NodeProto): string[] {
  const own = node.input.filter((input) => input !== "");
  const inner = graphsOf(node).flatMap((graph) => {
    const made = new Set([
      ...graph.input.map(({ name }) => name),
      ...graph.initializer.map(({ name }) => name),
      ...graph.node.flatMap(({ output }) => output),
    ]);
    const read = [...graph.node.flatMap(readBy), ...graph.output.map(({ name }) => name)];
    return read.filter((name) => !made.has(name));
  });
  return [...own, ...inner];
}

const graphsOf = ({ attribute }: NodeProto): GraphProto[] =>
  attribute.flatMap(({ g, graphs }) => [...(g ? [g] : []), ...(graphs ?? [])]);

function eachNode({ graph, functions = [] }: ModelProto, see: (node: NodeProto) => void): void {
  const all = (nodes: readonly NodeProto[]): void => {
    for (const node of nodes) {
      see(node);
      for (const inner of graphsOf(node)) all(inner.node);
    }
  };
  all(graph.node);
  for (const one of functions) all(one.node);
}

/** Every sparse tensor of a file, in graphs inside of others too. */
function everySparse(model: ModelProto): SparseTensorProto[] {
  const found: SparseTensorProto[] = [];
  const ofGraph = ({ sparseInitializer = [] }: GraphProto) => found.push(...sparseInitializer);
  const ofAttributes = (attributes: readonly AttributeProto[]) => {
    for (const { sparseTensor, sparseTensors = [] } of attributes)
      found.push(...(sparseTensor ? [sparseTensor] : []), ...sparseTensors);
  };
  ofGraph(model.graph);
  eachNode(model, (node) => {
    ofAttributes(node.attribute);
    graphsOf(node).forEach(ofGraph);
  });
  for (const { attributeProto = [] } of model.functions ?? []) ofAttributes(attributeProto);
  return found;
}

/** Every tensor of a file: weights, and those of attributes, in graphs inside of others too. */
function everyTensor(model: ModelProto): TensorProto[] {
  const found: TensorProto[] = [...model.graph.initializer];
  const ofAttributes = (attributes: readonly AttributeProto[]) => {
    for (const { t, tensors = [] } of attributes) found.push(...(t ? [t] : []), ...tensors);
  };
  eachNode(model, (node) => {
    ofAttributes(node.attribute);
    for (const { initializer } of graphsOf(node)) found.push(...initializer);
  });
  for (const { attributeProto = [] } of model.functions ?? []) ofAttributes(attributeProto);
  for (const { values, indices } of everySparse(model))
    found.push(...(values ? [values] : []), ...(indices ? [indices] : []));
  return found;
}

/** Brings what tensors hold in other files into this one; whether there was any. @throws ForeignError */
function loadOutside(model: ModelProto, name: string, beside: ReadBeside | undefined): boolean {
  const outside = everyTensor(model).filter(
    ({ dataLocation, externalData = [] }) => dataLocation === 1 || externalData.length > 0,
  );
  let total = 0;
  for (const tensor of outside) {
    const entry = (key: string) => tensor.externalData?.find((one) => one.key === key)?.value;
    const location = entry("location");
    if (location === undefined)
      throw new ForeignError(`${name} keeps "${tensor.name}" in another file but does not say in which.`);
    if (!beside)
      throw new ForeignError(
        `${name} keeps its weights in another file, "${location}", which cannot be read here; open it from the command line.`,
      );
    const number = (key: string): number | undefined => {
      const text = entry(key);
      if (text === undefined) return undefined;
      if (!/^\d{1,15}$/.test(text))
        throw new ForeignError(
          `${name} says "${text}" for the ${key} of "${tensor.name}", which is no number of bytes.`,
        );
      return Number(text);
    };
    const size = elementBytes(tensor.dataType);
    const wanted = size === undefined ? number("length") : size * elementCount(tensor.dims);
    total += wanted ?? 0;
    if (!(total < MOST_BYTES))
      throw new ForeignError(`${name} has weights of more than 2 GB; this version opens less.`);
    tensor.rawData = beside(location, number("offset") ?? 0, wanted);
    delete tensor.dataLocation;
    tensor.externalData = [];
  }
  return outside.length > 0;
}

/** Nodes in an order in which each can be done. @throws ForeignError where there is none, or two make the same value */
function sortedNodes(graph: GraphProto, name: string): NodeProto[] {
  const maker = new Map<string, NodeProto>();
  const given = new Set([
    "",
    ...graph.input.map((one) => one.name),
    ...graph.initializer.map((one) => one.name),
  ]);
  for (const { values } of graph.sparseInitializer ?? []) if (values) given.add(values.name);
  for (const node of graph.node)
    for (const output of node.output) {
      if (output === "") continue;
      if (maker.has(output) || (given.has(output) && output !== ""))
        throw new ForeignError(`${name} is damaged: two of its parts make the value "${output}".`);
      maker.set(output, node);
    }
  const left = new Map<NodeProto, number>();
  const waiting = new Map<NodeProto, NodeProto[]>();
  const ready: NodeProto[] = [];
  for (const node of graph.node) {
    const before = new Set<NodeProto>();
    for (const input of readBy(node)) {
      const made = maker.get(input);
      if (made) before.add(made);
      else if (!given.has(input))
        throw new ForeignError(
          `${name} is damaged: node "${node.name || node.opType}" reads "${input}", which nothing makes.`,
        );
    }
    left.set(node, before.size);
    for (const one of before) {
      const known = waiting.get(one);
      if (known) known.push(node);
      else waiting.set(one, [node]);
    }
    if (before.size === 0) ready.push(node);
  }
  const sorted: NodeProto[] = [];
  for (let index = 0; index < ready.length; index++) {
    const node = ready[index]!;
    sorted.push(node);
    for (const next of waiting.get(node) ?? []) {
      const rest = left.get(next)! - 1;
      left.set(next, rest);
      if (rest === 0) ready.push(next);
    }
  }
  if (sorted.length < graph.node.length) {
    const caught = graph.node.find((node) => left.get(node)! > 0)!;
    throw new ForeignError(
      `${name} goes in a circle: node "${caught.name || caught.opType}" reads what is made of what it makes, so it can never be done.`,
    );
  }
  // The file's own order where that is one: layers stand in it as they follow each other.
  const place = new Map(graph.node.map((node, index) => [node, index]));
  const fits = graph.node.every((node) =>
    readBy(node).every((input) => {
      const made = maker.get(input);
      return !made || place.get(made)! < place.get(node)!;
    }),
  );
  return fits ? [...graph.node] : sorted;
}

/** Tensors that stand in a file, by the names of the values they are. */
function storedTensors(graph: GraphProto): Map<string, TensorProto> {
  const found = new Map<string, TensorProto>();
  const inputs = new Set(graph.input.map(({ name }) => name));
  // What is an input too may be fed.
  for (const tensor of graph.initializer) if (!inputs.has(tensor.name)) found.set(tensor.name, tensor);
  for (const node of graph.node) {
    const tensor = node.opType === "Constant" ? attributeOf(node, "value")?.t : undefined;
    if (tensor && node.output[0]) found.set(node.output[0], tensor);
  }
  return found;
}

/** A shape as text, not all of it where it is long. */
const shapeOf = (dims: readonly Integer[]): string =>
  `[${dims.slice(0, 8).join(", ")}${dims.length > 8 ? ", …" : ""}]`;

/** @throws ForeignError where a tensor's shape says what its content does not have */
function checkTensor(tensor: TensorProto, name: string): void {
  const { dims, dataType, rawData } = tensor;
  const count = elementCount(dims);
  const shape = shapeOf(dims);
  const wrong = (what: string) =>
    new ForeignError(`${name} is damaged: tensor "${tensor.name}" of shape ${shape} ${what}.`);
  if (dims.some((size) => size < 0) || !Number.isSafeInteger(count)) throw wrong("is none that can be");
  const size = elementBytes(dataType);
  if (rawData !== undefined && rawData.length > 0 && size !== undefined) {
    if (rawData.length !== count * size)
      throw wrong(`should hold ${count * size} bytes, but has ${rawData.length}`);
    return;
  }
  const { floatData, int32Data, int64Data, doubleData, uint64Data, stringData } = tensor;
  const most =
    [rawData, floatData, int32Data, int64Data, doubleData, uint64Data].reduce(
      (sum, bytes) => sum + (bytes?.length ?? 0),
      0,
    ) * (size === undefined ? 8 : 1);
  // A number takes a byte at least.
  if (count > most + (stringData?.length ?? 0)) throw wrong(`should hold ${count} values, but has fewer`);
}

/** Inputs that say how large what a node makes is to be. */
const SIZES: ReadonlyMap<string, number> = new Map(
  Object.entries({
    ConstantOfShape: 0,
    Expand: 1,
    Tile: 1,
    Reshape: 1,
    RandomNormal: -1,
    RandomUniform: -1,
  }),
);

/** @throws ForeignError where a node makes more than could be meant of numbers that stand in the file */
function checkSizes(node: NodeProto, { name, stored }: Pick<ForeignGraph, "name" | "stored">): void {
  const at = SIZES.get(node.opType);
  if (at === undefined) return;
  const tensor = at < 0 ? undefined : stored.get(node.input[at] ?? "");
  let sizes: readonly number[];
  try {
    sizes =
      at < 0
        ? (attributeOf(node, "shape")?.ints ?? []).map(Number)
        : tensor
          ? Array.from(tensorNumbers(tensor))
          : [];
  } catch (error) {
    throw new ForeignError(`${name} is damaged: ${(error as Error).message}.`);
  }
  const count = sizes.reduce((product, size) => product * Math.max(1, size), 1);
  if (count > MOST_ELEMENTS)
    throw new ForeignError(
      `${name} asks for a value of shape [${sizes.slice(0, 8).join(", ")}] in node "${node.name || node.opType}", more than any computer here can hold.`,
    );
}

/** Steps of a loop that nothing but its count ends. */
const MOST_STEPS = 10_000_000;

/**
 * A loop may have any count where a condition ends it: exporters write the greatest there is.
 * @throws ForeignError where nothing ends a loop within a time that one waits
 * @param around constants of the graphs around this one
 */
function checkLoops(graph: GraphProto, around: ReadonlyMap<string, TensorProto>, name: string): void {
  const known = new Map([...around, ...storedTensors(graph)]);
  for (const node of graph.node) {
    for (const inner of graphsOf(node)) checkLoops(inner, known, name);
    if (node.opType !== "Loop") continue;
    const [count, condition] = node.input;
    const body = attributeOf(node, "body")?.g;
    if (!body || !goesOn(body, known)) continue;
    const begins = condition ? known.get(condition) : undefined;
    // A condition that is fed may be no, and then there is no step.
    if (condition && !begins) continue;
    const steps = count ? known.get(count) : undefined;
    if (count && !steps) continue;
    if (!steps || !(Number(firstOf(steps)) <= MOST_STEPS))
      throw new ForeignError(
        `${name} goes on without end: nothing ends the loop "${node.name || node.output[0]}" within ${MOST_STEPS} steps.`,
      );
  }
}

/** The first number of a tensor; none where it has none. */
function firstOf(tensor: TensorProto): number {
  try {
    return tensorNumbers(tensor)[0] ?? 0;
  } catch {
    return 0;
  }
}

/** Whether the body of a loop goes on whatever it computes: it hands its condition on, or says yes. */
function goesOn(body: GraphProto, around: ReadonlyMap<string, TensorProto>): boolean {
  const known = new Map([...around, ...storedTensors(body)]);
  const maker = new Map(body.node.flatMap((node) => node.output.map((output) => [output, node] as const)));
  let value = body.output[0]?.name ?? "";
  for (let node = maker.get(value); node?.opType === "Identity"; node = maker.get(value))
    value = node.input[0] ?? "";
  const constant = known.get(value);
  return value === body.input[1]?.name || (constant !== undefined && firstOf(constant) !== 0);
}
