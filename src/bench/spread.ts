import type { Spread } from "./contract.js";

/** The median of numbers and the quarters around it. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return { median: at(0.5), lower: at(0.25), upper: at(0.75) };
}

/** How y grows with x: the exponent of the power law that fits best by least squares of logarithms. */
export function exponentOf(points: readonly { readonly x: number; readonly y: number }[]): number {
  const logs = points.map(({ x, y }) => [Math.log(x), Math.log(y)] as const);
  const mean = (index: 0 | 1) => logs.reduce((sum, each) => sum + each[index], 0) / logs.length;
  const [mx, my] = [mean(0), mean(1)];
  const products = logs.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0);
  return products / logs.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
}
