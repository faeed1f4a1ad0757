import { multiplyDimensions, resolveDimension } from "../../core/index.js";
import { showAttendTell } from "../../models/index.js";
import { Mode, Scope } from "../../nn/index.js";
import { input } from "../../ops/index.js";
import type { WorkloadKind } from "../contract.js";
import { someNumbers, someTokens, trainingWork } from "../training.js";

/** Pixels on each side of the images. */
const SIDE = 64;

const captioner = (attention: "soft" | "hard"): WorkloadKind => ({
  id: `captioner-${attention}`,
  description: `training step of a captioner with ${attention} attention, images of ${SIDE} × ${SIDE}`,
  sizes: { batch: 16, targets: 4, length: 12, vocabulary: 40 },
  usual: [[16, 4, 12, 40]],
  peer: "captioner",
  make(given) {
    const [batch, targets, length, vocabulary] = given as [number, number, number, number];
    const scope = Scope.root();
    const model = showAttendTell.build(scope, showAttendTell.configuration.parse({ attention }), {
      target: vocabulary,
      image: [SIDE, SIDE, 3],
      encoded: false,
    });
    const mode = Mode.training();
    const { loss, report } = model.objective(
      {
        source: input("source", "float32", ["batch", SIDE, SIDE, 3]),
        target: input("target", "int32", ["target", multiplyDimensions(targets, "batch")]),
      },
      mode,
    );
    const sizes = new Map([
      ["batch", batch],
      ["target", length + 1],
    ]);
    // Noise is part of the batch, so that all who draw places by it draw the same ones.
    const noise = [...mode.noise].map(([name, { shape }], index) => [
      name,
      someNumbers(
        shape.map((dimension) => resolveDimension(dimension, sizes)),
        index === 0 ? 7907 : 7901,
      ),
    ]);
    return trainingWork({
      title: `captioner training step, ${attention} attention, batch ${batch} with ${targets} captions each, length ${length}`,
      scope,
      loss,
      crossEntropy: report?.loss,
      buffers: mode.buffers,
      batch: {
        source: someNumbers([batch, SIDE, SIDE, 3]),
        target: someTokens([length + 1, targets * batch], vocabulary, 2),
        ...Object.fromEntries(noise),
      },
      sizes,
    });
  },
});

export const captionerSoft = captioner("soft");
export const captionerHard = captioner("hard");
