// RNNsearch in jax-js on its WASM backend, in Node.
import { load, serve } from "../serve.js";
import { prepare } from "./rnnsearch-step.js";

await serve("0.1.25", await prepare({ tensors: load() }));
