"""Show, Attend and Tell in PyTorch: a training step with soft attention, or with hard attention where there is noise."""

import torch
import torch.nn.functional as F

from images import encoder_of, weights_of
from timing import load, parameters_of, serve

KEPT, EXPECTED, TINY = 0.99, 0.5, 1e-8
REINFORCEMENT = 0.3

tensors = load()
images, target = tensors.pop("source"), tensors.pop("target").long()
expected_noise, place_noise = tensors.pop("attention.expected", None), tensors.pop("attention.place", None)
hard = place_noise is not None
tensors.pop("attention.earned", None)
tensors.pop("attention.times", None)
p = parameters_of({**tensors, **weights_of(tensors)})
read = encoder_of(p, images)
repeats = target.shape[1] // images.shape[0]
earned, times = torch.zeros(2, tensors["target.table"].shape[0])


def linear(name, x):
    weight = p[f"{name}.weight"]
    return F.linear(x, weight.t(), p.get(f"{name}.bias"))


def loss_of():
    global earned, times
    places = read()
    annotations = F.layer_norm(
        places + p["position"], places.shape[-1:], p["annotations.scale"], p["annotations.bias"], 1e-5
    )
    keys = linear("attention.key", annotations)
    mean = annotations.mean(1)
    hidden, cell = torch.tanh(linear("start.hidden", mean)), torch.tanh(linear("start.cell", mean))
    annotations, keys, hidden, cell = (x.repeat(repeats, *[1] * (x.dim() - 1)) for x in (annotations, keys, hidden, cell))
    words = F.embedding(target[:-1], p["target.table"])
    projected = F.linear(words, p["decoder.input"].t(), p["decoder.bias"])
    expected = expected_noise < EXPECTED if hard else None
    states, contexts, all_weights, all_used = [], [], [], []
    for t in range(words.shape[0]):
        query = torch.cat([hidden, words[t]], 1)
        scores = torch.tanh(linear("attention.query", query)[:, None] + keys) @ p["attention.vector"]
        weights = torch.softmax(scores.squeeze(-1), -1)
        used = weights
        if hard:
            with torch.no_grad():
                sums = weights.cumsum(1)
                mark = sums[:, -1:] * place_noise[t][:, None]
                place = (sums <= mark).sum(1).clamp(max=weights.shape[1] - 1)
                one = F.one_hot(place, weights.shape[1]).to(weights.dtype)
            used = torch.where(expected, weights, one)
            all_weights.append(weights)
            all_used.append(used)
        context = torch.bmm(used[:, None], annotations)[:, 0] * torch.sigmoid(linear("attention.gate", query))
        gates = projected[t] + hidden @ p["decoder.recurrent"] + linear("context", context)
        sigmoids, candidate = gates.split([3 * hidden.shape[1], hidden.shape[1]], 1)
        write, forget, output = torch.sigmoid(sigmoids).chunk(3, 1)
        cell = forget * cell + write * torch.tanh(candidate)
        hidden = output * torch.tanh(cell)
        states.append(hidden)
        contexts.append(context)
    read_out = torch.tanh(
        words + linear("output.state", torch.stack(states)) + linear("output.context", torch.stack(contexts))
    )
    logits = linear("output.vocabulary", read_out)
    losses = F.cross_entropy(logits.flatten(0, 1), target[1:].flatten(), reduction="none").view(target[1:].shape)
    real = (target[1:] != 0).to(losses.dtype)
    losses = losses * real
    count = real.sum()
    loss = losses.sum() / count
    if not hard:
        return loss
    weights, used = torch.stack(all_weights), torch.stack(all_used)
    drawn = real * (1 - expected.to(real.dtype)).view(1, -1)
    reward = -losses.detach()
    log_weights = torch.log(weights + TINY)
    log_place = (used.detach() * log_weights).sum(2)
    average = earned.sum() / times.sum().clamp(min=1)
    baseline = ((earned + average) / (times + 1))[target[1:]]
    score = (drawn * (reward - baseline) * log_place).sum()
    written = target[1:].flatten()
    earned = (earned * KEPT).index_add(0, written, (drawn * reward).flatten())
    times = (times * KEPT).index_add(0, written, drawn.flatten())
    return loss - REINFORCEMENT * score / count, loss


serve(p.values(), loss_of)
