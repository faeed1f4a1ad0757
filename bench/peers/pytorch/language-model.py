"""An LSTM that predicts the next word, in PyTorch, with its own LSTM."""

import torch
import torch.nn.functional as F

from timing import load, parameters_of, serve

tensors = load()
tokens = tensors.pop("tokens").long()
# Gates lie as input, forget, output, candidate here; PyTorch has the candidate before the output.
hidden = tensors["lstm.recurrent"].shape[0]
order = torch.cat([torch.arange(hidden) + gate * hidden for gate in (0, 1, 3, 2)])
p = parameters_of({name: tensors[name] for name in ("words.table", "output.weight", "output.bias")})
lstm = torch.nn.LSTM(tensors["lstm.input"].shape[0], hidden)
with torch.no_grad():
    lstm.weight_ih_l0.copy_(tensors["lstm.input"].t()[order])
    lstm.weight_hh_l0.copy_(tensors["lstm.recurrent"].t()[order])
    lstm.bias_ih_l0.copy_(tensors["lstm.bias"][order])
    lstm.bias_hh_l0.zero_()


def loss_of():
    states, _ = lstm(F.embedding(tokens[:-1], p["words.table"]))
    logits = F.linear(states, p["output.weight"].t(), p["output.bias"])
    return F.cross_entropy(logits.flatten(0, 1), tokens[1:].flatten(), ignore_index=0)


# The second bias adds nothing; without it PyTorch has as many parameters as the others.
lstm.bias_hh_l0.requires_grad_(False)
serve([*p.values(), lstm.weight_ih_l0, lstm.weight_hh_l0, lstm.bias_ih_l0], loss_of)
