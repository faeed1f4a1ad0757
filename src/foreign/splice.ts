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
 * @param kinds the element type of each attention's weights, as numbered in onnx.proto, and how many axes they have
 * @throws ForeignError where the file is older than `Where`
 */
export function withForcing(
  { model, name }: ForeignGraph,
  attentions: readonly FoundAttention[],
  kinds: readonly Kind[],
  bool: number,
): Uint8Array {
  const version =
    model.opsetImport.find(({ domain }) => domain === "" || domain === "ai.onnx")?.version ?? WHERE;
  if (version < WHERE)
    throw new ForeignError(
      `${name} is of operator set ${version}, older than ${WHERE}, so its attention can be seen but not forced.`,
    );
  const nodes = model.graph.node.flatMap((node): NodeProto[] => {
    const here = attentions.flatMap(({ value, step }, index) =>
      node.output.includes(value) ? [{ index, value, step }] : [],
    );
    const [first] = here;
    if (!first) return [node];
    if (first.step !== undefined) return [forcedInside(node, here as Step[], kinds, bool)];
    return forcedNode(node, first, [forceName(first.index), forcedName(first.index)]);
  });
  const inputs = attentions.flatMap((_, index) => [
    typed(forceName(index), { ...kinds[index]!, elemType: bool }),
    typed(forcedName(index), kinds[index]!),
  ]);
  const graph = changed(model.graph, { node: nodes, input: [...model.graph.input, ...inputs] });
  return encodeModel(changed(model, { graph }));
}

/** A type of elements, and a number of axes. */
interface Kind {
  readonly elemType: number;
  readonly rank: number;
}

/** A value with so many axes, of whatever sizes: loops have to know how many there are. */
const typed = (name: string, { elemType, rank }: Kind): ValueInfoProto => ({
  name,
  type: { tensorType: { elemType, shape: { dim: Array.from({ length: rank }, () => ({})) } } },
});

/** A node that makes weights, and behind it what takes others in their place. */
function forcedNode(
  node: NodeProto,
  { index, value }: { readonly index: number; readonly value: string },
  [force, forced]: readonly [force: string, forced: string],
): NodeProto[] {
  const own = `regard.own.${index}`;
  const output = node.output.map((one) => (one === value ? own : one));
  return [
    changed(node, { output }),
    {
      name: `regard.where.${index}`,
      opType: "Where",
      input: [force, forced, own],
      output: [value],
      attribute: [],
    },
  ];
}

/** Attention of a step of a loop. */
interface Step {
  readonly index: number;
  readonly step: string;
}

/** Lists with an entry for each input that is read step by step. */
const BY_INPUT: ReadonlySet<string> = new Set(["scan_input_axes", "scan_input_directions"]);

/** A loop in which weights of a step can be forced: `Scan` reads what they are forced to step by step, `Loop` by the number of the step. */
function forcedInside(
  loop: NodeProto,
  steps: readonly Step[],
  kinds: readonly Kind[],
  bool: number,
): NodeProto {
  const body = loop.attribute.find(({ name }) => name === "body")!;
  const { node, input } = body.g!;
  const isScan = loop.opType === "Scan";
  const names = (index: number) => [`${forceName(index)}.step`, `${forcedName(index)}.step`] as const;
  const picked = isScan
    ? []
    : steps.flatMap(({ index }): NodeProto[] =>
        [forceName(index), forcedName(index)].map((from, at) => ({
          name: names(index)[at]!,
          opType: "Gather",
          input: [from, input[0]!.name],
          output: [names(index)[at]!],
          attribute: [],
        })),
      );
  const nodes = node.flatMap((one): NodeProto[] => {
    const here = steps.find(({ step }) => one.output.includes(step));
    return here ? forcedNode(one, { index: here.index, value: here.step }, names(here.index)) : [one];
  });
  const given = steps.flatMap(({ index }) => {
    const [force, forced] = names(index);
    // Of a step there is no axis of steps.
    const { elemType, rank } = kinds[index]!;
    return [typed(force, { elemType: bool, rank: rank - 1 }), typed(forced, { elemType, rank: rank - 1 })];
  });
  const g = changed(body.g!, {
    node: [...picked, ...nodes],
    input: isScan ? [...input, ...given] : input,
  });
  const attribute = loop.attribute.map((one) => {
    if (one === body) return changed(one, { g });
    if (isScan && one.name === "num_scan_inputs") return changed(one, { i: Number(one.i) + given.length });
    return isScan && BY_INPUT.has(one.name)
      ? changed(one, { ints: [...(one.ints ?? []), ...given.map(() => 0)] })
      : one;
  });
  const read = isScan ? steps.flatMap(({ index }) => [forceName(index), forcedName(index)]) : [];
  return changed(loop, { input: [...loop.input, ...read], attribute });
}
