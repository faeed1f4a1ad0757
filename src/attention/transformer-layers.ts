import type { Tensor } from "../core/index.js";
import { dropout, layerNorm, linear, type Mode, type Scope } from "../nn/index.js";
import { add } from "../ops/index.js";
import { type KeysAndValues, multiHead } from "./multi-head.js";

/** What the layers of a Transformer have in common. */
export interface TransformerLayerOptions {
  /** Features of a word. */
  readonly features: number;
  /** Features between the two products that go word by word. */
  readonly inner: number;
  readonly heads: number;
  /** Share of what a layer gives that is left out in training. */
  readonly dropout: number;
  /** Whether what is added up is normalised before a layer reads it, or after a layer's is added. */
  readonly norm: "before" | "after";
  /** What stands between the two products. */
  readonly activation: (x: Tensor) => Tensor;
}

/** Attention with heads around which what is read goes on (Vaswani et al. 2017, sections 3.1 and 3.2). */
export interface ResidualAttention {
  keep(places: Tensor): KeysAndValues;
  /** @returns what goes on, [B, T, F] or [B, F], and where each head looked */
  look(
    x: Tensor,
    mode: Mode,
    kept: (x: Tensor) => KeysAndValues,
    mask: Tensor,
  ): { readonly x: Tensor; readonly weights: Tensor };
}

/** The two kinds of layers that Transformers are made of, by the names of their places in a scope. */
export function transformerLayers(scope: Scope, options: TransformerLayerOptions) {
  const { features: F, inner, heads, dropout: rate, norm, activation } = options;

  /** Section 3.1: LayerNorm(x + layer(x)); or x + layer(LayerNorm(x)), which needs no slow start. */
  const around = (at: string) => {
    const normalise = layerNorm(scope.at(`${at}.norm`), { features: F });
    return (x: Tensor, mode: Mode, layer: (x: Tensor) => Tensor): Tensor => {
      const given = (y: Tensor) => dropout(layer(y), rate, mode, `${at}.dropped`);
      return norm === "before" ? add(x, given(normalise(x))) : normalise(add(x, given(x)));
    };
  };

  return {
    /** Section 3.2: attention of x to what `kept` makes of it, and where it looked. */
    attention(at: string): ResidualAttention {
      const attend = multiHead(scope.at(at), { features: F, heads }); // (1)
      const residual = around(at);
      return {
        keep: attend.keep,
        look(x, mode, kept, mask) {
          let weights: Tensor | undefined;
          const next = residual(x, mode, (y) => {
            const found = attend(y, kept(y), mask);
            weights = found.weights;
            return found.context;
          });
          return { x: next, weights: weights! };
        },
      };
    },

    /** (2): activation(x W_1 + b_1) W_2 + b_2, word by word. */
    wordByWord(at: string): (x: Tensor, mode: Mode) => Tensor {
      const first = linear(scope.at(`${at}.first`), { input: F, output: inner });
      const second = linear(scope.at(`${at}.second`), { input: inner, output: F });
      const residual = around(at);
      return (x, mode) => residual(x, mode, (y) => second(activation(first(y))));
    },
  };
}
