"""The convolutional network that captioners read images with, in JAX."""

import jax


def read(p, images):
    """Features of the places, [B, places, features]."""
    names = sorted({key.rsplit(".", 1)[0] for key in p if key.startswith("encoder.")})
    x = (images - 0.5) * 4
    for index, name in enumerate(names):
        stride = 2 if index < len(names) - 1 else 1
        weight = p[f"{name}.weight"].reshape(3, 3, x.shape[-1], -1)
        x = jax.lax.conv_general_dilated(
            x, weight, (stride, stride), [(1, 1), (1, 1)], dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        x = jax.nn.relu(x + p[f"{name}.bias"])
    return x.reshape(x.shape[0], -1, x.shape[-1])
