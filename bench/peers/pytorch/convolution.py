"""The convolutional network that captioners read images with, in PyTorch: a training step of it alone."""

from images import encoder_of, weights_of
from timing import load, parameters_of, serve

tensors = load()
images = tensors.pop("source")
p = parameters_of({**tensors, **weights_of(tensors)})
read = encoder_of(p, images)

serve(p.values(), lambda: (read() - 1).square().mean())
