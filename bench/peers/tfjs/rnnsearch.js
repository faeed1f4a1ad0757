// RNNsearch in TensorFlow.js on its WASM backend, for comparison with Regard: same weights, same batch, same loss.
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";

/** Makes a function that takes so many training steps and gives milliseconds and losses. */
export async function prepare({ tensors, threads, wasm }) {
  setWasmPaths(wasm);
  setThreadsCount(threads);
  await tf.setBackend("wasm");
  await tf.ready();
  const p = {};
  for (const [name, { shape, data }] of Object.entries(tensors))
    if (name !== "source" && name !== "target") p[name] = tf.variable(tf.tensor(data, shape), true, name);
  const source = tf.tensor(tensors.source.data, tensors.source.shape, "int32");
  const target = tf.tensor(tensors.target.data, tensors.target.shape, "int32");
  const [steps, batch] = tensors.source.shape;
  const written = tensors.target.shape[0] - 1;
  const hidden = p["encoder.forward.candidate"].shape[0];

  // The WASM backend has no kernel for the gradient of a lookup, so words are looked up by a product, as its users do.
  const embed = (table, tokens) => {
    const [vocabulary, size] = table.shape;
    return tf
      .matMul(tf.oneHot(tokens.flatten(), vocabulary).toFloat(), table)
      .reshape([...tokens.shape, size]);
  };
  const affine = (x, weight, bias) => {
    const flat = tf.matMul(x.reshape([-1, x.shape.at(-1)]), weight);
    return (bias ? flat.add(bias) : flat).reshape([...x.shape.slice(0, -1), weight.shape[1]]);
  };
  const linear = (name, x) => affine(x, p[`${name}.weight`], p[`${name}.bias`]);
  const project = (name, x) => affine(x, p[`${name}.input`], p[`${name}.bias`]);
  const cell = (name, state, projected) => {
    const gates = tf.sigmoid(
      projected.slice([0, 0], [batch, 2 * hidden]).add(tf.matMul(state, p[`${name}.gates`])),
    );
    const reset = gates.slice([0, 0], [batch, hidden]);
    const update = gates.slice([0, hidden], [batch, hidden]);
    const candidate = tf.tanh(
      projected
        .slice([0, 2 * hidden], [batch, hidden])
        .add(tf.matMul(reset.mul(state), p[`${name}.candidate`])),
    );
    return state.add(update.mul(candidate.sub(state)));
  };
  const at = (x, t) => x.slice([t, 0, 0], [1, batch, x.shape[2]]).reshape([batch, x.shape[2]]);

  const encode = (name, x, reverse) => {
    const projected = project(name, x);
    const states = new Array(steps);
    let state = tf.zeros([batch, hidden]);
    for (let index = 0; index < steps; index++) {
      const t = reverse ? steps - 1 - index : index;
      // The batch of the benchmark has no padding, so no state needs to be kept.
      state = cell(name, state, at(projected, t));
      states[t] = state;
    }
    return [tf.stack(states), state];
  };

  const lossOf = () => {
    const words = embed(p["source.table"], source);
    const [forward] = encode("encoder.forward", words, false);
    const [backward, last] = encode("encoder.backward", words, true);
    const annotations = tf.concat([forward, backward], -1).transpose([1, 0, 2]);
    const keys = linear("attention.key", annotations);
    let state = tf.tanh(linear("start", last));
    const previous = embed(p["target.table"], target.slice([0, 0], [written, batch]));
    const projected = project("decoder", previous);
    const [before, contexts] = [[], []];
    for (let t = 0; t < written; t++) {
      const query = linear("attention.query", state).expandDims(1);
      const scores = affine(tf.tanh(query.add(keys)), p["attention.vector"]).squeeze([2]);
      const weights = tf.softmax(scores);
      const context = tf.matMul(weights.expandDims(1), annotations).squeeze([1]);
      before.push(state);
      contexts.push(context);
      state = cell("decoder", state, at(projected, t).add(linear("context", context)));
    }
    const read = linear("output.state", tf.stack(before))
      .add(linear("output.word", previous))
      .add(linear("output.context", tf.stack(contexts)));
    const [a, b] = tf.split(read, 2, -1);
    const logits = linear("output.vocabulary", tf.maximum(a, b));
    const classes = logits.shape[2];
    const labels = tf.oneHot(target.slice([1, 0], [written, batch]).flatten(), classes).toFloat();
    return tf
      .logSoftmax(logits.reshape([-1, classes]))
      .mul(labels)
      .sum(-1)
      .mean()
      .neg();
  };

  const optimizer = tf.train.adam(1e-3, 0.9, 0.999, 1e-8);
  return async (count) => {
    const [ms, losses] = [[], []];
    for (let step = 0; step < count; step++) {
      const started = performance.now();
      const loss = optimizer.minimize(lossOf, true);
      losses.push((await loss.data())[0]);
      loss.dispose();
      ms.push(performance.now() - started);
    }
    return { ms, losses };
  };
}
