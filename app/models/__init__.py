"""Keras architectures and their front ends; importing them loads TensorFlow and takes seconds."""

from app.models.registry import Architecture, architectures, build, network, shapes, variables

__all__ = ["Architecture", "architectures", "build", "network", "shapes", "variables"]
