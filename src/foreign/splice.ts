import { changed, encodeModel, type NodeProto, type ValueInfoProto } from "../onnx/index.js";
import { ForeignError } from "./error.js";
import type { FoundAttention } from "./find.js";
import type { ForeignGraph } from "./graph.js";

/** Names of what is spliced in: whether weights are forced, and to what. */
export const forceName = (index: number): string => `regard.force.${index}`;
export const forcedName = (index: number): string => `regard.forced.${index}`;

/** The operator set that brought `Where`. */
const WHERE = 9;

/**
 * A file in which weights can be forced: what each attention makes goes through a `Where` before anything reads it, which takes
 * other weights where an input says so. All else is as it was.
 * @param types the element type of each attention's weights, as numbered in onnx.proto
 * @throws ForeignError where the file is older than `Where`
 */
export function withForcing(
  { model, name }: ForeignGraph,
  attentions: readonly FoundAttention[],
  types: readonly number[],
  bool: number,
): Uint8Array {
  const version =
    model.opsetImport.find(({ domain }) => domain === "" || domain === "ai.onnx")?.version ?? WHERE;
  if (version < WHERE)
    throw new ForeignError(
      `${name} is of operator set ${version}, older than ${WHERE}, so its attention can be seen but not forced.`,
    );
  const own = new Map(attentions.map(({ value }, index) => [value, `regard.own.${index}`]));
  const nodes = model.graph.node.flatMap((node): NodeProto[] => {
    const index = attentions.findIndex(({ value }) => node.output[0] === value);
    if (index < 0) return [node];
    const value = node.output[0]!;
    const before = own.get(value)!;
    const renamed = changed(node, { output: [before, ...node.output.slice(1)] });
    const where: NodeProto = {
      name: `regard.where.${index}`,
      opType: "Where",
      input: [forceName(index), forcedName(index), before],
      output: [value],
      attribute: [],
    };
    return [renamed, where];
  });
  const inputs = attentions.flatMap((_, index) => [
    { name: forceName(index), type: { tensorType: { elemType: bool } } },
    { name: forcedName(index), type: { tensorType: { elemType: types[index]! } } },
  ]);
  const graph = changed(model.graph, {
    node: nodes,
    input: [...model.graph.input, ...inputs] as ValueInfoProto[],
  });
  return encodeModel(changed(model, { graph }));
}
