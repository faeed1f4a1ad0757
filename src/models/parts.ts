import type { ModelPart } from "./contract.js";

/** The part that looks source words up. */
export const sourceWordsPart = (title: string, equation: string): ModelPart => ({
  id: "source words",
  title,
  scopes: ["source"],
  equations: [equation],
  from: ["source"],
  gives: "[S, B, embedding]",
});

/** The part that looks up the word written before; `index` is the paper's letter for a target step. */
export const targetWordsPart = (index: string): ModelPart => ({
  id: "target words",
  title: "Target word vectors",
  scopes: ["target"],
  equations: [`y_{${index}−1} = E_y[previous word]`],
  from: ["previous word"],
  gives: "[T, B, embedding]",
});
