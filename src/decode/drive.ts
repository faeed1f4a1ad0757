import type { Dimension } from "../core/index.js";

/**
 * How a model is run: all at once; token after token, each fed the one before, until the end mark; fed a row of one of its
 * inputs, [T, B, …], at every step; or freely, as many steps as the model says.
 */
export type Drive =
  | { readonly kind: "once" }
  | {
      readonly kind: "tokens";
      /** Tokens that may be written, as a size that may name sizes of inputs. */
      readonly longest: Dimension;
    }
  | { readonly kind: "rows"; readonly of: string }
  | { readonly kind: "free" };

/** A drive whose steps do not depend on what was written: a model's run is one graph. */
export type PlainDrive = Exclude<Drive, { kind: "tokens" }>;
