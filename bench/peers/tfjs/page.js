import plain from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url";
import simd from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url";
import threaded from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url";
import { prepare } from "./rnnsearch-step.js";

const url = (path) => new URL(path, location.href).href;

/** TensorFlow.js in the page itself, where its threads work; gives what takes so many steps. */
export const preparePeer = (tensors, threads) =>
  prepare({
    tensors,
    threads,
    wasm: {
      "tfjs-backend-wasm.wasm": url(plain),
      "tfjs-backend-wasm-simd.wasm": url(simd),
      "tfjs-backend-wasm-threaded-simd.wasm": url(threaded),
    },
  });
