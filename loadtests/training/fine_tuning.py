"""Fine-tuning compared with `taggram teach` and with training from random weights, on little data.

`python -m loadtests.training.fine_tuning [DRAWS]` makes songs of eight styles. A small network is
trained on many of them, and published. Then models of three new tags are trained on six songs each:
by `taggram train --from`, by `taggram teach`, and from random weights. All are measured on the same
test songs. `teach` trains on the validation songs of the others too, as it needs none. Each draw
has other songs. There are two settings:

    other styles   the published model knows five styles; the new tags are the other three, and one
                   of the five plays in each song too, which is the worst case
    mixtures       the published model knows all styles; the new tags are pairs of them
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from app.datasets.tracks import Split, SplitTrack, Subset, Track, track_id
from loadtests.report import Row, argument, out, publish, spread

DRAWS = 2
SECONDS, RATE = 12, 16_000
KNOWN = ("ambient", "techno", "metal", "chiptune", "reggaedub")
OTHERS = ("dubstep", "minimal", "trance")
PAIRS = {
    "heavy dub": ("metal", "reggaedub"),
    "soft techno": ("ambient", "techno"),
    "arcade": ("chiptune", "dubstep"),
}
BASE_SONGS = {Subset.TRAIN: 24, Subset.VALIDATION: 4}
NEW_SONGS = {Subset.TRAIN: 4, Subset.VALIDATION: 2, Subset.TEST: 12}
"""Songs of each tag."""

CROPS = {"start_cut": 0, "end_cut": 0, "random_crop": None, "windows": "all", "overlap": 0.5}
PHASE = {
    "name": "tags",
    "architecture": "short_chunk_cnn",
    "arguments": {"channels": [8, 8, 16, 16, 32, 32, 64], "hidden_units": 64},
    "batch_size": 8,
    "crops": CROPS,
}
FROM_NOTHING = {
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "epochs": 100,
    "plateau": {"patience": 4},
    "early_stop": 8,
}
BASE_EPOCHS = 12


@dataclass(frozen=True)
class Data:
    """A split and its audio.

    Attributes:
        split: The split.
        path: The file of the split.
        audio: The audio store.
    """

    split: Split
    path: Path
    audio: Path


@dataclass(frozen=True)
class Measured:
    """The result of a method on the test songs.

    Attributes:
        song_roc, song_pr: The means over the tags of ROC-AUC and PR-AUC of songs.
        window_pr: The same of PR-AUC of windows.
        seconds: The time that training took.
    """

    song_roc: float
    song_pr: float
    window_pr: float
    seconds: float


Song = tuple[SplitTrack, tuple[str, ...]]
"""A song, and the styles that play in it."""


def main() -> None:
    """Measure and print."""
    draws = argument(DRAWS)
    with tempfile.TemporaryDirectory() as folder:
        for name in SETTINGS:
            _publish(name, _measure(name, draws, Path(folder) / name), draws)


def _measure(setting: str, draws: int, root: Path) -> dict[str, list[Measured]]:
    """Return the results of each method, one for each draw."""
    measured: dict[str, list[Measured]] = {}
    make_base, make_new = SETTINGS[setting]
    models = str(root / "models")
    out.print(f"{setting}: training the published model")
    base = _base(_stored(root / "base", "base", make_base()), models)
    for draw in range(draws):
        data = _stored(root / f"draw-{draw}", "new", make_new(1_000 * (draw + 1)))
        methods: dict[str, Callable[[], Measured]] = {
            "fine-tuned": partial(_fine_tuned, data, models, base),
            "taught": partial(_taught, data, models, base),
            "from random weights": partial(_from_nothing, data),
        }
        for name, method in methods.items():
            out.print(f"{setting}, draw {draw + 1} of {draws}: {name}")
            measured.setdefault(name, []).append(method())
    return measured


def _publish(setting: str, measured: dict[str, list[Measured]], draws: int) -> None:
    columns = {
        "ROC-AUC of songs": ("song_roc", 3),
        "PR-AUC of songs": ("song_pr", 3),
        "PR-AUC of windows": ("window_pr", 3),
        "seconds": ("seconds", 0),
    }
    rows: list[Row] = [
        {"method": name}
        | {
            column: spread([getattr(each, field) for each in results], digits)
            for column, (field, digits) in columns.items()
        }
        for name, results in measured.items()
    ]
    labelled = NEW_SONGS[Subset.TRAIN] + NEW_SONGS[Subset.VALIDATION]
    notes = [
        f"min / median / max of {draws} draws; made songs of {SECONDS} s; three new tags with "
        f"{labelled} labelled songs each, {NEW_SONGS[Subset.TEST]} test songs each",
    ]
    name = f"train-fine-tuning-{setting.replace(' ', '-')}"
    publish(name, f"A few songs of new tags: {setting}", rows, notes)


def _base(data: Data, models: str) -> str:
    """Train the model to start from, and return its reference in the store."""
    from app.store.storage.store import Store
    from app.training.run.publishing import publish_run

    run = data.path.parent / "run"
    _train(data, [{**FROM_NOTHING, "epochs": BASE_EPOCHS}], run)
    return str(publish_run(Store(models), run, name="base").ref)


def _five_styles() -> list[Song]:
    return _songs(KNOWN, BASE_SONGS, lambda tag, _: (tag,), 0)


def _other_styles(seed: int) -> list[Song]:
    return _songs(OTHERS, NEW_SONGS, lambda tag, number: (tag, KNOWN[number % len(KNOWN)]), seed)


def _all_styles() -> list[Song]:
    """Return mixtures of two styles, which are tags both."""
    styles = (*KNOWN, *OTHERS)

    def pair(tag: str, number: int) -> tuple[str, str]:
        step = 1 + number // len(styles) % (len(styles) - 1)
        return tag, styles[(styles.index(tag) + step) % len(styles)]

    mixed = _songs(styles, BASE_SONGS, pair, 0)
    return [
        (replace(placed, track=replace(placed.track, tags=playing)), playing)
        for placed, playing in mixed
    ]


def _mixtures(seed: int) -> list[Song]:
    return _songs(tuple(PAIRS), NEW_SONGS, lambda tag, _: PAIRS[tag], seed)


SETTINGS: dict[str, tuple[Callable[[], list[Song]], Callable[[int], list[Song]]]] = {
    "other styles": (_five_styles, _other_styles),
    "mixtures": (_all_styles, _mixtures),
}
"""Functions that make the songs of the published model, and with a seed those of the new tags."""


def _songs(
    tags: Sequence[str],
    counts: dict[Subset, int],
    playing: Callable[[str, int], tuple[str, ...]],
    seed: int,
) -> list[Song]:
    """Return songs of each tag, in which the styles of `playing(tag, number)` play."""
    songs: list[Song] = []
    for part, count in counts.items():
        for number in range(count * len(tags)):
            tag, seed = tags[number % len(tags)], seed + 1
            path = f"{seed}.flac"
            track = Track(track_id("made", path), "made", path, f"artist {seed}", (tag,))
            songs.append((SplitTrack(track, part), playing(tag, number)))
    return songs


def _stored(root: Path, task: str, songs: Sequence[Song]) -> Data:
    """Write songs, their audio store, and their split."""
    # Decode processes import this module again, and need none of these.
    from app.datasets.audio.storing import store_tracks
    from app.datasets.tables import write_split
    from testing.synthetic_music import make_track

    folder = root / "audio" / "made"
    folder.mkdir(parents=True)
    for placed, styles in songs:
        samples, rate = make_track(styles, int(Path(placed.track.path).stem), SECONDS)
        soundfile.write(folder / placed.track.path, samples, rate)
    tracks = [placed.track for placed, _ in songs]
    audio = root / "store"
    store_tracks(
        tracks, root / "audio", audio, sample_rate=RATE, jobs=2, on_progress=lambda *_: None
    )
    tags = tuple(sorted({tag for track in tracks for tag in track.tags}))
    split = Split(task, tags, "made", tuple(placed for placed, _ in songs))
    write_split(root / "split.parquet", split)
    return Data(split, root / "split.parquet", audio)


def _train(
    data: Data, stages: Sequence[object], to: Path, initial: str | None = None, models: str = ""
) -> float:
    """Train by these stages, and return the seconds that it took."""
    import yaml

    from app.training.run.train import TrainRequest, run

    phases = [{**PHASE, "stages": list(stages)}]
    values = {"name": "small", "summary": "made songs", "source": "ours", "phases": phases}
    recipe = data.path.parent / f"{to.name}.yaml"
    recipe.write_text(yaml.safe_dump(values))
    request = TrainRequest(
        data.path, data.audio, to, str(recipe), None, 1, None, initial=initial, models=models
    )
    began = time.perf_counter()
    run(request, _ignore, _ignore)
    return time.perf_counter() - began


def _fine_tuned(data: Data, models: str, base: str) -> Measured:
    from app.training.recipe.schema import read_recipe

    stages = [each.model_dump(mode="json") for each in read_recipe("fine-tune").phases[0].stages]
    to = data.path.parent / "fine-tuned"
    seconds = _train(data, stages, to, base, models)
    return _measured(data, str(to / "model"), seconds)


def _from_nothing(data: Data) -> Measured:
    to = data.path.parent / "from-nothing"
    seconds = _train(data, [FROM_NOTHING], to)
    return _measured(data, str(to / "model"), seconds)


def _taught(data: Data, models: str, base: str) -> Measured:
    from app.datasets.audio.audio_store import AudioStore
    from app.probing.embedding import embed_stored
    from app.probing.encoder import Encoder
    from app.probing.teaching import teach
    from app.store.storage.store import Store

    store, cache = Store(models), data.path.parent / "cache"
    began = time.perf_counter()
    encoder = Encoder(store, base, cache)
    labelled = (*data.split.part(Subset.TRAIN), *data.split.part(Subset.VALIDATION))
    tracks = [each.track for each in labelled]
    songs = embed_stored(encoder, AudioStore.open(data.audio), tracks, lambda *_: None).songs
    teach(store, encoder, songs, name=data.split.task, precision=0.8, on_progress=_ignore)
    return _measured(data, models, time.perf_counter() - began, data.split.task)


def _measured(data: Data, models: str, seconds: float, name: str | None = None) -> Measured:
    from app.datasets.audio.audio_store import AudioStore
    from app.evaluation.evaluate import Plan, evaluate
    from app.evaluation.scoring import Scorer
    from app.store.storage.store import Store

    store = Store(models)
    wanted = name or str(store.refs()[0])
    scorer = Scorer(
        store, wanted, data.split, AudioStore.open(data.audio), data.path.parent / "figures"
    )
    figures = evaluate(
        Plan(data.split, Subset.TEST, (), 0.8),
        wanted,
        lambda part, overlap: scorer.score(part, overlap, lambda *_: None),
    )
    intervals = (
        figures.song.roc_auc_macro,
        figures.song.pr_auc_macro,
        figures.chunk.pr_auc_macro,
    )
    song_roc, song_pr, window_pr = (float(each.value or np.nan) for each in intervals)
    return Measured(song_roc, song_pr, window_pr, seconds)


def _ignore(*progress: object) -> None:
    """Show no progress."""


if __name__ == "__main__":
    main()
