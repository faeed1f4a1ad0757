"""Show, Attend and Tell in JAX: a training step with soft attention."""

import sys

from timing import load, serve

import jax
import jax.numpy as jnp

from images import read

tensors = load()
if "attention.place" in tensors:
    sys.exit("hard attention is compared with PyTorch alone")
images, target = tensors.pop("source"), tensors.pop("target")
repeats = target.shape[1] // images.shape[0]


def linear(p, name, x):
    product = x @ p[f"{name}.weight"]
    return product + p[f"{name}.bias"] if f"{name}.bias" in p else product


def loss_of(p):
    places = read(p, images)
    x = places + p["position"]
    centred = x - x.mean(-1, keepdims=True)
    deviation = jnp.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    annotations = centred / deviation * p["annotations.scale"] + p["annotations.bias"]
    keys = linear(p, "attention.key", annotations)
    mean = annotations.mean(1)
    hidden, cell = jnp.tanh(linear(p, "start.hidden", mean)), jnp.tanh(linear(p, "start.cell", mean))
    repeat = lambda x: jnp.tile(x, (repeats,) + (1,) * (x.ndim - 1))
    annotations, keys, hidden, cell = map(repeat, (annotations, keys, hidden, cell))
    words = p["target.table"][target[:-1]]
    size = hidden.shape[1]

    def step(carried, inputs):
        hidden, cell = carried
        word, projected = inputs
        query = jnp.concatenate([hidden, word], 1)
        scores = (jnp.tanh(linear(p, "attention.query", query)[:, None] + keys) @ p["attention.vector"])[..., 0]
        weights = jax.nn.softmax(scores, -1)
        context = jnp.einsum("bs,bsd->bd", weights, annotations) * jax.nn.sigmoid(linear(p, "attention.gate", query))
        gates = projected + hidden @ p["decoder.recurrent"] + linear(p, "context", context)
        write, forget, output = jnp.split(jax.nn.sigmoid(gates[:, : 3 * size]), 3, 1)
        cell = forget * cell + write * jnp.tanh(gates[:, 3 * size :])
        hidden = output * jnp.tanh(cell)
        return (hidden, cell), (hidden, context)

    projected = words @ p["decoder.input"] + p["decoder.bias"]
    _, (states, contexts) = jax.lax.scan(step, (hidden, cell), (words, projected))
    read_out = jnp.tanh(words + linear(p, "output.state", states) + linear(p, "output.context", contexts))
    logits = linear(p, "output.vocabulary", read_out)
    wanted = target[1:]
    losses = -jnp.take_along_axis(jax.nn.log_softmax(logits, -1), wanted[..., None], -1)[..., 0]
    real = wanted != 0
    return jnp.where(real, losses, 0).sum() / real.sum()


serve(tensors, loss_of)
