"""Decoded audio on disk: int16 at one sample rate, mono or stereo, memory-mapped.

    store.json            the sample rate and the number of channels
    shards/<name>.pcm     concatenated tracks, little-endian, in stereo left and right in turn
    shards/<name>.json    index and checksums; a shard without it is ignored

The network computes the melgram, so models share a store if they have the same sample rate and
number of channels.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal, Self, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import NonNegativeInt, PositiveInt, ValidationError

from app.errors import SetupError
from app.front_ends import FrontEnd
from app.paths import open_file, read_file, resolve_inside
from app.samples import sample_shape
from app.store.manifest.tables import Table
from app.store.manifest.training_results import Sha256

ABOUT, SHARDS = "store.json", "shards"

LARGEST_TABLE = 16 * 2**20
"""The limit of a shard's index in bytes; one of 64 tracks has about 10 kB."""

SAMPLE = np.dtype("<i2")

AnyTable = TypeVar("AnyTable", bound=Table)


class About(Table):
    """Metadata of a whole store."""

    sample_rate: PositiveInt
    format: Literal[1] = 1
    channels: Literal[1, 2] = 1

    @property
    def words(self) -> str:
        """Return the sample rate and the channels as messages name them."""
        return f"{self.sample_rate} Hz in {'stereo' if self.channels > 1 else 'mono'}"


class Entry(Table):
    """A track in a shard: its first sample, its number of samples, the SHA-256 of its file.

    In stereo a sample is a pair.
    """

    id: str
    offset: NonNegativeInt
    samples: PositiveInt
    source: Sha256


class Refused(Table):
    """A track that can't be decoded: the SHA-256 of its file, and the reason."""

    id: str
    source: str
    why: str


class Shard(Table):
    """The index of a shard: its tracks, and those that could not be decoded."""

    sha256: str
    tracks: tuple[Entry, ...]
    refused: tuple[Refused, ...]


class AudioStore:
    """A folder of decoded audio, as of when it was opened.

    Attributes:
        folder: Its path.
        about: Its metadata.
        sample_rate: In Hz.
        sample_shape: The shape of a sample: () if the store is mono, or (2,).
        refused: Tracks that could not be decoded; if the file was repaired later, the track is
            also in the store.
    """

    def __init__(self, folder: Path, about: About, shards: Mapping[str, Shard]) -> None:
        self.folder = folder
        self.sample_rate = about.sample_rate
        self.sample_shape = sample_shape(about.channels)
        self.about = about
        self.refused = tuple(each for shard in shards.values() for each in shard.refused)
        self._shards = dict(shards)
        self._entries = {
            entry.id: (name, entry) for name, shard in shards.items() for entry in shard.tracks
        }
        self._maps: dict[str, npt.NDArray[np.int16]] = {}

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a store and read its indexes.

        Raises:
            SetupError: It is not an audio store, or is damaged.
        """
        about = read_about(folder)
        if about is None:
            raise SetupError(f"{folder}: not an audio store; `taggram data store` makes one")
        listed = sorted((folder / SHARDS).glob("*.json"))
        shards = {path.stem: _read(Shard, path) for path in listed}
        for name, shard in shards.items():
            _check_size(_pcm(folder, name), shard, about.channels)
        return cls(folder, about, shards)

    def __contains__(self, track: str) -> bool:
        return track in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def samples(self, track: str) -> npt.NDArray[np.int16]:
        """Return a track, (samples, *sample_shape) int16, memory-mapped.

        Raises:
            SetupError: The track is not in the store.
        """
        name, entry = self._entry(track)
        if name not in self._maps:
            numbers = np.memmap(_pcm(self.folder, name), SAMPLE, "r")
            self._maps[name] = numbers.reshape(-1, *self.sample_shape)
        return self._maps[name][entry.offset : entry.offset + entry.samples]

    def length(self, track: str) -> int:
        """Return the number of samples of a track.

        Raises:
            SetupError: The track is not in the store.
        """
        return self._entry(track)[1].samples

    @cached_property
    def digests(self) -> Mapping[str, str]:
        """Return the SHA-256 of each track's file, by id."""
        return {track: entry.source for track, (_, entry) in self._entries.items()}

    @cached_property
    def fingerprint(self) -> str:
        """Return the SHA-256 of the content, independent of how it is divided into shards."""
        lines = (f"{track} {source}\n" for track, source in sorted(self.digests.items()))
        form = f"{self.sample_rate}\n" + ("stereo\n" if self.sample_shape else "")
        return hashlib.sha256("".join((form, *lines)).encode()).hexdigest()

    def check_fits(self, front: FrontEnd, title: str) -> None:
        """Check that the tracks are what a front end takes.

        Args:
            front: The front end.
            title: Its network, as messages name it.

        Raises:
            SetupError: They have another sample rate or number of channels.
        """
        choose_store([self], front, title)

    def verify(self) -> None:
        """Check all shards against their checksums.

        Raises:
            SetupError: Some are damaged; the message names them.
        """
        paths = {_pcm(self.folder, name): shard for name, shard in self._shards.items()}
        damaged = [path for path, shard in paths.items() if _digest(path) != shard.sha256]
        if damaged:
            raise _damaged(", ".join(map(str, damaged)))

    def _entry(self, track: str) -> tuple[str, Entry]:
        try:
            return self._entries[track]
        except KeyError:
            raise SetupError(
                f"{self.folder}: track {track} is not in this audio store; `taggram data store` "
                "adds it"
            ) from None


def choose_store(stores: Sequence[AudioStore], front: FrontEnd, title: str) -> AudioStore:
    """Return the first store whose tracks are what a front end takes.

    Args:
        stores: The stores.
        front: The front end.
        title: Its network, as messages name it.

    Raises:
        SetupError: All have another sample rate or number of channels.
    """
    needed = About.model_validate({"sample_rate": front.sample_rate, "channels": front.channels})
    for store in stores:
        if store.about == needed:
            return store
    stereo = " --channels 2" if needed.channels > 1 else ""
    raise SetupError(
        f"{title} needs a sample rate of {needed.words}, but the audio store has "
        f"{' or '.join(store.about.words for store in stores)}; make one with "
        f"`taggram data store --sample-rate {needed.sample_rate}{stereo}`"
    )


def read_about(folder: Path) -> About | None:
    """Return a store's metadata, or None if there is no store.

    Raises:
        SetupError: They can't be read.
    """
    path = folder / ABOUT
    return _read(About, path) if path.exists() else None


def shards_folder(folder: Path) -> Path:
    """Return the folder of a store's shards, for writing and deleting.

    Raises:
        SetupError: A link leads out of the store.
    """
    return resolve_inside(folder, f"{SHARDS}/_").parent


def _pcm(folder: Path, shard: str) -> Path:
    return folder / SHARDS / f"{shard}.pcm"


def _read(table: type[AnyTable], path: Path) -> AnyTable:
    try:
        return table.model_validate_json(read_file(path, LARGEST_TABLE))
    except OSError as error:
        raise SetupError(f"{path}: can't be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise SetupError(f"{path}: damaged: {field}: {first['msg']}") from error


def _check_size(path: Path, shard: Shard, channels: int) -> None:
    expected = sum(entry.samples for entry in shard.tracks) * channels * SAMPLE.itemsize
    size = path.stat().st_size if path.exists() else 0
    if size != expected:
        raise _damaged(f"{path} ({size} bytes; expected {expected})")


def _damaged(which: str) -> SetupError:
    return SetupError(
        f"damaged: {which}; remove it and its .json file, and run `taggram data store` again"
    )


def _digest(path: Path) -> str | None:
    """Return the SHA-256 of a file, or None if it can't be read."""
    try:
        with open_file(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
