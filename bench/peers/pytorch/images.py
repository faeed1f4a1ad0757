"""The convolutional network that captioners read images with, in PyTorch."""

import torch
import torch.nn.functional as F


def weights_of(p, prefix="encoder."):
    """Weights [kernel² · input, output], rows by place and then channel, as PyTorch's [output, input, kernel, kernel]."""
    found = {}
    for name in sorted(key for key in p if key.startswith(prefix) and key.endswith(".weight")):
        weight = p[name]
        channels = weight.shape[0] // 9
        found[name] = weight.reshape(3, 3, channels, -1).permute(3, 2, 0, 1).contiguous()
    return found


def encoder_of(p, images, grid=8, prefix="encoder."):
    """A function from the parameters to the features of the places, [B, places, features]."""
    names = sorted({key.rsplit(".", 1)[0] for key in p if key.startswith(prefix)})
    # The layout PyTorch's convolutions are fastest in on a CPU.
    x0 = ((images - 0.5) * 4).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)

    def read():
        x = x0
        for index, name in enumerate(names):
            stride = 2 if index < len(names) - 1 else 1
            x = F.relu(F.conv2d(x, p[f"{name}.weight"], p[f"{name}.bias"], stride=stride, padding=1))
        return x.permute(0, 2, 3, 1).flatten(1, 2)

    return read
