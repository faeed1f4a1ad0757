"""Three convolutions with ReLUs and pools in PyTorch eager: same weights, same batch, same loss."""

import torch
import torch.nn.functional as F

from timing import load, serve

tensors = load()
images = tensors.pop("images")
p = {name: torch.nn.Parameter(value) for name, value in tensors.items()}


def layer(name, x):
    return F.relu(F.conv2d(x, p[f"{name}.weight"], p[f"{name}.bias"], padding=1))


def loss_of():
    x = F.max_pool2d(layer("first", images), 2)
    x = F.max_pool2d(layer("second", x), 2)
    return (layer("third", x) - 1).square().mean()


serve(p.values(), loss_of)
