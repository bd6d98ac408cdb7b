"""Fills an audio store: each track decoded once, in the service's own sandbox.

A shard is written, and only then what is in it; so a run that was killed goes on with the shard
that it was at, and ends with the very same bytes.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import soundfile

from app.audio.limits import AudioLimits
from app.audio.processes import Decoder
from app.domain import Samples
from app.errors import RequestError, SetupError
from app.stages import StageClock
from app.training.audio_store import (
    ABOUT,
    SAMPLE,
    SHARDS,
    About,
    AudioStore,
    Entry,
    Shard,
    read_about,
)
from app.training.cropping import FULL_SCALE
from app.training.files import write_whole
from app.training.tracks import Track

TRACKS_A_SHARD = 64

MIN_SAMPLE_RATE = 11_250
"""The thesis's `min_sample_rate`, in Hz: what is below it lacks half of what is to be heard."""

MAX_DURATION_S = 3_600
TIMEOUT_S = 300

Heard = tuple[npt.NDArray[np.int16], str]
"""A track's samples, and the SHA-256 of its file."""


@dataclass(frozen=True)
class Stored:
    """What became of the tracks.

    Attributes:
        added: How many were decoded now.
        known: How many were there.
        refused: Ids of those that can't be decoded, with the reason.
        missing: Those that have no file.
    """

    added: int
    known: int
    refused: dict[str, str]
    missing: tuple[Track, ...]


def store_tracks(
    tracks: Iterable[Track],
    audio: Path,
    folder: Path,
    *,
    sample_rate: int,
    jobs: int,
    watch: Callable[[int, int], None],
) -> Stored:
    """Decode what a store does not have yet.

    Args:
        tracks: What is wanted; their files are `<audio>/<dataset>/<path>`.
        audio: As `taggram data fetch` filled it.
        folder: The store's; made where it is not there.
        sample_rate: In Hz.
        jobs: Files decoded at a time.
        watch: Told after each track how many are done, of how many.

    Raises:
        SetupError: The store is of another rate, or can't be written; what was written stays.
    """
    store = _claimed(folder, sample_rate)
    wanted = {track.id: track for track in tracks}
    done = {*store, *store.refused}
    new = [wanted[key] for key in sorted(wanted.keys() - done)]
    files = {track.id: audio / track.dataset / track.path for track in new}
    found = [track.id for track in new if files[track.id].is_file()]
    asyncio.run(_fill(folder, found, files, sample_rate, jobs, watch))
    after = AudioStore.open(folder)
    return Stored(
        added=len(after) - len(store),
        known=sum(key in store for key in wanted),
        refused={key: why for key, why in after.refused.items() if key in wanted},
        missing=tuple(track for track in new if track.id not in found),
    )


def _claimed(folder: Path, sample_rate: int) -> AudioStore:
    about = read_about(folder)
    if about is None:
        write_whole(folder / ABOUT, About(sample_rate=sample_rate).model_dump_json().encode())
    elif about.sample_rate != sample_rate:
        raise SetupError(
            f"{folder}: this audio store holds {about.sample_rate} Hz, not {sample_rate}; choose "
            "another folder"
        )
    return AudioStore.open(folder)


async def _fill(
    folder: Path,
    ids: Sequence[str],
    files: dict[str, Path],
    sample_rate: int,
    jobs: int,
    watch: Callable[[int, int], None],
) -> None:
    decoder = Decoder(AudioLimits(sample_rate, 0.0, MAX_DURATION_S), jobs, TIMEOUT_S)
    done = 0
    for first in range(0, len(ids), TRACKS_A_SHARD):
        shard = ids[first : first + TRACKS_A_SHARD]
        entries, refused, pieces, offset = [], {}, [], 0
        async for key, heard in _decoded(decoder, shard, files, jobs):
            if isinstance(heard, str):
                refused[key] = heard
            else:
                samples, source = heard
                entries.append(Entry(id=key, offset=offset, samples=len(samples), source=source))
                pieces.append(samples)
                offset += len(samples)
            done += 1
            watch(done, len(ids))
        data = b"".join(piece.astype(SAMPLE).tobytes() for piece in pieces)
        _write(folder / SHARDS, shard, data, tuple(entries), refused)


def _write(
    folder: Path,
    ids: Sequence[str],
    data: bytes,
    entries: tuple[Entry, ...],
    refused: dict[str, str],
) -> None:
    name = hashlib.sha256("\n".join(ids).encode()).hexdigest()[:16]
    shard = Shard(sha256=hashlib.sha256(data).hexdigest(), tracks=entries, refused=refused)
    write_whole(folder / f"{name}.pcm", data)
    write_whole(folder / f"{name}.json", shard.model_dump_json().encode())


async def _decoded(
    decoder: Decoder, ids: Sequence[str], files: dict[str, Path], jobs: int
) -> AsyncIterator[tuple[str, Heard | str]]:
    """Each track's samples, or why it has none, in order; a few are decoded ahead."""
    waiting: deque[tuple[str, asyncio.Task[Heard | str]]] = deque()
    for key in ids:
        waiting.append((key, asyncio.ensure_future(_hear(decoder, files[key]))))
        if len(waiting) > 2 * jobs:
            first, hearing = waiting.popleft()
            yield first, await hearing
    for key, hearing in waiting:
        yield key, await hearing


async def _hear(decoder: Decoder, path: Path) -> Heard | str:
    try:
        rate = await asyncio.to_thread(_file_rate, path)
        if rate is not None and rate < MIN_SAMPLE_RATE:
            return f"its sample rate is {rate} Hz, less than {MIN_SAMPLE_RATE}"
        source = await asyncio.to_thread(_digest, path)
        with path.open("rb") as file:
            return await _samples(decoder, file), source
    except RequestError as error:
        return error.detail
    except OSError as error:
        return f"it can't be read: {error.strerror}"


async def _samples(decoder: Decoder, file: BinaryIO) -> npt.NDArray[np.int16]:
    async with decoder.decoding(file, StageClock()) as decoding:
        *_, track = [so_far async for so_far in decoding.progress()]
        return _int16(track)


def _int16(samples: Samples) -> npt.NDArray[np.int16]:
    scaled = np.rint(samples * FULL_SCALE).clip(-FULL_SCALE, FULL_SCALE - 1)
    return scaled.astype(SAMPLE)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _file_rate(path: Path) -> int | None:
    """What a file's header says; the decoder judges files that have none."""
    try:
        return int(soundfile.info(str(path)).samplerate)
    except soundfile.LibsndfileError:
        return None
