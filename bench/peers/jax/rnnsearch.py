"""RNNsearch in JAX: a training step, and what decoding shares with it."""

from timing import load, serve

import jax
import jax.numpy as jnp

tensors = load()
source = tensors.pop("source")
target = tensors.pop("target", None)


def gru_step(p, name, state, projected):
    hidden = state.shape[1]
    gates = jax.nn.sigmoid(projected[:, : 2 * hidden] + state @ p[f"{name}.gates"])
    reset, update = gates[:, :hidden], gates[:, hidden:]
    candidate = jnp.tanh(projected[:, 2 * hidden :] + (reset * state) @ p[f"{name}.candidate"])
    return state + update * (candidate - state)


def project(p, name, x):
    return x @ p[f"{name}.input"] + p[f"{name}.bias"]


def linear(p, name, x):
    product = x @ p[f"{name}.weight"]
    return product + p[f"{name}.bias"] if f"{name}.bias" in p else product


def encode(p, name, x, mask, reverse):
    def step(state, inputs):
        projected, kept = inputs
        state = jnp.where(kept[:, None], gru_step(p, name, state, projected), state)
        return state, state

    first = jnp.zeros((x.shape[1], p[f"{name}.candidate"].shape[0]))
    last, states = jax.lax.scan(step, first, (project(p, name, x), mask), reverse=reverse)
    return states, last


def read(p, source):
    mask = source != 0
    words = p["source.table"][source]
    forward, _ = encode(p, "encoder.forward", words, mask, False)
    backward, last = encode(p, "encoder.backward", words, mask, True)
    annotations = jnp.concatenate([forward, backward], -1).transpose(1, 0, 2)
    return annotations, linear(p, "attention.key", annotations), mask.T, jnp.tanh(linear(p, "start", last))


def attend(p, state, annotations, keys, mask):
    query = linear(p, "attention.query", state)
    scores = (jnp.tanh(query[:, None] + keys) @ p["attention.vector"])[..., 0]
    weights = jax.nn.softmax(jnp.where(mask, scores, -1e30), -1)
    return jnp.einsum("bs,bsd->bd", weights, annotations)


def logits_of(p, state, previous, context):
    read_out = linear(p, "output.state", state) + linear(p, "output.word", previous) + linear(p, "output.context", context)
    return linear(p, "output.vocabulary", jnp.maximum(*jnp.split(read_out, 2, -1)))


def cross_entropy(logits, wanted):
    losses = -jnp.take_along_axis(jax.nn.log_softmax(logits, -1), wanted[..., None], -1)[..., 0]
    real = wanted != 0
    return jnp.where(real, losses, 0).sum() / real.sum()


def loss_of(p):
    annotations, keys, mask, state = read(p, source)
    previous = p["target.table"][target[:-1]]

    def step(state, projected):
        context = attend(p, state, annotations, keys, mask)
        return gru_step(p, "decoder", state, projected + linear(p, "context", context)), (state, context)

    _, (before, contexts) = jax.lax.scan(step, state, project(p, "decoder", previous))
    return cross_entropy(logits_of(p, before, previous, contexts), target[1:])


if __name__ == "__main__":
    serve(tensors, loss_of)
