// RNNsearch in TensorFlow.js on its WASM backend, for comparison with Regard: same weights, same batch, same loss.
import * as tf from "@tensorflow/tfjs";
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
    const ones = tf.cast(tf.oneHot(tf.reshape(tokens, [-1]), vocabulary), "float32");
    return tf.reshape(tf.matMul(ones, table), [...tokens.shape, size]);
  };
  const affine = (x, weight, bias) => {
    const flat = tf.matMul(tf.reshape(x, [-1, x.shape.at(-1)]), weight);
    return tf.reshape(bias ? tf.add(flat, bias) : flat, [...x.shape.slice(0, -1), weight.shape[1]]);
  };
  const linear = (name, x) => affine(x, p[`${name}.weight`], p[`${name}.bias`]);
  const project = (name, x) => affine(x, p[`${name}.input`], p[`${name}.bias`]);
  const cell = (name, state, projected) => {
    const gates = tf.sigmoid(
      tf.add(tf.slice(projected, [0, 0], [batch, 2 * hidden]), tf.matMul(state, p[`${name}.gates`])),
    );
    const reset = tf.slice(gates, [0, 0], [batch, hidden]);
    const update = tf.slice(gates, [0, hidden], [batch, hidden]);
    const candidate = tf.tanh(
      tf.add(
        tf.slice(projected, [0, 2 * hidden], [batch, hidden]),
        tf.matMul(tf.mul(reset, state), p[`${name}.candidate`]),
      ),
    );
    return tf.add(state, tf.mul(update, tf.sub(candidate, state)));
  };
  const at = (x, t) => tf.reshape(tf.slice(x, [t, 0, 0], [1, batch, x.shape[2]]), [batch, x.shape[2]]);

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
    const annotations = tf.transpose(tf.concat([forward, backward], -1), [1, 0, 2]);
    const keys = linear("attention.key", annotations);
    let state = tf.tanh(linear("start", last));
    const previous = embed(p["target.table"], tf.slice(target, [0, 0], [written, batch]));
    const projected = project("decoder", previous);
    const [before, contexts] = [[], []];
    for (let t = 0; t < written; t++) {
      const query = tf.expandDims(linear("attention.query", state), 1);
      const scores = tf.squeeze(affine(tf.tanh(tf.add(query, keys)), p["attention.vector"]), [2]);
      const weights = tf.softmax(scores);
      const context = tf.squeeze(tf.matMul(tf.expandDims(weights, 1), annotations), [1]);
      before.push(state);
      contexts.push(context);
      state = cell("decoder", state, tf.add(at(projected, t), linear("context", context)));
    }
    const read = tf.add(
      tf.add(linear("output.state", tf.stack(before)), linear("output.word", previous)),
      linear("output.context", tf.stack(contexts)),
    );
    const [a, b] = tf.split(read, 2, -1);
    const logits = linear("output.vocabulary", tf.maximum(a, b));
    const classes = logits.shape[2];
    const wanted = tf.reshape(tf.slice(target, [1, 0], [written, batch]), [-1]);
    const labels = tf.cast(tf.oneHot(wanted, classes), "float32");
    const logs = tf.logSoftmax(tf.reshape(logits, [-1, classes]));
    return tf.neg(tf.mean(tf.sum(tf.mul(logs, labels), -1)));
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
