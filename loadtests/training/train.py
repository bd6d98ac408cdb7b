"""The cost of training: tracks decoded, windows read and trained, time spent waiting, memory.

`python -m loadtests.training.train [ROUNDS]` makes songs as MP3, fills an audio store with them,
and trains networks as large as published for some steps: with windows read from the store, and with
the same batches in memory, in turns. The difference is waiting time. The rate of windows that are
read and not trained, unchanged and augmented, bounds the speed of a device that need not wait.
"""

import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from loadtests.report import Row, argument, out, publish, spread

if TYPE_CHECKING:  # decode processes import this module again, and need none of these
    import tensorflow as tf

    from app.training.data.batches import BatchDataset, Share
    from app.training.loop.epoch_loop import Loop

ROUNDS = 3
SONGS = 24
SECONDS = 30
RATE = 44_100
STORED_RATE = 16_000
STEPS = 3
BATCH = 16
NETWORKS = ("musicnn", "short_chunk_cnn")


def main() -> None:
    """Measure and print."""
    rounds = argument(ROUNDS)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        tracks = songs(root / "audio" / "made")
        decoding(root, tracks, rounds)
        training(root, tracks, rounds)


def songs(folder: Path) -> list[str]:
    """Write chords under noise as MP3; their names."""
    folder.mkdir(parents=True)
    time_s = np.arange(SECONDS * RATE) / RATE
    names = []
    for number in range(SONGS):
        rng = np.random.default_rng(number)
        pitches = 110 * 2 ** (rng.integers(0, 36, 4) / 12)
        chord = sum(np.sin(2 * np.pi * pitch * time_s) for pitch in pitches)
        mono = 0.1 * chord + 0.02 * rng.standard_normal(len(time_s))
        soundfile.write(folder / f"{number}.mp3", np.stack([mono, mono], 1), RATE, format="MP3")
        names.append(f"{number}.mp3")
    return names


def decoding(root: Path, names: Sequence[str], rounds: int) -> None:
    """Fill a new store each round; the last one stays."""
    from app.datasets.audio.storing import store_tracks
    from app.datasets.tracks import Track, track_id

    tracks = [Track(track_id("made", name), "made", name, name, ("one",)) for name in names]
    rates = []
    for number in range(rounds):
        began = time.perf_counter()
        to = root / f"store-{number}"
        store_tracks(
            tracks, root / "audio", to, sample_rate=STORED_RATE, jobs=2, on_progress=lambda *_: None
        )
        rates.append(len(tracks) / (time.perf_counter() - began))
    rows: list[Row] = [{"tracks/s min / median / max": spread(rates, 1)}]
    publish("train-decoding", f"Decoding: MP3s of {SECONDS} s, 44.1 kHz, {rounds} rounds", rows, [])


def training(root: Path, names: Sequence[str], rounds: int) -> None:
    """Train each network from the store and from memory, in turns."""
    rows: list[Row] = [_trained(root, names, network, rounds) for network in NETWORKS]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    notes = [
        "min / median / max of windows a second, and of the share of the time spent waiting: what",
        "the steps take longer when they read the store than when their batches lie in memory",
        f"peak memory of the process: {peak:,.0f} MiB",
    ]
    publish("train-steps", f"Training: batches of {BATCH}, {rounds} rounds", rows, notes)


def _trained(root: Path, names: Sequence[str], network: str, rounds: int) -> Row:
    import keras

    from app.training.data.augmentation import Augmentation
    from app.training.data.augmenter import Augmenter
    from app.training.data.sampling import Epoch
    from app.training.loop.epoch_loop import Loop
    from app.training.loop.networks import build
    from app.training.losses import TagLoss
    from app.training.recipe.schema import Phase

    built = build(Phase(name="tags", architecture=network), n_tags=50)
    built.training_model.compile(optimizer=keras.optimizers.Adam(1e-4), loss=TagLoss(np.ones(50)))
    whole = _feed(root, names, built.window_spec.window_samples)
    changed = replace(whole.source, augmenter=Augmenter(Augmentation(), STORED_RATE))
    some = Epoch(*(each[: STEPS * BATCH] for each in vars(whole.epoch).values()))
    read = replace(whole, epoch=some)
    times = _in_turns(Loop(built.training_model), (read, _kept(read)), rounds)
    waiting = [max(0.0, 1 - memory / stored) for stored, memory in times]
    augmented = replace(whole, source=changed)
    return {
        "network": network,
        "window": f"{built.window_spec.window_s:.2f} s",
        "trained": spread([STEPS * BATCH / stored for stored, _ in times], 1),
        "waiting": spread(waiting, 2),
        "read": spread([_reading(whole) for _ in range(rounds)], 0),
        "read, augmented": spread([_reading(augmented) for _ in range(rounds)], 0),
    }


def _feed(root: Path, names: Sequence[str], window: int) -> "BatchDataset":
    """All windows of all songs, in batches."""
    from app.datasets.audio.audio_store import AudioStore
    from app.datasets.audio.cropping import Crops
    from app.datasets.tracks import track_id
    from app.training.data.batches import BatchDataset, WindowSource
    from app.training.data.sampling import SamplerConfig, training_epoch

    store = AudioStore.open(root / "store-0")
    ids = [track_id("made", name) for name in names]
    lengths = [store.length(key) for key in ids]
    sampler_config = SamplerConfig(lengths, [1] * len(ids), STORED_RATE, window, Crops())
    source = WindowSource(store, ids, lambda *_: np.zeros(50, np.float32), window)
    return BatchDataset(source, training_epoch(sampler_config, seed=1, number=0), BATCH)


def _kept(feed: "BatchDataset") -> "BatchDataset":
    """The same batches, which lie in memory once they were read."""
    from app.training.data.batches import WHOLE, BatchDataset

    lying = feed.parts().cache()

    class Kept(BatchDataset):
        def parts(self, share: "Share" = WHOLE) -> "tf.data.Dataset":  # noqa: ARG002 - of one
            return lying

    return Kept(feed.source, feed.epoch, feed.size)


def _in_turns(
    loop: "Loop", feeds: tuple["BatchDataset", "BatchDataset"], rounds: int
) -> list[tuple[float, float]]:
    """Seconds that an epoch of each takes, round by round."""

    def train(feed: "BatchDataset") -> float:
        began = time.perf_counter()
        loop.train(feed, lambda *_: None)
        return time.perf_counter() - began

    for feed in feeds:  # traces, and fills the memory
        train(feed)
    return [(train(feeds[0]), train(feeds[1])) for _ in range(rounds)]


def _reading(feed: "BatchDataset") -> float:
    """Windows per second that the pipeline yields without training."""
    began = time.perf_counter()
    for _ in feed.parts():
        pass
    return len(feed.epoch) / (time.perf_counter() - began)


if __name__ == "__main__":
    out.print("making songs")
    main()
