"""Runs a network in OpenVINO, which computes convolutions on a CPU faster than TensorFlow."""

import os
from typing import TYPE_CHECKING

import openvino
import openvino.properties as options
import openvino.properties.hint as hints

from app.cpus import limits_instructions, usable_cpus
from app.domain import Backend, Outputs, Precision, Windows
from app.inference.engine import Engine, windows_of
from app.inference.features import FeatureExtractor
from app.inference.quantisation import quantise
from app.networks.core import core
from app.networks.running import infer
from app.store.registry.imported import ImportedModel

if TYPE_CHECKING:  # imports TensorFlow, which takes seconds
    from app.store.registry.loading import TrackModel

AUDIO_PER_CORE_S = 24.0
"""Larger batches are not faster on a CPU, and requests behind one wait longer."""

MAX_STREAMS = 4
"""Each needs memory of its own. With more cores, several share the work of each stream."""

TYPES = {
    Precision.BF16: openvino.Type.bf16,
    Precision.INT8: openvino.Type.f32,
    Precision.FLOAT32: openvino.Type.f32,
}
"""The types of layers that are not quantised."""


class OpenVINOEngine(Engine):
    """See `app.inference.engine.Engine`.

    Each stream scores a part of a batch on cores of its own. If all cores shared each layer, they
    would wait for each other at its end, and all for the one on which a file is being decoded.
    """

    backend = Backend.OPENVINO
    overlaps = True

    def __init__(
        self, model: "TrackModel | ImportedModel", precision: Precision, extractor: FeatureExtractor
    ) -> None:
        """Compile the network, for batches of any size if it allows that."""
        manifest, cores = model.manifest, usable_cpus()
        self._streams = count_streams(cores)
        batch_windows = windows_of(AUDIO_PER_CORE_S * cores, manifest.window_spec)
        super().__init__(manifest.ref, precision, batch_windows, manifest.window_spec, extractor)
        properties = {
            hints.inference_precision: TYPES[precision],
            options.num_streams: self._streams,
            hints.enable_cpu_pinning: False,  # else streams of two models use the same core
        }
        if cores < len(os.sched_getaffinity(0)):  # a container's quota would stall more threads
            properties[options.inference_num_threads] = cores
        network = model.network if isinstance(model, ImportedModel) else _convert(model)
        if precision is Precision.INT8:
            network = quantise(network)
        if manifest.network:
            self.embedding = manifest.network.embedding
        else:
            outputs = network.output(0).partial_shape[1].get_length()
            self.embedding = outputs - len(manifest.tags.names)
        self.backbone = manifest.backbone
        if self.backbone:
            self.input_shape = (network.input(0).partial_shape[1].get_length(),)
        self._network = core().compile_model(network, "CPU", properties)
        self.warm_up()

    def score(self, windows: Windows) -> Outputs:
        """See `app.inference.engine.Engine`.

        Args:
            windows: (windows, *input_shape) float32.

        Returns:
            (windows, tags + embedding) float32.
        """
        return infer(self._network, windows, self._streams)


def computes_bf16() -> bool:
    """Return whether this CPU has instructions for bf16; without them bf16 is slower.

    OpenVINO also says so where oneDNN may not use them, and there bf16 can end the process.
    """
    if limits_instructions():
        return False
    try:
        return "BF16" in core().get_property("CPU", options.device.capabilities)
    except RuntimeError:  # OpenVINO is broken; building an engine reports how
        return False


def count_streams(cores: int) -> int:
    """Return how many streams share the cores, the same number of cores each."""
    return max(streams for streams in range(1, MAX_STREAMS + 1) if cores % streams == 0)


def _convert(model: "TrackModel") -> openvino.Model:
    from app.inference.keras_conversion import convert

    return convert(model.network)
