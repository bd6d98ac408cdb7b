"""Keras architectures, one a file; the first import of them all takes a moment."""

from app.models.registry import Architecture, architectures, build, network, shapes, variables

__all__ = ["Architecture", "architectures", "build", "network", "shapes", "variables"]
