"""What learning costs: tracks decoded, windows trained, time spent waiting for windows, memory.

`python -m loadtests.train [ROUNDS]` makes songs as MP3, fills an audio store with them, and trains
networks as large as published for some steps: with windows read from the store, and with the same
batches lying in memory, in turns. What the former takes longer is waiting.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from loadtests.report import Row, out, publish, spread

ROUNDS = 5
SONGS = 24
SECONDS = 30
RATE = 44_100
STEPS = 6
BATCH = 16
NETWORKS = ("musicnn", "short_chunk_cnn")


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
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
    from app.training.storing import store_tracks
    from app.training.tracks import Track, track_id

    tracks = [Track(track_id("made", name), "made", name, name, ("one",)) for name in names]
    rates = []
    for number in range(rounds):
        began = time.perf_counter()
        to = root / f"store-{number}"
        store_tracks(tracks, root / "audio", to, sample_rate=16_000, jobs=2, watch=lambda *_: None)
        rates.append(len(tracks) / (time.perf_counter() - began))
    rows: list[Row] = [{"tracks/s min / median / max": spread(rates, 1)}]
    publish("train-decoding", f"Decoding: MP3s of {SECONDS} s, 44.1 kHz, {rounds} rounds", rows, [])


def training(root: Path, names: Sequence[str], rounds: int) -> None:
    """Train each network from the store and from memory, in turns."""
    rows: list[Row] = [_trained(root, names, network, rounds) for network in NETWORKS]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    notes = [
        "waiting: the share of the time from the store that is not there from memory",
        f"peak memory of the process: {peak:,.0f} MiB",
    ]
    publish("train-steps", f"Training: batches of {BATCH}, {rounds} rounds", rows, notes)


def _trained(root: Path, names: Sequence[str], network: str, rounds: int) -> Row:
    import keras
    import tensorflow as tf

    from app.training.audio_store import AudioStore
    from app.training.cropping import Crops
    from app.training.epochs import Hearing, training_epoch
    from app.training.losses import TagLoss
    from app.training.networks import build
    from app.training.pipeline import Source, batches
    from app.training.recipe import Phase
    from app.training.tracks import track_id

    built = build(Phase(name="tags", architecture=network), n_tags=50)
    window = built.framing.window_samples
    built.trainee.compile(optimizer=keras.optimizers.Adam(1e-4), loss=TagLoss(np.ones(50)))
    store = AudioStore.open(root / "store-0")
    ids = [track_id("made", name) for name in names]
    hearing = Hearing([store.length(key) for key in ids], [1] * len(ids), 16_000, window, Crops())
    source = Source(store, ids, lambda *_: np.zeros(50, np.float32), window)
    epoch = training_epoch(hearing, seed=1, number=0)
    read = batches(source, epoch, BATCH).take(STEPS)
    parts = (tf.concat(part, 0) for part in zip(*read, strict=True))
    kept = tf.data.Dataset.from_tensor_slices(tuple(parts))
    in_memory = kept.batch(BATCH).cache()
    for dataset in (read, in_memory):  # traces, and fills the cache
        built.trainee.fit(dataset, verbose=0)
    times: dict[str, list[float]] = {"store": [], "memory": []}
    for _ in range(rounds):
        for name, dataset in (("store", read), ("memory", in_memory)):
            began = time.perf_counter()
            built.trainee.fit(dataset, verbose=0)
            times[name].append(time.perf_counter() - began)
    paired = zip(times["store"], times["memory"], strict=True)
    waiting = [max(0.0, 1 - memory / stored) for stored, memory in paired]
    rates = [STEPS * BATCH / each for each in times["store"]]
    return {
        "network": network,
        "window": f"{built.framing.window_s:.2f} s",
        "windows/s min / median / max": spread(rates, 1),
        "waiting min / median / max": spread(waiting, 2),
    }


if __name__ == "__main__":
    out.print("making songs")
    main()
