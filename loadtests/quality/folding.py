"""Filters of a published model that hardly affect its scores, and what leaving them out changes.

    python -m loadtests.quality.folding mtt-musicnn

A filter of a convolution is replaced by its mean output, and the largest change of a score is
measured, on music, noise and tones. Filters are then replaced together, those with the least effect
first, as many as keep every change within a margin of the bound. Prints what changes on songs of
other packages, and the table `[folding]` for the manifest.
"""

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
import typer

from app.domain import Precision, Samples, Scores, Windows
from app.inference.openvino_engine import OpenVINOEngine
from app.models import architectures
from app.models.folding import NEGLIGIBLE, normalisation
from app.models.front_end import track_frames
from app.store.importers.networks.plausibility import make_clip
from app.store.manifest.manifest import Folding, Manifest
from app.store.registry.golden import FOLDING_TOLERANCE, TOP, golden_waveform
from app.store.registry.loading import TrackModel, assemble, load_folded
from app.store.registry.weights import read_weights
from loadtests.engines import STORE, extractor_of, manifest_of
from loadtests.quality.folding_songs import HELD_OUT, MEASURED, decode_songs
from loadtests.quality.synthetic_sounds import NOISE, RATE, TONES, make
from loadtests.report import Row, publish

MEAN_BOUND, WINDOW_BOUND = FOLDING_TOLERANCE, 0.01
"""Most that a score of a track, and one of a window, may change."""

MARGIN = 0.5
"""Share of the bounds that is used on the sounds that filters are chosen with."""

MOST_REACH = 5.0
"""Filters whose absolute weights, after normalisation, sum to more are never negligible."""

ONE_BY_ONE = 80
"""Number of windows with which the effect of single filters is measured."""

BATCH = 32
CLIPS = 2
"""Of each kind of noise and tones."""

SOURCE = (
    "python -m loadtests.quality.folding, on songs of Debian packages, noise and tones; mean "
    f"scores of a track change by at most {MEAN_BOUND}, scores of a window by {WINDOW_BOUND}"
)

Tracks = Mapping[str, Windows]
Filter = tuple[str, int]


@dataclass(frozen=True)
class Change:
    """The largest changes of scores: of a track, and of a window; and tracks with other tags."""

    mean: float
    window: float
    other_top: tuple[str, ...]

    def is_within(self, share: float) -> bool:
        """Whether it keeps to this share of the bounds, and the golden input has its best tags."""
        bounded = self.mean <= share * MEAN_BOUND and self.window <= share * WINDOW_BOUND
        return bounded and "golden" not in self.other_top


class Model:
    """A model, and its networks with and without filters."""

    def __init__(self, name: str) -> None:
        self.manifest: Manifest = manifest_of(name)
        self.weights = read_weights(STORE, self.manifest)
        architecture = architectures()[self.manifest.architecture.name]
        if architecture.folded_layers is None:
            raise typer.BadParameter(f"{architecture.network} has no filters to fold")
        self.layers = architecture.folded_layers(self.manifest.window_spec.window_shape)

    @cached_property
    def whole(self) -> keras.Model:
        """The network as it was published."""
        arguments = self.manifest.architecture.arguments
        return assemble(self.manifest, arguments, self.weights, Precision.FLOAT32).network

    def without(self, means: Mapping[Filter, float]) -> TrackModel:
        """The model as the service would load it without these filters."""
        folding = Folding(source=SOURCE, filters=by_layer(means))
        manifest = self.manifest.model_copy(update={"folding": folding})
        return load_folded(manifest, self.weights, exact=False)

    def pooled(self, layer: str) -> keras.KerasTensor:
        """The output of a convolution after its normalisation and pooling."""
        normalised = self.whole.get_layer(f"{layer}_bn").output
        return next(each.output for each in self.whole.operations if each.input is normalised)

    def candidates(self) -> list[Filter]:
        """Filters that are not constant, but have small weights."""
        found = []
        for layer in self.layers:
            gain, _ = normalisation(self.weights, f"{layer}_bn")
            reach = np.abs(gain * self.weights[f"{layer}/kernel"]).reshape(-1, len(gain)).sum(0)
            small = np.flatnonzero((reach >= NEGLIGIBLE) & (reach < MOST_REACH))
            found += [(layer, int(number)) for number in small]
        return found


def main(name: str) -> None:
    """Choose filters, and print what leaving them out changes."""
    model = Model(name)
    tracks = measured_tracks(model.manifest)
    means, effects = measure_filters(model, tracks)
    order = sorted(effects, key=effects.__getitem__)
    exact = model.without({})
    before = score(exact, tracks)

    def change_of(count: int) -> Change:
        """What leaving out the first filters changes."""
        smaller = model.without({each: means[each] for each in order[:count]})
        return compare(before, score(smaller, tracks))

    count = most(len(order), lambda count: change_of(count).is_within(MARGIN))
    chosen = {each: means[each] for each in order[:count]}
    smaller = model.without(chosen)
    held_out = tracks_of(model.manifest, decode_songs(HELD_OUT))
    _publish(model, chosen, change_of(count), compare_models(exact, smaller, held_out))


def measured_tracks(manifest: Manifest) -> Tracks:
    """Songs, noise, tones, and the golden input, as windows."""
    random = np.random.default_rng(1)
    sounds = decode_songs(MEASURED)
    for kind, of in {**NOISE, **TONES}.items():
        sounds |= {f"{kind} {number}": make(of, random) for number in range(CLIPS)}
    sounds["clip"] = make_clip(RATE, RATE)
    sounds["golden"] = golden_waveform(manifest.golden, manifest.front_end)
    return tracks_of(manifest, sounds)


def tracks_of(manifest: Manifest, sounds: Mapping[str, Samples]) -> Tracks:
    """The windows of each sound, (windows, frames, bins)."""
    front_end, spec = track_frames(manifest.front_end), manifest.window_spec
    tracks = {}
    for title, samples in sounds.items():
        frames = front_end(samples[np.newaxis])[0]
        tracks[title] = np.asarray(
            tf.signal.frame(frames, spec.window_frames, spec.hop_frames, axis=0)
        )
    return tracks


def measure_filters(
    model: Model, tracks: Tracks
) -> tuple[Mapping[Filter, float], Mapping[Filter, float]]:
    """The mean output of each candidate, and the largest change of a score without it."""
    windows = np.concatenate(list(tracks.values()))
    windows = windows[:: -(-len(windows) // ONE_BY_ONE)]
    means, effects = {}, {}
    outputs = [model.pooled(layer) for layer in model.layers]
    given = _run(keras.Model(model.whole.input, outputs), windows)
    is_parallel = model.manifest.architecture.name == "musicnn"
    for place, layer in enumerate(model.layers):
        cut = slice(None) if is_parallel else slice(place, place + 1)
        rest = tf.function(keras.Model(outputs[cut], model.whole.output), jit_compile=False)
        before = np.asarray(rest(given[cut]))
        for of, number in model.candidates():
            if of == layer:
                mean = means[of, number] = float(given[place][..., number].mean())
                changed = [each.copy() if each is given[place] else each for each in given]
                changed[place][..., number] = mean
                effects[of, number] = float(np.abs(np.asarray(rest(changed[cut])) - before).max())
    return means, effects


def score(model: TrackModel, tracks: Tracks) -> Mapping[str, Scores]:
    """The scores of each track, (windows, tags)."""
    engine = OpenVINOEngine(model, Precision.FLOAT32, extractor_of(model.manifest))
    return {title: engine.score(windows) for title, windows in tracks.items()}


def _run(network: keras.Model, windows: Windows) -> list[npt.NDArray[np.float32]]:
    run = tf.function(lambda batch: network(batch, training=False), reduce_retracing=True)
    batches = [
        keras.tree.flatten(run(windows[start : start + BATCH]))
        for start in range(0, len(windows), BATCH)
    ]
    return [np.concatenate(list(map(np.asarray, parts))) for parts in zip(*batches, strict=True)]


def compare_models(before: TrackModel, after: TrackModel, tracks: Tracks) -> Change:
    """What another network of a model changes."""
    return compare(score(before, tracks), score(after, tracks))


def compare(before: Mapping[str, Scores], after: Mapping[str, Scores]) -> Change:
    """The largest changes, and tracks whose five best tags are others or in another order."""
    means = {title: (before[title].mean(axis=0), after[title].mean(axis=0)) for title in before}
    return Change(
        max(float(np.abs(old - new).max()) for old, new in means.values()),
        max(float(np.abs(before[title] - after[title]).max()) for title in before),
        tuple(title for title, pair in means.items() if len(set(map(_best, pair))) > 1),
    )


def _best(scores: Scores) -> tuple[int, ...]:
    return tuple(np.argsort(-scores, kind="stable")[:TOP])


def most(limit: int, is_allowed: Callable[[int], bool]) -> int:
    """The largest number up to the limit that is allowed, if all smaller ones are."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if is_allowed(middle) else (low, middle - 1)
    return low


def by_layer(means: Mapping[Filter, float]) -> dict[str, tuple[tuple[int, float], ...]]:
    """The numbers of filters and their mean outputs, by layer, as a manifest has them."""
    filters: dict[str, tuple[tuple[int, float], ...]] = {}
    for (layer, number), mean in sorted(means.items()):
        filters[layer] = (*filters.get(layer, ()), (number, round(mean, 6)))
    return filters


def table(means: Mapping[Filter, float]) -> str:
    """The table for the manifest."""
    lines = ["[folding]", f'source = "{SOURCE}"', "[folding.filters]"]
    for layer, filters in by_layer(means).items():
        pairs = " ".join(f"[{number},{mean:.6f}]," for number, mean in filters)
        inside = textwrap.fill(pairs, 100, initial_indent="  ", subsequent_indent="  ")
        lines += [f"{layer} = [", inside, "]"]
    return "\n".join(lines)


def _publish(
    model: Model, chosen: Mapping[Filter, float], measured: Change, held_out: Change
) -> None:
    rows: list[Row] = [
        {
            "sounds": sounds,
            "largest change of a track": f"{change.mean:.5f}",
            "of a window": f"{change.window:.5f}",
            f"other {TOP} best tags": ", ".join(change.other_top) or "none",
        }
        for sounds, change in (("to choose with", measured), ("held out", held_out))
    ]
    publish("folding", f"{model.manifest.ref} without {len(chosen)} filters", rows)
    print(table(chosen))


if __name__ == "__main__":
    typer.run(main)
