// Words a second of skip-gram, in turns: its loops over memory, the graph of the same objective, and gensim where a Python has it.
//
//   node scripts/word-speed.mjs TEXT [words] [rounds]        (REGARD_PEER_GENSIM: a Python with gensim)
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openData } from "../dist/data/open.node.js";
import { modelById } from "../dist/models/index.js";
import { Mode, Scope } from "../dist/nn/index.js";
import { input } from "../dist/ops/index.js";
import { nodeBackend } from "../dist/session/node.js";
import { taskOf } from "../dist/task/index.js";
import { makeOptimizer, TrainingState, trainingStep } from "../dist/train/index.js";

const [path, words = "3000000", rounds = "3"] = process.argv.slice(2);
const card = modelById("skip-gram");
const task = taskOf(card);
const data = await openData("text", { data: path }, { seed: 1 });
let total = 0;
const passages = data.train.filter((passage) => {
  total += passage.length;
  return total <= Number(words);
});
const read = passages.reduce((sum, { length }) => sum + length, 0);
const prepared = task.prepare({ ...data, train: passages }, { vocabulary: { atLeast: 5 } });
const V = prepared.vocabulary.size;
const SGD = makeOptimizer({ name: "sgd", momentum: 0 });
const rate = (seconds, count) => Math.round(count / seconds);
const timed = async (run) => {
  const started = performance.now();
  await run();
  return (performance.now() - started) / 1000;
};

async function loops() {
  const scope = Scope.root();
  const model = card.build(scope, card.configuration.parse({}), task.sizes(prepared));
  const state = TrainingState.initial(scope.parameters, SGD, 1, [], model.learner.workspace);
  const learn = await model.learner.begin(state.place, 1, async function* () {});
  const seconds = await timed(async () => {
    for (let at = 0, step = 0; at < passages.length; at += 256, step++) {
      const { values } = await task.collate(passages.slice(at, at + 256), prepared, {
        kind: "train",
        seed: 1,
        step,
      });
      learn({ batch: { text: values.text.data }, step, stepsPerEpoch: 1, learningRate: 0.05 });
    }
  });
  return rate(seconds, read);
}

/** Pairs a step: a window of 5 has 6 words of its 10 on the average, 0.57 of which are read. */
const [PAIRS_OF_WORD, PAIRS, STEPS] = [6 * 0.57 * 0.57, 4096, 20];

async function graph() {
  const scope = Scope.root();
  const model = card.build(scope, card.configuration.parse({}), task.sizes(prepared));
  const tensors = {
    centre: input("centre", "int32", [PAIRS, "batch"]),
    contexts: input("contexts", "int32", [PAIRS, "batch", 6]),
    counted: input("counted", "float32", [PAIRS, "batch"]),
  };
  const { loss } = model.objective(tensors, Mode.training({}));
  const state = TrainingState.initial(scope.parameters, SGD, 1);
  const session = await nodeBackend.load(trainingStep({ loss, parameters: scope.parameters }));
  const some = (count) => Int32Array.from({ length: count }, (_, index) => 4 + ((index * 7919) % (V - 4)));
  const values = {
    centre: { dtype: "int32", shape: [PAIRS, 1], data: some(PAIRS) },
    contexts: { dtype: "int32", shape: [PAIRS, 1, 6], data: some(6 * PAIRS) },
    counted: { dtype: "float32", shape: [PAIRS, 1], data: new Float32Array(PAIRS).fill(1) },
  };
  const step = async () => {
    await session.run({ ...state.feeds, ...values }, state.into);
    state.update({ loss: 1, step: 1, learningRate: 0.05 });
  };
  await step();
  const seconds = await timed(async () => {
    for (let index = 0; index < STEPS; index++) await step();
  });
  await session.release();
  return rate(seconds, (STEPS * PAIRS) / PAIRS_OF_WORD);
}

const file = join(tmpdir(), `regard-words-${process.pid}.txt`);
const PEER = `
import sys, time
from gensim.models import Word2Vec
lines = [line.split() for line in open(sys.argv[1], encoding="utf8")]
for workers in (1, 2):
    m = Word2Vec(vector_size=100, window=5, negative=5, sg=1, hs=0, sample=1e-4, alpha=0.05, min_count=5, workers=workers)
    m.build_vocab(lines)
    started = time.time()
    m.train(lines, total_examples=m.corpus_count, epochs=1)
    print(round(sum(map(len, lines)) / (time.time() - started)))
`;
const python = process.env.REGARD_PEER_GENSIM;
if (python) writeFileSync(file, passages.map(({ words }) => `${words.join(" ")}\n`).join(""));
console.log(`${read} words, ${V} in the vocabulary`);
for (let round = 0; round < Number(rounds); round++) {
  const own = await loops();
  const [one, two] = python
    ? execFileSync(python, ["-c", PEER, file], { encoding: "utf8" }).trim().split("\n")
    : [];
  console.log(
    [
      `loops ${own}`,
      `graph ${await graph()}`,
      ...(python ? [`gensim 1 thread ${one}, 2 threads ${two}`] : []),
    ].join("  ") + (python ? `  ratio to 2 threads ${(own / Number(two)).toFixed(2)}` : ""),
  );
}
