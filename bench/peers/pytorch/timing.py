"""What the PyTorch peers share.

Run: python PROGRAM.py eager|compiled WORK.safetensors THREADS
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

sys.path.append(str(Path(__file__).parents[1]))
import answering

MODE = sys.argv[1]


def load():
    """The weights and the tensors of the batch, by name."""
    torch.set_num_threads(int(sys.argv[3]))
    return load_file(sys.argv[2])


def parameters_of(tensors):
    return {name: torch.nn.Parameter(value) for name, value in tensors.items()}


def answer(work):
    """Answers standard input with what the work takes and gives."""
    answering.answer(torch.__version__.split("+")[0], work)


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
