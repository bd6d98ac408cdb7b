"""The architectures by name, and functions that build them with or without their front end."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from inspect import signature
from types import ModuleType

import keras

from app.front_ends import FrontEnd, WindowSpec
from app.models.architectures import (
    clmr,
    cnnsa,
    cnnsa_musicnn,
    cnnsa_sample_cnn,
    crnn,
    embedding_probe,
    ensemble,
    fcn,
    harmonic_cnn,
    k1c2,
    k2c1,
    k2c2,
    multi_level_multi_scale,
    music_tagging_transformer,
    musicnn,
    musicnn_waveform,
    musicnn_zoo,
    sample_cnn,
    sample_cnn_res,
    sample_cnn_rese,
    sample_cnn_se,
    short_chunk_cnn,
    short_chunk_res,
    spectnt,
    vgg,
)
from app.models.folding import Folded, Negligible, Weights
from app.models.front_end import track_frames
from app.models.sizes import check_arguments, check_size

OWN_BANDS = {"harmonic_cnn"}
"""Networks with trained filters in Hz, which need the bins of the Fourier transform."""

STEREO = (
    *("sample_cnn", "sample_cnn_se", "sample_cnn_res", "sample_cnn_rese", "musicnn_waveform"),
    *("cnnsa_sample_cnn", "clmr", "multi_level_multi_scale"),
)
"""Networks that take samples of two channels, (samples, 2), as well as mono."""


@dataclass(frozen=True)
class Architecture:
    """A network and its published input.

    Attributes:
        network: Builds it with random weights: window (batch, *window) to scores (batch, n_tags) in
            0..1. Takes `n_tags`, `window` and arguments of its own.
        front_end: The published front end.
        window_samples: The published window length, in samples.
        folded: Takes weights, a window's shape and negligible filters; returns arguments and
            weights of a network with the same scores and less arithmetic.
        folded_layers: Takes a window's shape; returns the convolutions that `folded` makes smaller.
        torch_layers: Our layer names by the module names of released PyTorch checkpoints.
        attention: The ending of the names of the layers with attention weights over tokens in
            time, (batch, heads, 1 + tokens, 1 + tokens); the first row is that of a class token.
    """

    network: Callable[..., keras.Model]
    front_end: FrontEnd
    window_samples: int
    folded: Callable[[Weights, Sequence[int], Negligible], Folded] | None = None
    folded_layers: Callable[[Sequence[int]], tuple[str, ...]] | None = None
    torch_layers: Mapping[str, str] | None = None
    attention: str | None = None

    @property
    def window_frames(self) -> int:
        """Return the published window length, in frames."""
        return self.front_end.frames(self.window_samples)


def architectures() -> Mapping[str, Architecture]:
    """Return all architectures by name."""
    return _ARCHITECTURES


def build(
    name: str,
    *,
    n_tags: int,
    front_end: FrontEnd | None = None,
    window_samples: int | None = None,
    **arguments: object,
) -> keras.Model:
    """Build a model with random weights: waveform (batch, samples) to scores (batch, n_tags).

    Args:
        name: One of `architectures()`.
        n_tags: Number of tags.
        front_end: The front end; by default the published one.
        window_samples: Length of a window in samples; by default the published one.
        arguments: Arguments of the architecture.

    Raises:
        ValueError: The architecture is unknown, or can't be built with these arguments.
    """
    architecture = _architecture(name)
    front = front_end or architecture.front_end
    frames = track_frames(front, window_samples or architecture.window_samples)
    count = frames.output_shape[1]
    scoring = network(name, n_tags, WindowSpec(front, count, count), arguments)
    return keras.Model(frames.input, scoring(frames.output), name=name)


def network(
    name: str, n_tags: int, window_spec: WindowSpec, arguments: Mapping[str, object]
) -> keras.Model:
    """Build a network without its front end: (batch, *window) to scores (batch, n_tags).

    Args:
        name: One of `architectures()`.
        n_tags: Number of tags.
        window_spec: The windows and their front end.
        arguments: Arguments of the architecture.

    Raises:
        ValueError: The architecture is unknown, or can't be built with these arguments.
    """
    rate = window_spec.front.sample_rate
    check_arguments(arguments)
    _check_front_end(name, window_spec.front)
    return _network(name, n_tags, window_spec.window_shape, rate, arguments)


def shapes(
    name: str, n_tags: int, window_spec: WindowSpec, arguments: Mapping[str, object]
) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a network's weights by their paths, without allocating the weights.

    Args:
        name: One of `architectures()`.
        n_tags: Number of tags.
        window_spec: The windows and their front end.
        arguments: Arguments of the architecture.

    Raises:
        ValueError: As for `network`, or the network is too large.
    """

    def build_and_measure() -> dict[str, tuple[int, ...]]:
        """Build the network without values, and return the shapes of its weights."""
        with keras.StatelessScope(initialize_variables=False):
            built = network(name, n_tags, window_spec, arguments)
        check_size(built)
        return {path: tuple(variable.shape) for path, variable in variables(built).items()}

    # Keras lists uninitialized variables per thread, and would initialize these when it builds the
    # next network in this thread.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(build_and_measure).result()


def variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Return all weights by unique paths, including those of nested models."""
    found: dict[str, keras.Variable] = {}
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            inside = variables(layer)
            found |= {f"{layer.name}/{path}": variable for path, variable in inside.items()}
        else:
            found |= {variable.path: variable for variable in layer.weights}
    return found


def _network(
    name: str,
    n_tags: int,
    window: Sequence[int],
    sample_rate: int,
    arguments: Mapping[str, object],
) -> keras.Model:
    build_network = _architecture(name).network
    common: dict[str, object] = {"n_tags": n_tags, "window": tuple(window)}
    if "sample_rate" in signature(build_network).parameters:  # its filters depend on frequencies
        common["sample_rate"] = sample_rate
    try:
        return build_network(**common, **arguments)
    except (ArithmeticError, AttributeError, LookupError, TypeError) as error:
        raise ValueError(str(error)) from error


def _check_front_end(name: str, front: FrontEnd) -> None:
    """Check what the shape of a window does not show."""
    spectrum = front.spectrum
    if front.channels > 1 and name not in (*STEREO, "embedding_probe"):
        raise ValueError(
            f"{name}: takes mono, not {front.channels} channels; leave channels out of its front "
            f"end, or choose one of {', '.join(STEREO)}"
        )
    if name not in OWN_BANDS or spectrum is None:
        return
    if spectrum.bands or spectrum.log or spectrum.cepstrum or spectrum.deltas:
        raise ValueError(
            f"{name}: its bands and its logarithm are part of the network, so that its input is "
            "the bins of the Fourier transform; leave bands, log, cepstrum and deltas out of its "
            "front end"
        )


def _architecture(name: str) -> Architecture:
    if name not in _ARCHITECTURES:
        raise ValueError(
            f"{name!r} is not a known architecture; expected one of {', '.join(_ARCHITECTURES)}"
        )
    return _ARCHITECTURES[name]


def _published(module: ModuleType) -> Architecture:
    """Return the architecture that a module defines, with the constants of the module."""
    name = module.__name__.rpartition(".")[2]
    return Architecture(
        getattr(module, name),
        module.FRONT_END,
        module.WINDOW_SAMPLES,
        getattr(module, "folded", None),
        getattr(module, "folded_layers", None),
        getattr(module, "TORCH_LAYERS", None),
        getattr(module, "ATTENTION", None),
    )


_ARCHITECTURES: Mapping[str, Architecture] = {
    "fcn": _published(fcn),
    "crnn": _published(crnn),
    "k1c2": _published(k1c2),
    "k2c1": _published(k2c1),
    "k2c2": _published(k2c2),
    "musicnn": _published(musicnn),
    "musicnn_zoo": _published(musicnn_zoo),
    "musicnn_waveform": _published(musicnn_waveform),
    "vgg": _published(vgg),
    "sample_cnn": _published(sample_cnn),
    "sample_cnn_se": _published(sample_cnn_se),
    "sample_cnn_res": _published(sample_cnn_res),
    "sample_cnn_rese": _published(sample_cnn_rese),
    "short_chunk_cnn": _published(short_chunk_cnn),
    "short_chunk_res": _published(short_chunk_res),
    "harmonic_cnn": _published(harmonic_cnn),
    "cnnsa": _published(cnnsa),
    "cnnsa_musicnn": _published(cnnsa_musicnn),
    "cnnsa_sample_cnn": _published(cnnsa_sample_cnn),
    "music_tagging_transformer": _published(music_tagging_transformer),
    "spectnt": _published(spectnt),
    "clmr": _published(clmr),
    "multi_level_multi_scale": _published(multi_level_multi_scale),
    "ensemble": Architecture(
        partial(ensemble.ensemble, build), ensemble.FRONT_END, ensemble.WINDOW_SAMPLES
    ),
    "embedding_probe": Architecture(
        partial(embedding_probe.embedding_probe, _network), clmr.FRONT_END, clmr.WINDOW_SAMPLES
    ),
}
