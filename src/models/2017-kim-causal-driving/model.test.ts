import { expect, test } from "vitest";
import { runOnce } from "../../../test/run.js";
import { Random } from "../../core/index.js";
import { unrolled } from "../../decode/index.js";
import { initialValues, Mode, Scope } from "../../nn/index.js";
import type { Values } from "../../session/index.js";
import { steering } from "../../task/index.js";
import { causalDriving } from "./model.js";

const sizes = { frame: [11, 19] as const };
const [STEPS, BATCH] = [5, 3];

function built(more: Readonly<Record<string, unknown>>) {
  const scope = Scope.root();
  const configuration = causalDriving.configuration.parse({
    first: 3,
    features: 5,
    hidden: 7,
    score: 2,
    ...more,
  });
  const model = causalDriving.build(scope, configuration, sizes);
  const parameters: Values = Object.fromEntries(
    scope.parameters.map((parameter) => [
      parameter.name,
      {
        dtype: "float32" as const,
        shape: parameter.shape as number[],
        data: Float32Array.from(initialValues(parameter, 1)),
      },
    ]),
  );
  return { model, parameters };
}

const random = new Random(1, "frames");
const values: Values = {
  frames: {
    dtype: "float32",
    shape: [STEPS, BATCH, 11, 19, 3],
    data: Float32Array.from({ length: STEPS * BATCH * 11 * 19 * 3 }, () => random.uniform()),
  },
  steering: {
    dtype: "float32",
    shape: [STEPS, BATCH],
    data: Float32Array.from({ length: STEPS * BATCH }, () => 2 * random.uniform() - 1),
  },
  // The last drive has ended after 3 frames.
  known: {
    dtype: "float32",
    shape: [STEPS, BATCH],
    data: Float32Array.from({ length: STEPS * BATCH }, (_, at) => (at % 3 === 2 && at >= 9 ? 0 : 1)),
  },
};

test.each([{ context: "concat" }, { context: "sum" }, { attention: "none" }, { entropy: 3 }])(
  "the loss is the mean error of the very steps that are taken one by one: %o",
  async (options) => {
    const { model, parameters } = built(options);
    const inputs = steering.inputs(sizes);
    const { loss, losses, report } = model.objective(
      { ...inputs, ...steering.targets(sizes, "batch") },
      Mode.plain(),
    );
    const run = unrolled(model, steering.drive as never, inputs, Mode.plain());
    const attention = run.looks.attention?.value;
    const found = await runOnce(
      {
        losses,
        loss,
        exact: report?.loss ?? loss,
        said: run.outputs.steering!,
        ...(attention && { attention }),
      },
      { ...parameters, ...values },
    );
    const off = Array.from(
      found.said!.data,
      (said, at) => Math.abs(said - values.steering!.data[at]!) * values.known!.data[at]!,
    );
    expect(found.losses!.data).toBeAllClose(off, 1e-5);
    const mean = off.reduce((a, b) => a + b, 0) / 13;
    expect(found.exact!.data).toBeAllClose([mean], 1e-5);
    expect(attention === undefined).toBe("attention" in options);
    if (!attention) return;
    expect(found.attention!.shape).toEqual([STEPS, BATCH, 15]);
    const rows = Array.from({ length: STEPS * BATCH }, (_, row) =>
      Array.from(found.attention!.data.subarray(row * 15, (row + 1) * 15)),
    );
    expect(rows.map((row) => row.reduce((a, b) => a + b, 0))).toBeAllClose(
      rows.map(() => 1),
      1e-5,
    );
    if (!("entropy" in options)) return;
    const entropies = rows.map(
      (row, at) => row.reduce((sum, p) => sum - p * Math.log(p), 0) * values.known!.data[at]!,
    );
    expect(found.loss!.data).toBeAllClose(
      [mean + (3 / 15) * (entropies.reduce((a, b) => a + b, 0) / 13)],
      1e-5,
    );
  },
);
