import { linear } from "../nn/index.js";
import { mechanism, products } from "./mechanism.js";

/** queryᵀ W key, also called bilinear (Luong et al. 2015, section 3.1). */
export const general = mechanism("general", (scope, { query, key }) => ({
  keys: linear(scope, { input: key, output: query, bias: false }),
  scores: products,
}));
