"""Runs a network in OpenVINO, which computes convolutions on a CPU faster than TensorFlow."""

import os

import keras
import openvino
import openvino.properties as options
import openvino.properties.hint as hints

from app.domain import Backend, Precision, Scores, Windows
from app.inference.engine import Engine, windows_of
from app.inference.frames import Framer
from app.store.loading import TrackModel

AUDIO_PER_CORE_S = 24.0
"""Larger batches are no faster on a CPU, and everybody behind one waits longer."""

TYPES = {Precision.BF16: openvino.Type.bf16, Precision.FLOAT32: openvino.Type.f32}


class OpenVINOEngine(Engine):
    """See `app.inference.engine.Engine`. All cores work on one batch: one call at a time."""

    backend = Backend.OPENVINO

    def __init__(self, model: TrackModel, precision: Precision, framer: Framer) -> None:
        """Convert and compile the network for batches of any size."""
        manifest, cores = model.manifest, len(os.sched_getaffinity(0))
        batch_windows = windows_of(AUDIO_PER_CORE_S * cores, manifest.framing)
        super().__init__(manifest.ref, precision, batch_windows, manifest.framing, framer)
        wanted = {
            hints.inference_precision: TYPES[precision],
            hints.performance_mode: hints.PerformanceMode.LATENCY,
        }
        compiled = openvino.compile_model(_converted(model.network), "CPU", wanted)
        self._request = compiled.create_infer_request()
        self.warm_up()

    def score(self, windows: Windows) -> Scores:
        """See `app.inference.engine.Engine`."""
        scores: Scores = self._request.infer({0: windows}, share_inputs=True)[0].copy()
        return scores


def computes_bf16() -> bool:
    """Whether this CPU has instructions for bf16; without them it would only be slower."""
    return "BF16" in openvino.Core().get_property("CPU", options.device.capabilities)


def _converted(network: keras.Model) -> openvino.Model:
    # OpenVINO hands the inputs over as a list, so let the network expect one.
    wanting = keras.Model([network.input], network.output)
    # By default it would go on looking at weights that Keras has long given back.
    converted = openvino.convert_model(wanting, share_weights=False)
    [window] = converted.inputs
    converted.reshape({window: [-1, *network.input_shape[1:]]})
    return converted
