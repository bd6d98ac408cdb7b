"""The architectures by name, and what builds them, whole or without their front end."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from inspect import signature
from types import ModuleType

import keras

from app.front_ends import FrontEnd, WindowSpec
from app.models import (
    clmr,
    cnnsa,
    crnn,
    embedding_probe,
    ensemble,
    fcn,
    harmonic_cnn,
    multi_level_multi_scale,
    music_tagging_transformer,
    musicnn,
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
from app.models.folding import Folded, Weights
from app.models.front_end import track_frames
from app.models.sizes import check_arguments, check_size


@dataclass(frozen=True)
class Architecture:
    """A network, and what it hears.

    Attributes:
        network: Builds it with random weights: window (batch, *window) to scores (batch, n_tags) in
            0..1. Takes `n_tags`, `window` and arguments of its own.
        front_end: The one that it was published with.
        window_samples: Length of the windows that it was published with.
        folded: Makes, of weights and a window's shape, arguments and weights of a network with the
            same scores and less arithmetic.
        torch_layers: Our names of the layers in the released PyTorch checkpoints.
    """

    network: Callable[..., keras.Model]
    front_end: FrontEnd
    window_samples: int
    folded: Callable[[Weights, Sequence[int]], Folded] | None = None
    torch_layers: Mapping[str, str] | None = None

    @property
    def window_frames(self) -> int:
        """Length of these windows in frames."""
        return self.front_end.frames(self.window_samples)


def architectures() -> Mapping[str, Architecture]:
    """All of them, by name."""
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
        front_end: What comes before the network; by default the published one.
        window_samples: Length of a window; by default the published one.
        arguments: The architecture's own.

    Raises:
        ValueError: There is no such architecture, or it can't be built so.
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
    """Build what comes behind the front end: (batch, *window) to scores (batch, n_tags).

    Raises:
        ValueError: There is no such architecture, or it can't be built so.
    """
    rate = window_spec.front.sample_rate
    check_arguments(arguments)
    return _network(name, n_tags, window_spec.window_shape, rate, arguments)


def shapes(
    name: str, n_tags: int, window_spec: WindowSpec, arguments: Mapping[str, object]
) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a network's weights by their paths, without memory for their values.

    Raises:
        ValueError: As `network`; or it is too large to be built.
    """

    def build_and_measure() -> dict[str, tuple[int, ...]]:
        with keras.StatelessScope(initialize_variables=False):
            built = network(name, n_tags, window_spec, arguments)
        check_size(built)
        return {path: tuple(variable.shape) for path, variable in variables(built).items()}

    # Keras keeps a list of variables without values for each thread, and would fill those of ours
    # when it builds the next network.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(build_and_measure).result()


def variables(model: keras.Model) -> dict[str, keras.Variable]:
    """All weights by a path that is theirs alone, the models inside a model among them."""
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
    make = _architecture(name).network
    given: dict[str, object] = {"n_tags": n_tags, "window": tuple(window)}
    if "sample_rate" in signature(make).parameters:  # it knows which frequencies it hears
        given["sample_rate"] = sample_rate
    try:
        return make(**given, **arguments)
    except (ArithmeticError, AttributeError, LookupError, TypeError) as error:
        raise ValueError(str(error)) from error


def _architecture(name: str) -> Architecture:
    if name not in _ARCHITECTURES:
        raise ValueError(f"no architecture {name!r}; there are {', '.join(_ARCHITECTURES)}")
    return _ARCHITECTURES[name]


def _published(module: ModuleType) -> Architecture:
    """The architecture that a module is named after, with what its constants say of it."""
    name = module.__name__.rpartition(".")[2]
    return Architecture(
        getattr(module, name),
        module.FRONT_END,
        module.WINDOW_SAMPLES,
        getattr(module, "folded", None),
        getattr(module, "TORCH_LAYERS", None),
    )


_ARCHITECTURES: Mapping[str, Architecture] = {
    "fcn": _published(fcn),
    "crnn": _published(crnn),
    "musicnn": _published(musicnn),
    "musicnn_zoo": _published(musicnn_zoo),
    "vgg": _published(vgg),
    "sample_cnn": _published(sample_cnn),
    "sample_cnn_se": _published(sample_cnn_se),
    "sample_cnn_res": _published(sample_cnn_res),
    "sample_cnn_rese": _published(sample_cnn_rese),
    "short_chunk_cnn": _published(short_chunk_cnn),
    "short_chunk_res": _published(short_chunk_res),
    "harmonic_cnn": _published(harmonic_cnn),
    "cnnsa": _published(cnnsa),
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
