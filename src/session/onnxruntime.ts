import type {
  InferenceSession,
  InferenceSessionFactory,
  Tensor as OrtTensor,
  TensorConstructor,
} from "onnxruntime-common";
import type { DType, TypedArray } from "../core/index.js";
import { lower, type Program } from "../onnx/index.js";
import { bindSizes, type LoadOptions, type Session, type Value } from "./contract.js";

/** What onnxruntime-node and onnxruntime-web have in common. */
export interface Runtime {
  readonly InferenceSession: InferenceSessionFactory;
  readonly Tensor: TensorConstructor;
}

/** Lowers a program and loads it into a stock ONNX Runtime. */
export async function loadProgram(
  runtime: Runtime,
  program: Program,
  options: LoadOptions,
  sessionOptions: InferenceSession.SessionOptions,
): Promise<Session> {
  const { bytes, inputs } = lower(program, options);
  const session = await runtime.InferenceSession.create(bytes, {
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
    ...(options.threads !== undefined && { intraOpNumThreads: options.threads }),
    ...sessionOptions,
  });
  const wrap = (value: Value): OrtTensor =>
    new runtime.Tensor(value.dtype as "float32", value.data as Float32Array, value.shape);
  return {
    inputs,
    async run(feeds, into = {}) {
      bindSizes(inputs, feeds);
      const given: Record<string, OrtTensor> = {};
      for (const name of session.inputNames) given[name] = wrap(feeds[name]!);
      const fetches: Record<string, OrtTensor | null> = {};
      for (const name of session.outputNames) fetches[name] = into[name] ? wrap(into[name]) : null;
      const results = await session.run(given, fetches);
      return Object.fromEntries(
        Object.entries(results).map(([name, tensor]) => [
          name,
          { dtype: tensor.type as DType, shape: tensor.dims, data: tensor.data as TypedArray },
        ]),
      );
    },
    release: () => session.release(),
  };
}
