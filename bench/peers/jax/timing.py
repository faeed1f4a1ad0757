"""What the JAX peers share.

Run: python PROGRAM.py WORK.safetensors THREADS
"""

import os
import sys
from pathlib import Path

# XLA has no option for its threads; it takes the processors it may use.
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[2])])

import jax
import jax.numpy as jnp
from safetensors.numpy import load_file

sys.path.append(str(Path(__file__).parents[1]))
import answering


def load():
    """The weights and the tensors of the batch, by name."""
    return {name: jnp.asarray(value) for name, value in load_file(sys.argv[1]).items()}


def answer(work):
    """Answers standard input with what the work takes and gives."""
    answering.answer(jax.__version__, work)


def serve(parameters, loss_of):
    """Training steps with Adam, as one compiled function whose buffers are given back to it."""

    def step(parameters, m, v, count):
        loss, gradients = jax.value_and_grad(loss_of)(parameters)
        count = count + 1
        m = jax.tree.map(lambda old, g: 0.9 * old + 0.1 * g, m, gradients)
        v = jax.tree.map(lambda old, g: 0.999 * old + 0.001 * g * g, v, gradients)
        rate = 1e-3 * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        # The same as dividing both averages, with Adam's 1e-8 beside the divided root.
        epsilon = 1e-8 * jnp.sqrt(1 - 0.999**count)
        moved = jax.tree.map(lambda p, a, b: p - rate * a / (jnp.sqrt(b) + epsilon), parameters, m, v)
        return loss, moved, m, v, count

    compiled = jax.jit(step, donate_argnums=(0, 1, 2, 3))
    zeros = lambda: jax.tree.map(jnp.zeros_like, parameters)
    state = [parameters, zeros(), zeros(), jnp.zeros(())]

    def work():
        loss, *state[:] = compiled(*state)
        return float(loss)

    answer(work)
