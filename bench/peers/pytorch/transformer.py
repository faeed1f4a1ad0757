"""A Transformer in PyTorch: its own `nn.Transformer`, layers normalised before, words written by the vectors they are read by."""

import math

import torch
import torch.nn.functional as F

from timing import load, parameters_of, serve

HEADS = 8
tensors = load()
source = tensors.pop("source").long().t().contiguous()
target = tensors.pop("target").long().t().contiguous()
width = tensors["source.table"].shape[1]
inner = tensors["encoder.words.1.first.weight"].shape[1]
layers = sum(name.startswith("encoder.words.") and name.endswith(".first.weight") for name in tensors)
p = parameters_of({name: tensors[name] for name in ("source.table", "target.table", "output.bias")})
model = torch.nn.Transformer(
    width, HEADS, layers, layers, inner, dropout=0.0, layer_norm_eps=1e-5, batch_first=True, norm_first=True
)


def take(module, name):
    """The weights [input, output] and biases of a linear layer, or the gain and biases of a normalisation."""
    weight = tensors[f"{name}.weight"] if f"{name}.weight" in tensors else tensors[f"{name}.scale"]
    module.weight.copy_(weight.t() if weight.dim() == 2 else weight)
    module.bias.copy_(tensors[f"{name}.bias"])


def take_attention(module, name):
    parts = [f"{name}.{part}" for part in ("query", "key", "value")]
    module.in_proj_weight.copy_(torch.cat([tensors[f"{part}.weight"].t() for part in parts]))
    module.in_proj_bias.copy_(torch.cat([tensors[f"{part}.bias"] for part in parts]))
    take(module.out_proj, f"{name}.output")


with torch.no_grad():
    for number, layer in enumerate(model.encoder.layers, 1):
        take_attention(layer.self_attn, f"encoder.attention.{number}")
        take(layer.norm1, f"encoder.attention.{number}.norm")
        take(layer.linear1, f"encoder.words.{number}.first")
        take(layer.linear2, f"encoder.words.{number}.second")
        take(layer.norm2, f"encoder.words.{number}.norm")
    for number, layer in enumerate(model.decoder.layers, 1):
        take_attention(layer.self_attn, f"decoder.attention.{number}")
        take(layer.norm1, f"decoder.attention.{number}.norm")
        take_attention(layer.multihead_attn, f"decoder.cross.{number}")
        take(layer.norm2, f"decoder.cross.{number}.norm")
        take(layer.linear1, f"decoder.words.{number}.first")
        take(layer.linear2, f"decoder.words.{number}.second")
        take(layer.norm3, f"decoder.words.{number}.norm")
    take(model.encoder.norm, "encoder.norm")
    take(model.decoder.norm, "decoder.norm")


def positions(length):
    """Sines in the first half of the features, cosines in the second."""
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
    angles = torch.arange(length)[:, None] * rates
    return torch.cat([torch.sin(angles), torch.cos(angles)], -1)


# Both sides are as long here, and what does not change is made once.
length = source.shape[1]
places = positions(length)
causal = torch.nn.Transformer.generate_square_subsequent_mask(length)


def loss_of():
    padding = source == 0
    read = F.embedding(source, p["source.table"]) * math.sqrt(width) + places
    written = F.embedding(target[:, :-1], p["target.table"]) * math.sqrt(width) + places
    x = model(
        read,
        written,
        tgt_mask=causal,
        tgt_is_causal=True,
        src_key_padding_mask=padding,
        memory_key_padding_mask=padding,
    )
    logits = F.linear(x, p["target.table"], p["output.bias"])
    return F.cross_entropy(logits.flatten(0, 1), target[:, 1:].flatten(), ignore_index=0)


serve([*p.values(), *model.parameters()], loss_of)
