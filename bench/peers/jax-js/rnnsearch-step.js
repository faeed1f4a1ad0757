// RNNsearch in jax-js on its WASM backend, for comparison with Regard: same weights, same batch, same loss.
import { defaultDevice, init, jit, nn, numpy as np, tree, valueAndGrad } from "@jax-js/jax";

/** Makes a function that takes so many training steps and gives milliseconds and losses. */
export async function prepare({ tensors }) {
  await init("wasm");
  defaultDevice("wasm");
  const arrayOf = ({ shape, data }) => np.array(data).reshape(shape);
  const parameters = {};
  for (const [name, tensor] of Object.entries(tensors))
    if (name !== "source" && name !== "target") parameters[name] = arrayOf(tensor);
  const [steps, batch] = tensors.source.shape;
  const written = tensors.target.shape[0] - 1;
  const hidden = parameters["encoder.forward.candidate"].shape[0];

  // jax-js has no gradient of a lookup, so words are looked up by a product.
  const oneHot = (data, shape, classes) => {
    const found = new Float32Array(data.length * classes);
    data.forEach((token, row) => {
      found[row * classes + token] = 1;
    });
    return np.array(found).reshape([...shape, classes]);
  };
  const batchOf = () => ({
    source: oneHot(tensors.source.data, [steps * batch], parameters["source.table"].shape[0]),
    previous: oneHot(
      tensors.target.data.subarray(0, written * batch),
      [written * batch],
      parameters["target.table"].shape[0],
    ),
    labels: oneHot(
      tensors.target.data.subarray(batch),
      [written * batch],
      parameters["target.table"].shape[0],
    ),
  });

  const lossOf = (p, { source, previous, labels }) => {
    const affine = (x, weight, bias) => {
      const shape = x.shape;
      const flat = np.matmul(x.reshape([-1, shape.at(-1)]), p[weight].ref);
      const moved = p[bias] ? flat.add(p[bias].ref) : flat;
      return moved.reshape([...shape.slice(0, -1), moved.shape.at(-1)]);
    };
    const linear = (name, x) => affine(x, `${name}.weight`, `${name}.bias`);
    const project = (name, x) => affine(x, `${name}.input`, `${name}.bias`);
    const cell = (name, state, projected) => {
      const gates = nn.sigmoid(
        projected.ref.slice([], [0, 2 * hidden]).add(np.matmul(state.ref, p[`${name}.gates`].ref)),
      );
      const reset = gates.ref.slice([], [0, hidden]);
      const update = gates.slice([], [hidden, 2 * hidden]);
      const candidate = np.tanh(
        projected
          .slice([], [2 * hidden, 3 * hidden])
          .add(np.matmul(reset.mul(state.ref), p[`${name}.candidate`].ref)),
      );
      return state.ref.add(update.mul(candidate.sub(state)));
    };
    const encode = (name, x, reverse) => {
      const projected = project(name, x);
      const states = new Array(steps);
      let state = np.zeros([batch, hidden]);
      for (let index = 0; index < steps; index++) {
        const t = reverse ? steps - 1 - index : index;
        state = cell(name, state, projected.ref.slice(t));
        states[t] = state.ref;
      }
      projected.dispose?.();
      return [np.stack(states), state];
    };
    const words = np.matmul(source, p["source.table"].ref).reshape([steps, batch, -1]);
    const [forward, end] = encode("encoder.forward", words.ref, false);
    const [backward, last] = encode("encoder.backward", words, true);
    end.dispose?.();
    const annotations = np.transpose(np.concatenate([forward, backward], -1), [1, 0, 2]);
    const keys = linear("attention.key", annotations.ref);
    let state = np.tanh(linear("start", last));
    const before = np.matmul(previous, p["target.table"].ref).reshape([written, batch, -1]);
    const projected = project("decoder", before.ref);
    const [states, contexts] = [[], []];
    for (let t = 0; t < written; t++) {
      const query = linear("attention.query", state.ref).reshape([batch, 1, -1]);
      const scores = affine(np.tanh(query.add(keys.ref)), "attention.vector").reshape([batch, steps]);
      const weights = nn.softmax(scores, -1);
      const context = np.matmul(weights.reshape([batch, 1, steps]), annotations.ref).reshape([batch, -1]);
      states.push(state.ref);
      contexts.push(context.ref);
      state = cell("decoder", state, projected.ref.slice(t).add(linear("context", context)));
    }
    for (const array of [annotations, keys, projected, state]) array.dispose?.();
    const read = linear("output.state", np.stack(states))
      .add(linear("output.word", before))
      .add(linear("output.context", np.stack(contexts)));
    const half = read.shape[2] / 2;
    const picked = np.maximum(read.ref.slice([], [], [0, half]), read.slice([], [], [half, 2 * half]));
    const logits = linear("output.vocabulary", picked);
    const logs = nn.logSoftmax(logits.reshape([written * batch, -1]), -1);
    return logs
      .mul(labels)
      .sum()
      .mul(-1 / (written * batch));
  };

  const step = jit((p, m, v, rate, epsilon, batch) => {
    const [loss, gradients] = valueAndGrad(lossOf)(tree.ref(p), batch);
    const nextM = tree.map((old, g) => old.mul(0.9).add(g.mul(0.1)), m, tree.ref(gradients));
    const nextV = tree.map((old, g) => old.mul(0.999).add(np.square(g).mul(0.001)), v, gradients);
    const next = tree.map(
      (old, a, b) => old.sub(rate.ref.mul(a).div(np.sqrt(b).add(epsilon.ref))),
      p,
      tree.ref(nextM),
      tree.ref(nextV),
    );
    rate.dispose?.();
    epsilon.dispose?.();
    return [loss, next, nextM, nextV];
  });

  let [p, m, v] = [
    parameters,
    tree.map((x) => np.zerosLike(x.ref), parameters),
    tree.map((x) => np.zerosLike(x.ref), parameters),
  ];
  const given = batchOf();
  let count = 0;
  return async (steps) => {
    const [ms, losses] = [[], []];
    for (let index = 0; index < steps; index++) {
      const started = performance.now();
      count++;
      // The same as dividing both averages, with Adam's 1e-8 beside the divided root.
      const root = Math.sqrt(1 - 0.999 ** count);
      const rate = np.array([(1e-3 * root) / (1 - 0.9 ** count)]);
      const epsilon = np.array([1e-8 * root]);
      let loss;
      [loss, p, m, v] = step(p, m, v, rate, epsilon, tree.ref(given));
      losses.push((await loss.data())[0]);
      ms.push(performance.now() - started);
    }
    return { ms, losses };
  };
}
