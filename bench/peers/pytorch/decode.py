"""Greedy decoding of sentences by RNNsearch in PyTorch, 50 at a time."""

import torch
import torch.nn.functional as F

from rnnsearch import attend, gru_step, linear, logits_of, p, project, read, source
from timing import MODE, answer

START = 1
TOGETHER = 50
LENGTH = source.shape[0]


def step(annotations, keys, mask, state, previous):
    word = F.embedding(previous, p["target.table"])
    context = attend(state, annotations, keys, mask)
    best, token = torch.log_softmax(logits_of(state, word, context), -1).max(-1)
    after = gru_step("decoder", state, project("decoder", word) + linear("context", context))
    return best, token, after


if MODE == "compiled":
    step = torch.compile(step)
    read = torch.compile(read)


@torch.inference_mode()
def decode():
    total = 0.0
    for part in source.split(TOGETHER, 1):
        annotations, keys, mask, state = read(part)
        previous = torch.full((part.shape[1],), START)
        sums = torch.zeros(part.shape[1])
        for _ in range(LENGTH):
            best, previous, state = step(annotations, keys, mask, state, previous)
            sums += best
        total += sums.sum().item()
    return -total / source.numel()


answer(decode)
