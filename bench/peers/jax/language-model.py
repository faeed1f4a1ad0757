"""An LSTM that predicts the next word, in JAX."""

from timing import load, serve

import jax
import jax.numpy as jnp

tensors = load()
tokens = tensors.pop("tokens")


def loss_of(p):
    projected = p["words.table"][tokens[:-1]] @ p["lstm.input"] + p["lstm.bias"]
    hidden = p["lstm.recurrent"].shape[0]

    def step(carried, projected):
        state, cell = carried
        gates = projected + state @ p["lstm.recurrent"]
        write, forget, output = jnp.split(jax.nn.sigmoid(gates[:, : 3 * hidden]), 3, 1)
        cell = forget * cell + write * jnp.tanh(gates[:, 3 * hidden :])
        state = output * jnp.tanh(cell)
        return (state, cell), state

    nothing = jnp.zeros((tokens.shape[1], hidden))
    _, states = jax.lax.scan(step, (nothing, nothing), projected)
    logits = states @ p["output.weight"] + p["output.bias"]
    return -jnp.take_along_axis(jax.nn.log_softmax(logits, -1), tokens[1:, :, None], -1).mean()


serve(tensors, loss_of)
