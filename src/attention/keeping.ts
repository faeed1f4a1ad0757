import { lookOfRows, rowsOf, type TraceLook } from "./trace.js";

/** What of a unit's state stays at a step, by the gate that says so, which is the last word of a look's name. */
const KEEPS: Readonly<Record<string, (open: number) => number>> = {
  forget: (open) => open,
  update: (open) => 1 - open,
};
/** The gate that says what of a step is written, for each that says what is kept. */
const WRITES: Readonly<Record<string, string>> = { forget: "input", update: "update" };

const partsOf = (name: string): [layer: string, gate: string] => {
  const at = name.lastIndexOf(" ");
  return [name.slice(0, Math.max(0, at)), name.slice(at + 1)];
};

/**
 * After how many steps half of what each unit holds is gone, from a gate that says what is kept: log ½ over the mean of the logs of
 * what is kept at each step, infinite where all is. Undefined for other gates.
 * @param look gates, a row each step, [T, 1, H]
 */
export function halfLives(look: TraceLook): number[] | undefined {
  const keeps = KEEPS[partsOf(look.name)[1]];
  const rows = rowsOf(look);
  if (look.kind !== "gates" || !keeps || rows.length === 0) return undefined;
  return Array.from({ length: rows[0]!.length }, (_, unit) => {
    const logs = rows.reduce((sum, row) => sum + Math.log(keeps(row[unit]!)), 0);
    return logs === 0 ? Number.POSITIVE_INFINITY : (-Math.LN2 * rows.length) / logs;
  });
}

/** The middle of numbers, and what a quarter of them is below and above. */
export function quartiles(numbers: readonly number[]): [lower: number, median: number, upper: number] {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (share: number) => {
    const place = share * (sorted.length - 1);
    const [low, high] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
    return low === high ? low : low + (place - Math.floor(place)) * (high - low);
  };
  return [at(0.25), at(0.5), at(0.75)];
}

/**
 * Gates as attention: how much of what each layer holds after a step was written at each step before. What a GRU holds is a mean of its
 * candidates, weighed by w_ts = u_s Π_{s < r ≤ t} (1 − u_r), and what an LSTM's cell holds a sum of them, weighed by i_s Π f_r; both
 * are averaged over units here, as shares of all that was written. Layers that are called "backward" read from the end.
 * @returns a look for each layer whose gates are there, [T, 1, T], named "<layer> holds"
 */
export function heldLooks(looks: readonly TraceLook[]): TraceLook[] {
  return looks.flatMap((look) => {
    const [layer, gate] = partsOf(look.name);
    const keeps = look.kind === "gates" ? KEEPS[gate] : undefined;
    const { from } = look;
    const written = looks.find(({ name }) => name === `${layer} ${WRITES[gate]}`.trimStart());
    if (!keeps || !written || from === undefined) return [];
    const [kept, writes] = [rowsOf(look), rowsOf(written)];
    const steps = kept.length;
    const backward = layer.startsWith("backward");
    const order = Array.from({ length: steps }, (_, index) => (backward ? steps - 1 - index : index));
    const rows = Array.from({ length: steps }, () => new Float64Array(steps));
    const units = kept[0]?.length ?? 0;
    for (let unit = 0; unit < units; unit++) {
      const held = new Float64Array(steps);
      for (const [now, step] of order.entries()) {
        for (const before of order.slice(0, now)) held[before]! *= keeps(kept[step]![unit]!);
        held[step] = writes[step]![unit]!;
        for (const before of order.slice(0, now + 1)) rows[step]![before]! += held[before]!;
      }
    }
    for (const row of rows) {
      const all = row.reduce((sum, share) => sum + share, 0);
      if (all > 0) for (const [place, share] of row.entries()) row[place] = share / all;
    }
    return [
      lookOfRows(rows, {
        name: `${layer} holds`.trimStart(),
        over: from,
        from,
        kind: "weights",
        derived: true,
      }),
    ];
  });
}
