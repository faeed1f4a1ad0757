"""What every PyTorch peer does: training steps on one batch, timed, as many as each line of standard input asks for."""

import json
import sys
import time

import torch
from safetensors.torch import load_file


def load():
    """The weights as parameters, and the tensors of the batch by the names given, from the file on the command line."""
    torch.set_num_threads(int(sys.argv[2]))
    return load_file(sys.argv[1])


def serve(parameters, loss_of):
    """Answers each line "N" with a line of JSON: the milliseconds of N training steps and their losses."""
    # The fastest Adam there is for the CPU; PyTorch before 2.4 has no fused one.
    fused = tuple(int(part) for part in torch.__version__.split(".")[:2]) >= (2, 4)
    optimizer = torch.optim.Adam(parameters, lr=1e-3, fused=fused)

    def step():
        loss = loss_of()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.item()

    print(json.dumps({"ready": True, "version": torch.__version__}), flush=True)
    for line in sys.stdin:
        times, losses = [], []
        for _ in range(int(line)):
            start = time.perf_counter()
            losses.append(step())
            times.append((time.perf_counter() - start) * 1000)
        print(json.dumps({"ms": times, "losses": losses}), flush=True)
