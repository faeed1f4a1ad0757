import { Random } from "../core/index.js";
import {
  CLASSES_OUTPUT,
  ForeignError,
  type ForeignGraph,
  LABELS_KEY,
  openGraph,
  type ReadInput,
} from "../foreign/index.js";
import {
  type AttributeProto,
  changed,
  ELEMENT,
  encodeModel,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  tensorNumbers,
} from "../onnx/index.js";

/** What a head adds to a graph: its weights, what it gives before the softmax, and the output with the share of each class. */
const [WEIGHT, BIAS] = ["regard.head.weight", "regard.head.bias"] as const;
export const LOGITS = "regard.logits";

/** The names of the weights of a head. */
export const HEAD: readonly string[] = [WEIGHT, BIAS];

const attributes = {
  whole: (name: string, i: number): AttributeProto => ({ name, type: 2, i }),
  wholes: (name: string, ints: readonly number[]): AttributeProto => ({ name, type: 7, ints }),
};

/** The bytes of numbers of single precision, lowest first, as files have them. */
export const rawFloats = (numbers: ArrayLike<number>): Uint8Array =>
  new Uint8Array(Float32Array.from(numbers).buffer);

/** The classes that a file with a head tells apart; undefined where it has none. */
export function classesOf({ metadataProps, graph }: ModelProto): readonly string[] | undefined {
  if (!graph.initializer.some(({ name }) => name === WEIGHT)) return undefined;
  const found = metadataProps.find(({ key }) => key === LABELS_KEY);
  return found && (JSON.parse(found.value) as string[]);
}

/** How a graph's output becomes features. */
export interface Pooling {
  /** The output that is read: [B, F], [B, L, F] of which the mean over L is taken, or [B, F, …] of an image. */
  readonly output: string;
  readonly rank: number;
  readonly features: number;
  /** The input that says which of L places are there, where there is one. */
  readonly mask?: ReadInput | undefined;
}

/**
 * A file with a layer of classes on one of its outputs, which becomes an output of its own, `regard.classes`. All else is as it was. Its
 * operators mean the same in every operator set from 7 on.
 * @throws ForeignError where the output has another rank
 */
export function withHead(
  { model, name }: ForeignGraph,
  { output, rank, features, mask }: Pooling,
  labels: readonly string[],
  seed: number,
): ForeignGraph {
  const nodes: NodeProto[] = [];
  const stored: TensorProto[] = [];
  const add = (
    opType: string,
    input: string[],
    given: AttributeProto[] = [],
    to = `regard.${nodes.length}`,
  ) => {
    nodes.push({ name: `regard.head.${nodes.length}`, opType, input, output: [to], attribute: given });
    return to;
  };
  const shape = (...dims: number[]) => {
    const tensor = `regard.shape.${stored.length}`;
    const rawData = new Uint8Array(BigInt64Array.from(dims, BigInt).buffer);
    stored.push({ name: tensor, dims: [dims.length], dataType: ELEMENT.int64, rawData });
    return tensor;
  };
  let pooled = output;
  if (rank === 3 && mask) {
    // The mean of what is there: [B, 1, L] times [B, L, F], by how many there are.
    const there = add("Cast", [mask.name], [attributes.whole("to", ELEMENT.float32)]);
    const row = add("Reshape", [there, shape(0, 1, -1)]);
    const count = add("MatMul", [row, add("Reshape", [there, shape(0, -1, 1)])]);
    pooled = add("Reshape", [add("Div", [add("MatMul", [row, output]), count]), shape(0, features)]);
  } else if (rank >= 3) {
    const turned = rank === 3 ? add("Transpose", [output], [attributes.wholes("perm", [0, 2, 1])]) : output;
    pooled = add("Flatten", [add("GlobalAveragePool", [turned])], [attributes.whole("axis", 1)]);
  } else if (rank !== 2)
    throw new ForeignError(
      `output "${output}" of ${name} has ${rank} axes, but classes are told apart by 2, 3 or 4.`,
    );
  const random = new Random(seed, WEIGHT);
  const classes = labels.length;
  stored.push({
    name: WEIGHT,
    dims: [features, classes],
    dataType: ELEMENT.float32,
    rawData: rawFloats(Float32Array.from({ length: features * classes }, () => 0.02 * random.normal())),
  });
  stored.push({
    name: BIAS,
    dims: [classes],
    dataType: ELEMENT.float32,
    rawData: rawFloats(new Float32Array(classes)),
  });
  const logits = add("Gemm", [pooled, WEIGHT, BIAS], [], LOGITS);
  add("Softmax", [logits], [attributes.whole("axis", 1)], CLASSES_OUTPUT);
  const { graph } = model;
  if (graph.output.some((one) => one.name === CLASSES_OUTPUT))
    throw new ForeignError(
      `${name} has an output "${CLASSES_OUTPUT}" already, which is what tuning calls its own.`,
    );
  return opened(
    changed(model, {
      graph: changed(graph, {
        node: [...graph.node, ...nodes],
        initializer: [...graph.initializer, ...stored],
        output: [
          ...graph.output,
          {
            name: CLASSES_OUTPUT,
            type: {
              tensorType: {
                elemType: ELEMENT.float32,
                shape: { dim: [{ dimParam: "batch" }, { dimValue: classes }] },
              },
            },
          },
        ],
      }),
      metadataProps: [...model.metadataProps, { key: LABELS_KEY, value: JSON.stringify(labels) }],
    }),
    name,
  );
}

const opened = (model: ModelProto, name: string): ForeignGraph => openGraph(encodeModel(model), name);

/** A file with other numbers in some of its weights. All else is as it was. */
export function withWeights(
  { model }: ForeignGraph,
  weights: Readonly<Record<string, ArrayLike<number>>>,
): Uint8Array {
  const { graph } = model;
  return encodeModel(
    changed(model, {
      graph: changed(graph, {
        initializer: graph.initializer.map((tensor) => {
          const numbers = weights[tensor.name];
          if (!numbers) return tensor;
          const { floatData: _, ...rest } = tensor;
          return changed({ ...rest } as TensorProto, { rawData: rawFloats(numbers) });
        }),
      }),
    }),
  );
}

/** Weights that can be trained: initialisers of single precision, by their names. */
export const trainable = ({ graph }: ModelProto): TensorProto[] =>
  graph.initializer.filter(
    (tensor) => tensor.dataType === ELEMENT.float32 && tensorNumbers(tensor).length > 1,
  );
