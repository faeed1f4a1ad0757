"""The convolutional network that captioners read images with, in JAX: a training step of it alone."""

from timing import load, serve

from images import read

tensors = load()
images = tensors.pop("source")

serve(tensors, lambda p: ((read(p, images) - 1) ** 2).mean())
