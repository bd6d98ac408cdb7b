"""Quantises the tall filters of MusiCNN to 8 bits, which CPUs without bf16 multiply twice as fast.

Only the timbral convolutions are quantised: they are most of the arithmetic, and their maximum over
pitch hides rounding. In 8 bits the other layers would change scores by more, and save little.

The melgram varies slowly along both axes, so each rounding error of a filter is passed on to the
next weights of that filter (error diffusion): sums of products change by a third as much as with
rounding alone.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import openvino
from openvino import opset13 as operations

from app.cpus import limits_instructions
from app.networks.core import core
from app.store.manifest.manifest import Manifest

QUANTISED = frozenset({"musicnn"})
"""The architectures with tall filters on the melgram."""

HIGHEST = 7.0
"""At least the largest value of a melgram; that of a square wave at full scale is 6.93."""

LEVELS = 256
LARGEST_WEIGHT = 127

_CPU_FLAGS = Path("/proc/cpuinfo")
_NEEDED = frozenset({"avx512_vnni", "avx_vnni"})
"""Without one of these instructions, sums of products of 8 bits overflow."""

_NEXT = ((0, 1, 7), (1, -1, 3), (1, 0, 5), (1, 1, 1))
"""Of each next weight: steps in time and in pitch, and its share of the error (Floyd-Steinberg)."""


def computes_int8(cpu_info: Path = _CPU_FLAGS) -> bool:
    """Return whether this CPU has, and may use, instructions for sums of products of 8 bits."""
    if limits_instructions():
        return False
    try:
        flags = cpu_info.read_text().split()
    except OSError:  # not Linux
        return False
    return not _NEEDED.isdisjoint(flags)


def has_tall_filters(manifest: Manifest) -> bool:
    """Return whether a model has filters that can be quantised."""
    return manifest.architecture.name in QUANTISED


def quantise(network: openvino.Model) -> openvino.Model:
    """Return a network with its tall filters, and their input, quantised.

    Args:
        network: Melgrams (batch, frames, bands) to scores (batch, tags).
    """
    network = network.clone()
    tall = [node for node in network.get_ordered_ops() if _is_tall_convolution(node)]
    for convolution in tall:
        source = convolution.input_value(0)
        rounded = _rounded(source, *_range_of(source, network))
        filters = _weights(convolution.input_value(1).get_node().data)
        convolution.input(0).replace_source_output(rounded.output(0))
        convolution.input(1).replace_source_output(filters.output(0))
    return network


def diffuse(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.int8]:
    """Round filters, (filters, frames, bands), so that errors of neighbours cancel out."""
    rest = weights.copy()
    rounded = np.zeros(weights.shape, np.int8)
    frames, bands = weights.shape[1:]
    for frame in range(frames):
        step = 1 if frame % 2 == 0 else -1  # to and fro
        for band in range(bands)[::step]:
            here = rest[:, frame, band]
            rounded[:, frame, band] = np.clip(np.round(here), -LARGEST_WEIGHT, LARGEST_WEIGHT)
            error = here - rounded[:, frame, band]
            after = [
                (frame + down, band + step * along, share)
                for down, along, share in _NEXT
                if frame + down < frames and 0 <= band + step * along < bands
            ]
            for place, pitch, share in after:
                rest[:, place, pitch] += error * share / sum(share for *_, share in after)
    return rounded


def _is_tall_convolution(node: openvino.Node) -> bool:
    """Return whether a node's filters, (filters, channels, frames, bands), have several bands."""
    if node.get_type_name() != "Convolution":
        return False
    _, channels, *_, bands = node.input_value(1).get_shape()
    return bool(channels == 1 and bands > 1)


def _range_of(source: openvino.Output, network: openvino.Model) -> tuple[float, float]:
    """Return the range of a normalised melgram, in which 0, the padding, is a level."""
    part = core().compile_model(openvino.Model([source], network.get_parameters()), "CPU")
    shape = [1, *network.input(0).get_partial_shape().get_min_shape()[1:]]
    ends = [part(np.full(shape, value, np.float32))[0] for value in (0, HIGHEST)]
    low, high = float(np.min(ends)), float(np.max(ends))
    level = (high - low) / (LEVELS - 1)
    low = round(low / level) * level
    return low, low + (LEVELS - 1) * level


def _rounded(source: openvino.Output, low: float, high: float) -> openvino.Node:
    ends = [operations.constant(np.full((1, 1, 1, 1), end, np.float32)) for end in (low, high)]
    return operations.fake_quantize(source, *ends, *ends, LEVELS)


def _weights(kernel: npt.NDArray[np.float32]) -> openvino.Node:
    scale = np.abs(kernel).max(axis=(1, 2, 3), keepdims=True) / LARGEST_WEIGHT
    scale = np.where(scale > 0, scale, 1).astype(np.float32)
    rounded = diffuse((kernel / scale)[:, 0].astype(np.float64))[:, np.newaxis]
    numbers = operations.convert(operations.constant(rounded), np.float32)
    return operations.multiply(numbers, operations.constant(scale))
