"""A dataset so easy that the smallest networks learn it in seconds: low, high and noisy sounds."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from app.datasets.audio.audio_store import AudioStore
from app.datasets.audio.storing import store_tracks
from app.datasets.tracks import Split, SplitTrack, Subset, Track, track_id
from app.training.recipe.schema import Recipe

TAGS = ("low", "high", "noise")
RATE = 16_000
SECONDS = 9


def toy_split(tracks: int = 36, unlabelled: int = 0) -> Split:
    """Every sixth track for validation, every sixth for the test; each of its own artist."""
    placed = []
    for number in range(tracks + unlabelled):
        path = f"{number}.flac"
        tags = (TAGS[number % 3],) if number < tracks else ()
        track = Track(track_id("toy", path), "toy", path, f"artist {number}", tags)
        placed.append(SplitTrack(track, _part(number) if tags else Subset.UNLABELLED))
    return Split("toy", TAGS, "toy", tuple(placed))


def _part(number: int) -> Subset:
    return {4: Subset.VALIDATION, 5: Subset.TEST}.get(number // 3 % 6, Subset.TRAIN)


def toy_store(root: Path, split: Split, sample_rate: int = RATE) -> AudioStore:
    """Write the tracks as files, and store them as anybody would."""
    folder = root / "audio" / "toy"
    folder.mkdir(parents=True, exist_ok=True)
    for number, each in enumerate(split.placed):
        soundfile.write(folder / each.track.path, toy_sound(TAGS[number % 3], number), RATE)
    tracks = [each.track for each in split.placed]
    to = root / f"store-{sample_rate}"
    store_tracks(
        tracks,
        root / "audio",
        to,
        sample_rate=sample_rate,
        jobs=2,
        on_progress=lambda done, of: None,
    )
    return AudioStore.open(to)


def toy_sound(tag: str, seed: int) -> np.ndarray:
    """(samples,) at RATE."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(SECONDS * RATE) / RATE
    noise = rng.normal(size=len(time_s))
    if tag == "noise":
        return 0.2 * noise
    pitch = {"low": 130, "high": 1_500}[tag] * 2 ** rng.uniform(-0.3, 0.3)
    return 0.2 * np.sign(np.sin(2 * np.pi * pitch * time_s)) + 0.01 * noise


def toy_phase(**others: object) -> dict[str, object]:
    """A phase with a network of some thousand weights."""
    return {
        "name": "tags",
        "architecture": "short_chunk_cnn",
        "arguments": {"channels": [8] * 7, "hidden_units": 16},
        "batch_size": 8,
        "crops": {"start_cut": 0, "end_cut": 0, "random_crop": None, "windows": "one"},
        "stages": [{"optimizer": "adam", "learning_rate": 0.01, "epochs": 3}],
        **others,
    }


def toy_recipe(phases: Sequence[dict[str, object]] = (), **others: object) -> Recipe:
    """A recipe of these phases, or of one."""
    return Recipe.model_validate(
        {
            "name": "toy",
            "summary": "small",
            "source": "tests",
            "phases": list(phases) or [toy_phase()],
            **others,
        }
    )
