"""What a recipe's options against skewed tags change, on songs with planted skew.

`python -m loadtests.training.skew [SEEDS]` makes songs of which most have the tag `common` alone,
and few have `wobble` or `rise`. A small network is trained with each option, and measured on test
songs that have the tags more evenly: the mean PR-AUC and ROC-AUC of songs over the rare and over
the frequent tags. Each seed has other weights, windows and order; the songs are the same.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from app.datasets.tracks import Split, SplitTrack, Subset, Track, track_id
from loadtests.report import Row, argument, out, publish, spread

if TYPE_CHECKING:  # decode processes import this module again, and need none of these
    from app.datasets.audio.audio_store import AudioStore

SEEDS = 2
SECONDS, RATE = 4, 16_000

TAGS = ("common", "noise", "wobble", "rise")
RARE = ("wobble", "rise")

KINDS = {
    ("common",): (80, 12, 24),
    ("noise",): (24, 6, 12),
    ("common", "wobble"): (2, 1, 12),
    ("wobble",): (1, 1, 12),
    ("common", "rise"): (2, 1, 12),
    ("rise",): (1, 1, 12),
}
"""By their tags, the number of songs for training, validation and test."""

PARTS = (Subset.TRAIN, Subset.VALIDATION, Subset.TEST)

REPEATED = "rare songs four times"
OPTIONS: Mapping[str, Mapping[str, object]] = {
    "as it is": {},
    "class weights": {"loss": {"class_weights": True}},
    "majority_only .3": {"skew": {"majority_only": 0.3}},
    "mixup .2": {"skew": {"mixup": 0.2}},
    "interpolate 1": {"skew": {"interpolate": 1.0}},
    "majority_only .3, interpolate 1": {"skew": {"majority_only": 0.3, "interpolate": 1.0}},
    REPEATED: {},
}

BANDS = {"n_mels": 48, "f_min": 50, "f_max": 4_000}
SPECTRUM = {"n_fft": [1024], "hop": 512, "bands": BANDS, "log": {"floor": 1e-6}}
PHASE = {
    "name": "tags",
    "architecture": "musicnn_zoo",
    "arguments": {
        "timbral_channels": 16,
        "temporal_channels": 8,
        "mid_channels": 16,
        "hidden_units": 32,
    },
    "front_end": {"sample_rate": RATE, "spectrum": SPECTRUM},
    "window_s": 2,
    "crops": {"start_cut": 0, "end_cut": 0, "random_crop": None, "windows": "all", "overlap": 0.5},
    "stages": [{"optimizer": "adam", "learning_rate": 0.002, "epochs": 12, "early_stop": 5}],
}


def main() -> None:
    """Measure and print."""
    seeds = range(1, 1 + argument(SEEDS))
    with tempfile.TemporaryDirectory() as folder:
        root, split = Path(folder), Split("skewed", TAGS, "skewed", tuple(placed()))
        store = stored(root, split)
        rows: list[Row] = []
        for name, options in OPTIONS.items():
            used = repeated(split) if name == REPEATED else split
            figures = [
                measured(root / f"{name}-{seed}", used, store, {**PHASE, **options}, seed)
                for seed in seeds
            ]
            out.print(name, figures)
            columns = zip(*figures, strict=True)
            titles = ("rare PR", "rare ROC", "frequent PR", "frequent ROC")
            rows.append(
                {"option": name}
                | {title: spread(each) for title, each in zip(titles, columns, strict=True)}
            )
    publish("train-skew", f"Skew: min / median / max of {len(seeds)} seeds", rows)


def placed() -> Iterator[SplitTrack]:
    """Yield the songs, each of its own artist."""
    number = 0
    for tags, counts in KINDS.items():
        for part, count in zip(PARTS, counts, strict=True):
            for _ in range(count):
                path = f"{number}.flac"
                track = Track(track_id("skewed", path), "skewed", path, f"artist {number}", tags)
                yield SplitTrack(track, part)
                number += 1


def repeated(split: Split) -> Split:
    """Return the split with four crops of each rare training song in an epoch."""
    tracks = (
        replace(each, repeats=4)
        if each.part is Subset.TRAIN and set(each.track.tags) & set(RARE)
        else each
        for each in split.placed
    )
    return replace(split, placed=tuple(tracks))


def stored(root: Path, split: Split) -> "AudioStore":
    """Make the songs, and store them."""
    from app.datasets.audio.audio_store import AudioStore
    from app.datasets.audio.storing import store_tracks

    folder = root / "audio" / "skewed"
    folder.mkdir(parents=True)
    for number, each in enumerate(split.placed):
        soundfile.write(folder / each.track.path, song(each.track.tags, number), RATE)
    tracks, to = [each.track for each in split.placed], root / "store"
    store_tracks(tracks, root / "audio", to, sample_rate=RATE, jobs=2, on_progress=lambda *_: None)
    return AudioStore.open(to)


def song(tags: Sequence[str], seed: int) -> np.ndarray:
    """Return a sum: a steady tone (common), noise, a vibrato (wobble), a rising tone (rise)."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(SECONDS * RATE) / RATE
    sound = 0.3 * rng.uniform(0.5, 1) * rng.normal(size=len(time_s))
    bases = 300 * 2 ** rng.uniform(-1, 1, len(tags))
    for tag, base in zip(tags, bases, strict=True):
        if tag == "noise":
            sound = sound + rng.normal(size=len(time_s))
            continue
        octaves = {
            "common": np.zeros(len(time_s)),
            "wobble": 0.08 * np.sin(2 * np.pi * rng.uniform(4, 7) * time_s),
            "rise": (time_s * rng.uniform(0.7, 1.4)) % 1,
        }[tag]
        sound = sound + np.sign(np.sin(2 * np.pi * np.cumsum(base * 2**octaves) / RATE))
    return np.asarray(0.1 * sound)


def measured(
    folder: Path, split: Split, store: "AudioStore", phase: Mapping[str, object], seed: int
) -> tuple[float, float, float, float]:
    """Train, and return PR-AUC and ROC-AUC of the rare, then of the frequent tags."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    from app.datasets.audio.cropping import window_at
    from app.training.loop.networks import build
    from app.training.recipe.schema import Phase, Recipe
    from app.training.run.recipe_run import Job, train

    recipe = Recipe.model_validate({"name": "a", "summary": "", "source": "", "phases": [phase]})
    ignore = lambda *_: None  # noqa: E731
    trained = train(Job(recipe, split, store, folder, seed, ignore, ignore, ignore))
    built = build(Phase.model_validate({**phase, "skew": {}}), len(TAGS))
    built.assign(trained.weights)
    window, scores = built.window_spec.window_samples, []
    tests = [each.track for each in split.part(Subset.TEST)]
    for track in tests:
        samples = store.samples(track.id)
        both = [window_at(samples, start, window) for start in (0, len(samples) - window)]
        scores.append(np.mean(built.training_model(np.stack(both), training=False), axis=0))
    labels = np.array([[tag in track.tags for tag in TAGS] for track in tests])
    areas = [
        [area(labels[:, tag], np.stack(scores)[:, tag]) for tag in range(len(TAGS))]
        for area in (average_precision_score, roc_auc_score)
    ]
    frequent, rare = np.mean(np.reshape(areas, (2, 2, 2)), axis=2).T
    return (*rare.tolist(), *frequent.tolist())


if __name__ == "__main__":
    main()
