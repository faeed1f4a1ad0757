import { imageEncoder } from "../../models/image-encoder.js";
import { Scope } from "../../nn/index.js";
import { input, reduceMean, square, sub } from "../../ops/index.js";
import type { WorkloadKind } from "../contract.js";
import { someNumbers, trainingWork } from "../training.js";

export const convolutionStep: WorkloadKind = {
  id: "convolution",
  description: "training step of the convolutional network that captioners read images with",
  sizes: { batch: 16, side: 64, features: 128 },
  usual: [
    [16, 64, 128],
    [16, 128, 128],
  ],
  make(given) {
    const [batch, side, features] = given as [number, number, number];
    const scope = Scope.root();
    const read = imageEncoder(scope.at("encoder"), { image: [side, side, 3], encoded: false }, features);
    const places = read(input("source", "float32", ["batch", side, side, 3]));
    return trainingWork({
      title: `convolutional network training step, batch ${batch}, ${side} × ${side}, ${features} features`,
      scope,
      loss: reduceMean(square(sub(places, 1))),
      batch: { source: someNumbers([batch, side, side, 3]) },
      sizes: new Map([["batch", batch]]),
    });
  },
};
