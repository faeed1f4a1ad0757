import type { BitRows } from "../../data/index.js";

/** How many rows are read before nothing but rows of zeros comes, while an answer is put out. */
export const rowsRead = (input: BitRows): number =>
  input.findLastIndex((row) => row.some((value) => value !== 0)) + 1;

/** Rows of bits as people read them: "10010110 01100000"; counts between commas. */
export const bitsText = (rows: BitRows): string =>
  rows.map((row) => row.join(row.every(Number.isInteger) ? "" : ",")).join(" ");
