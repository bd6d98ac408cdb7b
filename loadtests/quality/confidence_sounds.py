"""Sounds with which confidence is fitted and measured, and their scores by model.

Scores are stored in `.cache/confidence`, one file per model, so that an interrupted run is resumed.
Delete the folder when the sounds have changed.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from rich.console import Console
from rich.progress import track

from app.audio.limits import AudioLimits
from app.domain import Samples, Waveform
from app.errors import RequestError
from app.inference.engine import Engine
from app.store.manifest.manifest import Manifest
from loadtests.engines import best, extractor_of
from loadtests.quality.not_music import announcements, noise_and_tones, synthetic_speech
from loadtests.quality.synthetic_sounds import RATE, TIME
from testing.packages.audio import CACHE, CannotFetchError, fetch
from testing.sounds import decoded

Each = TypeVar("Each")

FOLDER = CACHE.parent / "confidence"

EXCERPTS, TRACKS = "excerpts", "tracks"
MUSIC = (TRACKS, EXCERPTS)
NOT_MUSIC = ("noise", "tones", "speech", "synthetic speech")

TRACK_LIMITS = AudioLimits(RATE, len(TIME) / RATE, 1200)
MOST_TRACKS, MOST_EXCERPTS = 10, 4
"""Of a package, and of a track: evenly spread."""
ANNOUNCEMENTS = "asterisk-core-sounds-en-wav"
PACKAGES = {
    "colobot-common-sounds": "*.ogg",
    "drascula-music": "*.ogg",
    "enigma-data": "*/*.ogg",
    "extremetuxracer-data": "*.ogg",
    "fretsonfire-songs-muldjord": "*/song.ogg",
    "fretsonfire-songs-sectoid": "*/song.ogg",
    "hedgewars-data": "*.ogg",
    "hyperrogue-music": "*.ogg",
    "lincity-ng-data": "*.ogg",
    "marsshooter-data": "*.ogg",
    "noiz2sa-data": "stg*.ogg",
    "openclonk-data": "*.ogg",
    "singularity-music": "**/*.ogg",
    "supertux-data": "**/*.ogg",
    "torus-trooper-data": "*.ogg",
    "unknown-horizons": "**/*.ogg",
    "warmux-data": "*/*.ogg",
    "warzone2100-music": "*.opus",
    "wesnoth-1.16-music": "*.ogg",
    "xmoto-data": "*.ogg",
    "zaz-data": "mus*.ogg",
}
"""Free music, and which files of its packages are tracks."""


@dataclass(frozen=True)
class Sound:
    """What a clip is.

    Attributes:
        kind: One of `MUSIC` or `NOT_MUSIC`.
        source: The package, or the kind of made sounds.
        track: The same for all excerpts of a track.
    """

    kind: str
    source: str
    track: str


@dataclass(frozen=True, eq=False)
class Clips:
    """Clips and their scores.

    Attributes:
        sounds: The clips.
        means: By model, mean scores, (clips, tags).
    """

    sounds: tuple[Sound, ...]
    means: Mapping[str, Samples]

    def where(self, chosen: np.ndarray) -> "Clips":
        """Those that are chosen."""
        sounds = tuple(each for each, its in zip(self.sounds, chosen, strict=True) if its)
        return Clips(sounds, {name: means[chosen] for name, means in self.means.items()})


def read_sounds() -> Iterator[tuple[Sound, Samples]]:
    """Yield all clips; packages that can't be fetched are named and left out."""
    for number, (kind, source, clip) in enumerate(noise_and_tones()):
        yield Sound(kind, source, f"{source} {number}"), clip
    for number, clip in enumerate(synthetic_speech()):
        yield Sound("synthetic speech", "espeak-ng", f"espeak-ng {number}"), clip
    for package in (ANNOUNCEMENTS, *PACKAGES):
        try:
            folder = fetch(package)
        except CannotFetchError as error:
            print(f"Measured without {error}\n")
            continue
        if package == ANNOUNCEMENTS:
            for number, clip in enumerate(announcements(folder)):
                yield Sound("speech", package, f"{package} {number}"), clip
        else:
            for path in spread(sorted(folder.glob(PACKAGES[package])), MOST_TRACKS):
                yield from read_excerpts(package, str(path.relative_to(folder)), path)


def read_excerpts(package: str, name: str, path: Path) -> Iterator[tuple[Sound, Samples]]:
    """Yield excerpts of a track, evenly spread; none if it is too short or silent."""
    with suppress(RequestError):
        samples = decoded(path, TRACK_LIMITS)
        whole = len(samples) // len(TIME)
        clips = samples[: whole * len(TIME)].reshape(whole, len(TIME))
        for clip in spread(list(clips), MOST_EXCERPTS):
            yield Sound(EXCERPTS, package, f"{package} {name}"), clip


def spread(items: Sequence[Each], most: int) -> list[Each]:
    """Pick items, evenly spread: all, or `most` of them."""
    places = np.linspace(0, len(items) - 1, min(most, len(items))).round().astype(int)
    return [items[place] for place in places]


def score_all(models: Sequence[Manifest]) -> Clips:
    """Run all models on all sounds without stored scores."""
    missing = [model for model in models if not _kept(model).exists()]
    if missing:
        _score(missing)
    kept = [np.load(_kept(model)) for model in models]
    sounds = tuple(Sound(*map(str, row)) for row in kept[0]["sounds"])
    means = {model.name: each["means"] for model, each in zip(models, kept, strict=True)}
    return _with_tracks(Clips(sounds, means))


def _with_tracks(clips: Clips) -> Clips:
    """The clips, and each track as the mean of its excerpts."""
    excerpts: dict[Sound, list[int]] = {}
    for number, sound in enumerate(clips.sounds):
        if sound.kind == EXCERPTS:
            excerpts.setdefault(sound, []).append(number)
    tracks = tuple(replace(sound, kind=TRACKS) for sound in excerpts)
    means = {
        name: np.concatenate([each, [each[of].mean(axis=0) for of in excerpts.values()]])
        for name, each in clips.means.items()
    }
    return Clips((*clips.sounds, *tracks), means)


def _score(models: Sequence[Manifest]) -> None:
    extractors = {model.front_end: extractor_of(model) for model in models}
    engines = [best(model, extractors[model.front_end]) for model in models]
    sounds: list[tuple[str, str, str]] = []
    means: list[list[Samples]] = [[] for _ in models]
    for sound, clip in track(read_sounds(), "scoring", console=Console(stderr=True)):
        sounds.append((sound.kind, sound.source, sound.track))
        for engine, rows in zip(engines, means, strict=True):
            rows.append(_mean(engine, clip))
    FOLDER.mkdir(parents=True, exist_ok=True)
    for model, rows in zip(models, means, strict=True):
        np.savez_compressed(_kept(model), sounds=np.array(sounds), means=np.stack(rows))


def _mean(engine: Engine, clip: Samples) -> Samples:
    mean: Samples = engine.scores(Waveform(clip, RATE)).mean(axis=0)
    return mean


def _kept(model: Manifest) -> Path:
    return FOLDER / f"{model.name}-{model.weights.sha256[:8]}.npz"
