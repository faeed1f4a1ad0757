import {
  type AttributeProto,
  changed,
  type GraphProto,
  type ModelProto,
  type NodeProto,
} from "../onnx/index.js";
import { attentionAmong, type FoundAttention, type Searched } from "./find.js";

/** Operators that do a graph step by step, and how many outputs of it are not theirs: whether a loop goes on. */
const STEPWISE: ReadonlyMap<string, number> = new Map([
  ["Scan", 0],
  ["Loop", 1],
]);
/** Lists with an entry for each output that is stacked. */
const BY_OUTPUT: ReadonlySet<string> = new Set(["scan_output_axes", "scan_output_directions"]);

/** Nodes of a graph, what makes and reads each of their values, and those that are the same whatever is fed. */
export function searched(
  { node: nodes, initializer }: GraphProto,
  around: Pick<Searched, "constants" | "version">,
): Searched {
  const maker = new Map<string, NodeProto>();
  const readers = new Map<string, NodeProto[]>();
  const constants = new Set([...around.constants, ...initializer.map(({ name }) => name)]);
  for (const node of nodes) {
    for (const output of node.output) if (output !== "") maker.set(output, node);
    for (const input of new Set(node.input)) {
      const known = readers.get(input);
      if (known) known.push(node);
      else readers.set(input, [node]);
    }
    if (node.opType === "Constant") for (const output of node.output) constants.add(output);
  }
  return { nodes, maker, readers, constants, version: around.version };
}

/**
 * A file whose loops hand out the weights of the attention inside of them, stacked step by step, beside what they gave before; and these.
 * Undefined where no loop has any.
 */
export function withInside(
  model: ModelProto,
  around: Pick<Searched, "constants" | "version">,
): { readonly model: ModelProto; readonly inside: readonly Omit<FoundAttention, "name">[] } | undefined {
  const inside: Omit<FoundAttention, "name">[] = [];
  const nodes = model.graph.node.map((node): NodeProto => {
    const own = STEPWISE.get(node.opType);
    const body = node.attribute.find(({ name }) => name === "body");
    if (own === undefined || node.domain || !body?.g) return node;
    const graph = searched(body.g, around);
    const found = graph.nodes.flatMap((one) => attentionAmong(graph, one));
    if (found.length === 0) return node;
    const names = found.map((_, index) => `regard.inside.${inside.length + index}`);
    found.forEach(({ axis, node: name, value }, index) => {
      inside.push({
        node: name,
        value: names[index]!,
        axis: axis < 0 ? axis : axis + 1,
        rowAxis: 0,
        step: value,
      });
    });
    const stepped = changed(body.g, {
      node: [
        ...body.g.node,
        ...found.map(
          ({ value }, index): NodeProto => ({
            name: `${names[index]}.step`,
            opType: "Identity",
            input: [value],
            output: [`${names[index]}.step`],
            attribute: [],
          }),
        ),
      ],
      output: [
        ...body.g.output,
        ...names.map((name) => ({ name: `${name}.step` }) as GraphProto["output"][number]),
      ],
    });
    // Outputs that nobody reads may be left out at the end, but those before others have a place.
    const given = body.g.output.length - own;
    const output = [...node.output, ...new Array<string>(given - node.output.length).fill(""), ...names];
    const attribute = node.attribute.map((one): AttributeProto => {
      if (one === body) return changed(one, { g: stepped });
      return BY_OUTPUT.has(one.name)
        ? changed(one, { ints: [...(one.ints ?? []), ...names.map(() => 0)] })
        : one;
    });
    return changed(node, { output, attribute });
  });
  if (inside.length === 0) return undefined;
  return { model: changed(model, { graph: changed(model.graph, { node: nodes }) }), inside };
}
