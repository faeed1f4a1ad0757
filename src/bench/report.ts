import type { Comparison } from "./contract.js";
import type { Profile } from "./profile.node.js";

const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
const megabytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
const time = (ms: number): string => (ms < 10 ? ms.toFixed(2) : ms.toFixed(1));

/** What a comparison found, as a table to read. */
export function tableOf(found: Comparison): string {
  const rows = found.measured.map(({ name, version, ms, ratio, firstMs, peakBytes }) => [
    version ? `${name} ${version}` : name,
    time(ms.median),
    `${time(ms.lower)}–${time(ms.upper)}`,
    ratio.toFixed(2),
    seconds(firstMs),
    megabytes(peakBytes),
  ]);
  const heads = [`ms a ${found.unit}`, "half of them", "× Regard", "first done", "memory"];
  const columns = ["", ...heads].map((head, index) =>
    Math.max(head.length, ...rows.map((row) => row[index]!.length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, index) => (index === 0 ? cell.padEnd(columns[0]!) : cell.padStart(columns[index]!)))
      .join("  ");
  return [
    found.title,
    `${found.gigaflops.toFixed(2)} GFLOP a ${found.unit}, ${(100 * found.ceilingShare).toFixed(0)} % of this machine's matrix product (${found.ceilingGigaflopsPerSecond.toFixed(0)} GFLOP/s); must hold ${megabytes(found.heldBytes)}; graph loaded in ${seconds(found.loadMs)}; losses agree to ${found.largestLossDifference.toExponential(0)}`,
    "",
    `  ${line(["", ...heads])}`,
    ...rows.map((row) => `  ${line(row)}`),
    ...Object.entries(found.missing).map(([name, reason]) => `  ${name}: ${reason}`),
  ].join("\n");
}

/** Operators that a profile names one by one; the others together. */
const NAMED = 14;

/** Where the time goes, as a table to read. */
export function profileTable({ title, ms, operators }: Profile): string {
  const rest = operators.slice(NAMED);
  const rows = [
    ...operators.slice(0, NAMED),
    ...(rest.length > 0
      ? [
          {
            operator: `${rest.length} others`,
            ms: rest.reduce((sum, each) => sum + each.ms, 0),
            calls: rest.reduce((sum, each) => sum + each.calls, 0),
            share: rest.reduce((sum, each) => sum + each.share, 0),
          },
        ]
      : []),
  ];
  const width = Math.max(...rows.map(({ operator }) => operator.length));
  return [
    title,
    `${time(ms)} ms in operators, each timed by the runtime (its clock slows small ones)`,
    "",
    ...rows.map(
      ({ operator, ms: each, calls, share }) =>
        `  ${operator.padEnd(width)}  ${time(each).padStart(7)} ms  ${(100 * share).toFixed(0).padStart(3)} %  ${calls.toFixed(0).padStart(6)} calls`,
    ),
  ].join("\n");
}
