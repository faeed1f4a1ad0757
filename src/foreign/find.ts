import type { NodeProto } from "../onnx/index.js";
import { attributeOf, type ForeignGraph } from "./graph.js";

/** Attention in somebody else's graph: weights over places that a sum of values is taken with. */
export interface FoundAttention {
  /** What it is called: what tells it from the others in the graph's own names. */
  readonly name: string;
  /** What the graph calls the node that makes the weights. */
  readonly node: string;
  /** The value that holds the weights. */
  readonly value: string;
  /** The axis that the weights of one row run along, from the front, or from the back where it is below 0. */
  readonly axis: number;
  /** The axis of the rows, where it is not the last of the others: of what is done step by step, that of the steps. */
  readonly rowAxis?: number;
  /** What the weights of a step are called inside of the loop that makes them, where one does. */
  readonly step?: string;
}

/** Nodes to look in, and what makes and reads each of their values. */
export interface Searched {
  readonly nodes: readonly NodeProto[];
  readonly maker: ReadonlyMap<string, NodeProto>;
  readonly readers: ReadonlyMap<string, readonly NodeProto[]>;
  readonly constants: ReadonlySet<string>;
  /** The operator set. */
  readonly version: number;
}

/** Operators that hand a value on as it is, or changed in a way that leaves it weights, by the inputs that they hand on. */
const HANDS_ON: ReadonlyMap<string, readonly number[]> = new Map(
  Object.entries({
    Add: [0, 1],
    Cast: [0],
    CastLike: [0],
    Div: [0],
    Dropout: [0],
    Expand: [0],
    Flatten: [0],
    Identity: [0],
    Max: [0, 1],
    Mul: [0, 1],
    Reshape: [0],
    Slice: [0],
    Squeeze: [0],
    Transpose: [0],
    Unsqueeze: [0],
    Where: [1, 2],
  }),
);

/** Operators that take a sum of values by weights, whichever side these stand on. */
const SUMS: ReadonlySet<string> = new Set(["MatMul", "Einsum", "FusedMatMul", "Gemm"]);

/** Steps between weights and the sum at most. */
const FAR = 12;

/**
 * Attention among nodes, in their order: a softmax, of one node or of exponentials over their sum, whose result reaches a sum
 * of values that are no constants. A softmax that only leaves the graph, or goes into a layer with weights of its own, tells of
 * classes.
 */
export const attentionAmong = (searched: Searched, node: NodeProto): Omit<FoundAttention, "name">[] => {
  const weights = weightsOf(node, searched);
  return weights && reachesSum(weights.value, searched)
    ? [{ ...weights, node: node.name || weights.value }]
    : [];
};

/** Attention in a graph, in the graph's order, that of loops as what they hand out. */
export function findAttention(graph: ForeignGraph): FoundAttention[] {
  const found = graph.nodes.flatMap((node) => {
    const inside = graph.inside.filter(({ value }) => node.output.includes(value));
    return [...attentionAmong(graph, node), ...inside];
  });
  const names = namesOf(found.map(({ node }) => node));
  return found.map((one, index) => ({ ...one, name: names[index]! }));
}

/** The weights that a node makes, where it ends a softmax. */
function weightsOf(node: NodeProto, graph: Searched): Pick<FoundAttention, "value" | "axis"> | undefined {
  const value = node.output[0] ?? "";
  if (value === "") return undefined;
  if (node.opType === "Softmax") {
    const given = attributeOf(node, "axis")?.i;
    const axis = given === undefined ? undefined : Number(given);
    // Before operator set 13 an axis that was not given was 1, and all axes from it on were one.
    return { value, axis: axis ?? (graph.version < 13 ? 1 : -1) };
  }
  if (node.opType !== "Div") return undefined;
  const [above, below] = node.input.map((input) => through(input, graph));
  if (above?.opType !== "Exp" || below?.opType !== "ReduceSum") return undefined;
  if (through(below.input[0]!, graph) !== above) return undefined;
  const axes = attributeOf(below, "axes")?.ints;
  return { value, axis: axes?.length === 1 ? Number(axes[0]) : -1 };
}

/** The node that makes a value, through those that leave it as it is. */
function through(value: string, { maker }: Searched): NodeProto | undefined {
  let node = maker.get(value);
  for (let steps = 0; node && steps < FAR && /^(Identity|Cast|CastLike|Clip|Max)$/.test(node.opType); steps++)
    node = maker.get(node.input[0]!);
  return node;
}

function reachesSum(weights: string, { readers, constants }: Searched): boolean {
  const seen = new Set([weights]);
  /** Values to look at, and whether they were multiplied by something else that is fed. */
  let edge: { value: string; weighed: boolean }[] = [{ value: weights, weighed: false }];
  for (let steps = 0; steps < FAR && edge.length > 0; steps++) {
    const next: typeof edge = [];
    for (const { value, weighed } of edge)
      for (const node of readers.get(value) ?? []) {
        const others = node.input.filter((input) => input !== "" && input !== value);
        const values = others.some((other) => !constants.has(other));
        if (SUMS.has(node.opType) && values) return true;
        if (/^Reduce(Sum|Mean)$/.test(node.opType) && weighed) return true;
        const handed = HANDS_ON.get(node.opType)?.some((at) => node.input[at] === value);
        const output = node.output[0]!;
        if (!handed || seen.has(output)) continue;
        seen.add(output);
        next.push({ value: output, weighed: weighed || (node.opType === "Mul" && values) });
      }
    edge = next;
  }
  return false;
}

/** What tells names from each other: the parts between slashes that differ, or a number where these say nothing. */
export function namesOf(names: readonly string[]): string[] {
  const paths = names.map((name) => name.split("/").filter((part) => part !== ""));
  const [first = [], ...others] = paths;
  const same = (part: (path: readonly string[]) => string | undefined) =>
    others.every((path) => part(path) === part(first));
  let front = 0;
  while (front < first.length - 1 && same((path) => path[front])) front++;
  let back = 0;
  while (back < first.length - 1 - front && same((path) => path.at(-1 - back))) back++;
  const told = paths.map((path) => path.slice(front, path.length - back).join("/"));
  const plain = told.every((name) => /[a-z]/i.test(name) && !/softmax/i.test(name));
  const distinct = new Set(told).size === told.length;
  return names.length > 1 && plain && distinct ? told : names.map((_, index) => `layer ${index + 1}`);
}
