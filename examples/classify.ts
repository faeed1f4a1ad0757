// Classification by attention, from scratch: sequences of symbols, one of which decides. The model finds out which.
import { additive } from "regard/attention";
import { Random } from "regard/core";
import { embedding, linear, Scope } from "regard/nn";
import { crossEntropy, expand, input, logSoftmax, reduceMean } from "regard/ops";
import type { Value } from "regard/session";
import { nodeBackend } from "regard/session/node";
import { adam, fit } from "regard/train";

const [SYMBOLS, CLASSES, LENGTH, BATCH, FEATURES] = [24, 4, 12, 32, 16];

/** Symbols of which the last four say the class, one in each sequence; the others say nothing. A function of the step. */
function batchOf(step: number): { symbols: Value; label: Value } {
  const random = new Random(1, "sequences", step);
  const symbols = Int32Array.from({ length: BATCH * LENGTH }, () => random.integer(SYMBOLS - CLASSES));
  const label = Int32Array.from({ length: BATCH }, () => random.integer(CLASSES));
  label.forEach((name, row) => {
    symbols[row * LENGTH + random.integer(LENGTH)] = SYMBOLS - CLASSES + name;
  });
  return {
    symbols: { dtype: "int32", shape: [BATCH, LENGTH], data: symbols },
    label: { dtype: "int32", shape: [BATCH], data: label },
  };
}

const scope = Scope.root();
const symbols = input("symbols", "int32", ["batch", "length"]);
const label = input("label", "int32", ["batch"]);
const look = embedding(scope.at("symbols"), { vocabulary: SYMBOLS, size: FEATURES });
const attend = additive(scope.at("attention"), { query: FEATURES, key: FEATURES, hidden: FEATURES });
const classify = linear(scope.at("class"), { input: FEATURES, output: CLASSES });
// One question, learnt with all else, is asked of every sequence.
const question = expand(
  scope.parameter("question", [1, FEATURES], (shape) => new Float64Array(shape[1]!)),
  ["batch", FEATURES],
);
const { context, weights } = attend(question, look(symbols));
const logits = classify(context);
const loss = reduceMean(crossEntropy(logits, label).losses);

const { parameters, losses } = await fit({ scope, loss }, batchOf, {
  backend: nodeBackend,
  steps: 400,
  optimizer: adam(),
  learningRate: 0.01,
});
console.log(`The loss fell from ${losses[0]!.toFixed(2)} to ${losses.at(-1)!.toFixed(2)}.`);

const session = await nodeBackend.load({ chances: logSoftmax(logits), weights });
const unseen = batchOf(1_000_000);
const found = await session.run({ ...parameters, symbols: unseen.symbols });
const greatest = (row: ArrayLike<number>) => Array.from(row).indexOf(Math.max(...Array.from(row)));
let [right, looked] = [0, 0];
for (let row = 0; row < BATCH; row++) {
  const place = greatest(found.weights!.data.slice(row * LENGTH, (row + 1) * LENGTH));
  if (unseen.symbols.data[row * LENGTH + place]! >= SYMBOLS - CLASSES) looked++;
  const named = greatest(found.chances!.data.slice(row * CLASSES, (row + 1) * CLASSES));
  if (named === unseen.label.data[row]) right++;
}
console.log(
  `${right} of ${BATCH} unseen sequences are named rightly; it looks at the symbol that decides in ${looked}.`,
);
await session.release();
