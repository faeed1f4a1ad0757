import { prepare } from "./rnnsearch-step.js";

/** jax-js in the page itself; gives what takes so many steps. */
export const preparePeer = (tensors) => prepare({ tensors });
