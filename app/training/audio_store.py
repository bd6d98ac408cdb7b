"""Decoded audio on disk: mono int16 at one rate, read in place.

    store.json            the sample rate
    shards/<name>.pcm     tracks one behind the other, little-endian
    shards/<name>.json    what is in it, where, with checksums; a shard without it does not count

The network makes the melgram, so only another rate asks for another store, no other front end.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationError

from app.errors import SetupError
from app.store.tables import Table

ABOUT, SHARDS = "store.json", "shards"
SAMPLE = np.dtype("<i2")


class About(Table):
    """What holds for a whole store."""

    sample_rate: int
    format: int = 1


class Entry(Table):
    """A track in a shard: its first sample and number of them, SHA-256 of its file."""

    id: str
    offset: int
    samples: int
    source: str


class Shard(Table):
    """What is in a shard, and what its files could not be decoded for."""

    sha256: str
    tracks: tuple[Entry, ...]
    refused: dict[str, str] = Field(default_factory=dict)


class AudioStore:
    """A folder of decoded audio, as it was when it was opened."""

    def __init__(self, folder: Path, sample_rate: int, shards: Mapping[str, Shard]) -> None:
        self.folder = folder
        self.sample_rate = sample_rate
        self._shards = dict(shards)
        self._places = {
            entry.id: (name, entry) for name, shard in shards.items() for entry in shard.tracks
        }
        self._maps: dict[str, npt.NDArray[np.int16]] = {}

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read what is in a store.

        Raises:
            SetupError: It is none, or damaged.
        """
        about = read_about(folder)
        if about is None:
            raise SetupError(f"{folder}: this is no audio store; `taggram data store` makes one")
        shards = {path.stem: _shard(path) for path in sorted((folder / SHARDS).glob("*.json"))}
        for name, shard in shards.items():
            _check_size(folder / SHARDS / f"{name}.pcm", shard)
        return cls(folder, about.sample_rate, shards)

    def __contains__(self, track: str) -> bool:
        return track in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def samples(self, track: str) -> npt.NDArray[np.int16]:
        """A track, (samples,), read from disk as it is used."""
        name, entry = self._places[track]
        if name not in self._maps:
            self._maps[name] = np.memmap(self.folder / SHARDS / f"{name}.pcm", SAMPLE, "r")
        return self._maps[name][entry.offset : entry.offset + entry.samples]

    def length(self, track: str) -> int:
        """How many samples a track has."""
        return self._places[track][1].samples

    @property
    def refused(self) -> Mapping[str, str]:
        """Tracks whose files could not be decoded, with the reason."""
        return {
            track: why for shard in self._shards.values() for track, why in shard.refused.items()
        }

    @cached_property
    def digests(self) -> Mapping[str, str]:
        """Of each track the SHA-256 of its file."""
        return {track: entry.source for track, (_, entry) in self._places.items()}

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of what can be heard, however it is divided into shards."""
        lines = (f"{track} {source}" for track, source in sorted(self.digests.items()))
        return _sha256([f"{self.sample_rate}\n", *(f"{line}\n" for line in lines)])

    def verify(self) -> None:
        """Hold all shards against their checksums.

        Raises:
            SetupError: One is damaged; it says which.
        """
        for name, shard in self._shards.items():
            path = self.folder / SHARDS / f"{name}.pcm"
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != shard.sha256:
                    raise SetupError(
                        f"{path}: it is damaged; remove it with the .json beside it, and run "
                        "`taggram data store` again"
                    )


def read_about(folder: Path) -> About | None:
    """What holds for a store; none where there is none.

    Raises:
        SetupError: It can't be read.
    """
    path = folder / ABOUT
    try:
        return About.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise SetupError(f"{path}: it can't be read: {error}") from error


def _shard(path: Path) -> Shard:
    try:
        return Shard.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise SetupError(f"{path}: it can't be read: {error}") from error


def _check_size(path: Path, shard: Shard) -> None:
    wanted = sum(entry.samples for entry in shard.tracks) * SAMPLE.itemsize
    there = path.stat().st_size if path.exists() else 0
    if there != wanted:
        raise SetupError(
            f"{path}: it has {there} bytes where {wanted} belong; remove it with the .json beside "
            "it, and run `taggram data store` again"
        )


def _sha256(texts: Iterable[str]) -> str:
    return hashlib.sha256("".join(texts).encode()).hexdigest()
