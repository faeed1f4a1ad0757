// RNNsearch in TensorFlow.js on its WASM backend, in Node, where it has one thread.
import { version_core } from "@tensorflow/tfjs";
import { load, serve } from "../serve.js";
import { prepare } from "./rnnsearch-step.js";

await serve(
  version_core,
  await prepare({
    tensors: load(),
    threads: 1,
    wasm: new URL("./node_modules/@tensorflow/tfjs-backend-wasm/dist/", import.meta.url).pathname,
  }),
);
