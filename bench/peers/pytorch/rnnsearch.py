"""RNNsearch in PyTorch: a training step, and what decoding shares with it."""

import torch
import torch.nn.functional as F

from timing import load, parameters_of, serve

tensors = load()
source = tensors.pop("source").long()
target = tensors.pop("target").long() if "target" in tensors else None
p = parameters_of(tensors)


def gru_step(name, state, projected):
    hidden = state.shape[1]
    gates = torch.sigmoid(projected[:, : 2 * hidden] + state @ p[f"{name}.gates"])
    reset, update = gates[:, :hidden], gates[:, hidden:]
    candidate = torch.tanh(projected[:, 2 * hidden :] + (reset * state) @ p[f"{name}.candidate"])
    return state + update * (candidate - state)


def project(name, x):
    return F.linear(x, p[f"{name}.input"].t(), p[f"{name}.bias"])


def linear(name, x):
    return F.linear(x, p[f"{name}.weight"].t(), p.get(f"{name}.bias"))


def encode(name, x, mask, reverse):
    projected = project(name, x)
    steps = range(x.shape[0])
    state = x.new_zeros(x.shape[1], p[f"{name}.candidate"].shape[0])
    states = [None] * x.shape[0]
    for t in reversed(steps) if reverse else steps:
        state = torch.where(mask[t, :, None], gru_step(name, state, projected[t]), state)
        states[t] = state
    return torch.stack(states), state


def read(source):
    """Annotations [B, S, 2H], their keys, the mask [B, S] and the first decoder state."""
    mask = source != 0
    words = F.embedding(source, p["source.table"])
    forward, _ = encode("encoder.forward", words, mask, False)
    backward, last = encode("encoder.backward", words, mask, True)
    annotations = torch.cat([forward, backward], -1).transpose(0, 1).contiguous()
    return annotations, linear("attention.key", annotations), mask.t(), torch.tanh(linear("start", last))


def attend(state, annotations, keys, mask):
    query = linear("attention.query", state)
    scores = (torch.tanh(query[:, None] + keys) @ p["attention.vector"]).squeeze(-1)
    weights = torch.softmax(scores.masked_fill(~mask, -1e30), -1)
    return torch.bmm(weights[:, None], annotations)[:, 0]


def logits_of(state, previous, context):
    read_out = linear("output.state", state) + linear("output.word", previous) + linear("output.context", context)
    return linear("output.vocabulary", torch.maximum(*read_out.chunk(2, -1)))


def loss_of():
    annotations, keys, mask, state = read(source)
    previous = F.embedding(target[:-1], p["target.table"])
    projected = project("decoder", previous)
    before, contexts = [], []
    for t in range(previous.shape[0]):
        context = attend(state, annotations, keys, mask)
        before.append(state)
        contexts.append(context)
        state = gru_step("decoder", state, projected[t] + linear("context", context))
    logits = logits_of(torch.stack(before), previous, torch.stack(contexts))
    return F.cross_entropy(logits.flatten(0, 1), target[1:].flatten(), ignore_index=0)


if __name__ == "__main__":
    serve(p.values(), loss_of)
