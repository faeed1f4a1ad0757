"""What every PyTorch peer does: work that is timed, as much of it as each line of standard input asks for.

Run: python PROGRAM.py eager|compiled WORK.safetensors THREADS
"""

import json
import resource
import sys
import time

import torch
from safetensors.torch import load_file

MODE = sys.argv[1]


def load():
    """The weights and the tensors of the batch, by name."""
    torch.set_num_threads(int(sys.argv[3]))
    return load_file(sys.argv[2])


def parameters_of(tensors):
    return {name: torch.nn.Parameter(value) for name, value in tensors.items()}


def answer(work):
    """Answers each line "N" with a line of JSON: the milliseconds of N pieces of work, what each gave, and peak memory."""
    print(json.dumps({"ready": True, "version": torch.__version__.split("+")[0]}), flush=True)
    for line in sys.stdin:
        times, losses = [], []
        for _ in range(int(line)):
            start = time.perf_counter()
            losses.append(work())
            times.append((time.perf_counter() - start) * 1000)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"ms": times, "losses": losses, "peakBytes": peak}), flush=True)


def serve(parameters, loss_of):
    """Training steps; `loss_of()` gives the loss, or a pair of what is minimised and what is told."""
    parameters = list(parameters)
    # The fastest Adam there is for the CPU.
    optimizer = torch.optim.Adam(parameters, lr=1e-3, fused=True)
    if MODE == "compiled":
        loss_of = torch.compile(loss_of)

    def step():
        loss = loss_of()
        minimised, told = loss if isinstance(loss, tuple) else (loss, loss)
        optimizer.zero_grad(set_to_none=True)
        minimised.backward()
        optimizer.step()
        return told.item()

    answer(step)
