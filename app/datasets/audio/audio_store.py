"""Decoded audio on disk: mono int16 at one rate, read in place.

    store.json            the sample rate
    shards/<name>.pcm     tracks one behind the other, little-endian
    shards/<name>.json    what is in it, where, with checksums; a shard without it does not count

The network makes the melgram, so only another rate asks for another store, no other front end.
"""

import hashlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal, Self, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import NonNegativeInt, PositiveInt, ValidationError

from app.errors import SetupError
from app.paths import open_file, read_file, resolve_inside
from app.store.manifest.tables import Table
from app.store.manifest.training_results import Sha256

ABOUT, SHARDS = "store.json", "shards"

LARGEST_TABLE = 16 * 2**20
"""Bytes of what is said of a shard; of 64 tracks that is some 10 kB."""

SAMPLE = np.dtype("<i2")

AnyTable = TypeVar("AnyTable", bound=Table)


class About(Table):
    """What holds for a whole store."""

    sample_rate: PositiveInt
    format: Literal[1] = 1


class Entry(Table):
    """A track in a shard: its first sample and number of them, SHA-256 of its file."""

    id: str
    offset: NonNegativeInt
    samples: PositiveInt
    source: Sha256


class Refused(Table):
    """A track that can't be decoded: SHA-256 of its file, and why."""

    id: str
    source: str
    why: str


class Shard(Table):
    """What is in a shard, and which tracks should be but can't."""

    sha256: str
    tracks: tuple[Entry, ...]
    refused: tuple[Refused, ...]


class AudioStore:
    """A folder of decoded audio, as it was when it was opened.

    Attributes:
        folder: Where.
        sample_rate: In Hz.
        refused: Tracks that could not be decoded; one that was mended since is in the store too.
    """

    def __init__(self, folder: Path, sample_rate: int, shards: Mapping[str, Shard]) -> None:
        self.folder = folder
        self.sample_rate = sample_rate
        self.refused = tuple(each for shard in shards.values() for each in shard.refused)
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
        listed = sorted((folder / SHARDS).glob("*.json"))
        shards = {path.stem: _read(Shard, path) for path in listed}
        for name, shard in shards.items():
            _check_size(_pcm(folder, name), shard)
        return cls(folder, about.sample_rate, shards)

    def __contains__(self, track: str) -> bool:
        return track in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def samples(self, track: str) -> npt.NDArray[np.int16]:
        """A track, (samples,), read from disk as it is used.

        Raises:
            SetupError: It is not there.
        """
        name, entry = self._place(track)
        if name not in self._maps:
            self._maps[name] = np.memmap(_pcm(self.folder, name), SAMPLE, "r")
        return self._maps[name][entry.offset : entry.offset + entry.samples]

    def length(self, track: str) -> int:
        """How many samples a track has.

        Raises:
            SetupError: It is not there.
        """
        return self._place(track)[1].samples

    @cached_property
    def digests(self) -> Mapping[str, str]:
        """Of each track the SHA-256 of its file."""
        return {track: entry.source for track, (_, entry) in self._places.items()}

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of what can be heard, however it is divided into shards."""
        lines = (f"{track} {source}\n" for track, source in sorted(self.digests.items()))
        return hashlib.sha256("".join((f"{self.sample_rate}\n", *lines)).encode()).hexdigest()

    def verify(self) -> None:
        """Hold all shards against their checksums.

        Raises:
            SetupError: Some are damaged; it says which.
        """
        paths = {_pcm(self.folder, name): shard for name, shard in self._shards.items()}
        damaged = [path for path, shard in paths.items() if _digest(path) != shard.sha256]
        if damaged:
            raise _damaged(", ".join(map(str, damaged)))

    def _place(self, track: str) -> tuple[str, Entry]:
        try:
            return self._places[track]
        except KeyError:
            raise SetupError(
                f"{self.folder}: track {track} is not in this audio store; `taggram data store` "
                "brings it there"
            ) from None


def read_about(folder: Path) -> About | None:
    """What holds for a store; none where there is none.

    Raises:
        SetupError: It can't be read.
    """
    path = folder / ABOUT
    return _read(About, path) if path.exists() else None


def shards_folder(folder: Path) -> Path:
    """Return where the shards of a store are written, and those of killed runs deleted.

    Raises:
        SetupError: A link leads it out of the store.
    """
    return resolve_inside(folder, f"{SHARDS}/_").parent


def _pcm(folder: Path, shard: str) -> Path:
    return folder / SHARDS / f"{shard}.pcm"


def _read(table: type[AnyTable], path: Path) -> AnyTable:
    try:
        return table.model_validate_json(read_file(path, LARGEST_TABLE))
    except OSError as error:
        raise SetupError(f"{path}: it can't be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise SetupError(f"{path}: it is damaged: {place}: {first['msg']}") from error


def _check_size(path: Path, shard: Shard) -> None:
    wanted = sum(entry.samples for entry in shard.tracks) * SAMPLE.itemsize
    there = path.stat().st_size if path.exists() else 0
    if there != wanted:
        raise _damaged(f"{path} ({there} bytes where {wanted} belong)")


def _damaged(which: str) -> SetupError:
    return SetupError(
        f"damaged: {which}; remove it with the .json beside it, and run `taggram data store` again"
    )


def _digest(path: Path) -> str | None:
    """SHA-256 of a file; none where the disk does not give it back."""
    try:
        with open_file(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
