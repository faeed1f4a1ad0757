import type {
  InferenceSession,
  InferenceSessionFactory,
  Tensor as OrtTensor,
  TensorConstructor,
} from "onnxruntime-common";
import type { DType, TypedArray } from "../core/index.js";
import { lower, type Program } from "../onnx/index.js";
import {
  checkedSession,
  type LoadOptions,
  type Session,
  threadsOf,
  type Value,
  type Values,
} from "./contract.js";

/** What onnxruntime-node and onnxruntime-web have in common. */
export interface Runtime {
  readonly InferenceSession: InferenceSessionFactory;
  readonly Tensor: TensorConstructor;
}

/**
 * Lowers a program and loads it into a stock ONNX Runtime.
 * @param adapt what is different about the way a runtime runs a model
 * @throws UsageError where the number of threads is none
 */
export async function loadProgram(
  runtime: Runtime,
  program: Program,
  options: LoadOptions,
  sessionOptions: InferenceSession.SessionOptions,
  adapt = (model: OpenedModel): OpenedModel => model,
): Promise<Session> {
  const threads = threadsOf(options);
  const { bytes, inputs } = lower(program, options);
  const session = await runtime.InferenceSession.create(bytes, {
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
    ...(threads !== undefined && { intraOpNumThreads: threads }),
    ...sessionOptions,
  });
  return checkedSession(program, inputs, adapt(wrapSession(runtime, session)));
}

/** A tensor of any type that files of others have: of 64 bits in a `BigInt64Array`, of 16 in a `Uint16Array`. */
export interface ForeignValue {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: ArrayBufferView | readonly string[];
}

/** A model from a file, of which nothing is known but its bytes. */
export interface OpenedModel {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** What Regard itself writes has values of its own types alone. */
  run(feeds: Readonly<Record<string, Value | ForeignValue>>, into?: Values): Promise<Record<string, Value>>;
  release(): Promise<void>;
}

/** Opens the bytes of an `.onnx` file. */
export const openModel = async (
  runtime: Runtime,
  bytes: Uint8Array,
  sessionOptions: InferenceSession.SessionOptions = {},
): Promise<OpenedModel> =>
  wrapSession(
    runtime,
    // What goes wrong is thrown, and told by who catches it.
    await runtime.InferenceSession.create(bytes, { logSeverityLevel: FATAL, ...sessionOptions }),
  );

/** The severity from which on a runtime writes to the terminal by itself. */
const FATAL = 4;

/** A port that nothing listens to. */
let nowhere: InstanceType<typeof MessageChannel>["port1"] | undefined;

/** Gives memory back at once, which would be kept until the next collection of garbage. */
function free(buffers: ArrayBuffer[]): void {
  if (!nowhere) {
    const { port1, port2 } = new MessageChannel();
    port2.close();
    nowhere = port1;
  }
  nowhere.postMessage(undefined, buffers);
}

function wrapSession(runtime: Runtime, session: InferenceSession): OpenedModel {
  const wrap = (value: Value | ForeignValue): OrtTensor =>
    new runtime.Tensor(value.dtype as "float32", value.data as Float32Array, value.shape);
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    async run(feeds, into = {}) {
      const given: Record<string, OrtTensor> = {};
      for (const name of session.inputNames) given[name] = wrap(feeds[name]!);
      const fetches: Record<string, OrtTensor | null> = {};
      for (const name of session.outputNames) fetches[name] = into[name] ? wrap(into[name]) : null;
      const results = await session.run(given, fetches);
      const copies: ArrayBuffer[] = [];
      const values = Object.entries(results).map(([name, tensor]) => {
        const given = into[name];
        const data = tensor.data as TypedArray;
        // onnxruntime-node writes into the given array and returns a copy of it besides.
        if (given && data.buffer !== given.data.buffer) copies.push(data.buffer as ArrayBuffer);
        return [name, given ?? { dtype: tensor.type as DType, shape: tensor.dims, data }] as const;
      });
      if (copies.length > 0) free(copies);
      return Object.fromEntries(values);
    },
    release: () => session.release(),
  };
}
