"""Decode files to int16 with the service's own decoder, and report those that can't be decoded."""

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from app.audio.limits import AudioLimits
from app.audio.worker.processes import Decoder
from app.datasets.audio.audio_store import SAMPLE, Refused
from app.datasets.audio.cropping import FULL_SCALE
from app.domain import Samples
from app.errors import Kind, RequestError
from app.paths import open_file
from app.stages import StageClock

MIN_SAMPLE_RATE = 11_250
"""The thesis's `min_sample_rate`, in Hz: a lower one lacks half of the melgram's frequencies."""

MAX_DURATION_S = 3_600
TIMEOUT_S = 300


@dataclass(frozen=True, eq=False)
class DecodedTrack:
    """A track's samples, (samples,) or (samples, 2), and the SHA-256 of its file."""

    samples: npt.NDArray[np.int16]
    source: str


@dataclass(frozen=True)
class Unreadable:
    """Why a track's file can't be read now; the next run tries again."""

    why: str


Outcomes = AsyncIterator[DecodedTrack | Refused | Unreadable]


def make_decoder(sample_rate: int, jobs: int, channels: int = 1) -> Decoder:
    """Return a decoder for tracks of datasets, with no minimum length and a high maximum.

    Args:
        sample_rate: The rate that files are resampled to, in Hz.
        jobs: Number of files decoded at a time.
        channels: 1 to mix files to mono, 2 for stereo.

    Raises:
        SetupError: A library is missing, or decoders can't be confined or started.
    """
    limits = AudioLimits(sample_rate, 0.0, MAX_DURATION_S, channels=channels)
    return Decoder(limits, jobs, TIMEOUT_S)


async def decode_files(
    decoder: Decoder, files: Mapping[str, Path], ahead: int, on_progress: Callable[[int, int], None]
) -> Outcomes:
    """Decode files.

    Args:
        decoder: The decoder, which confines its processes as in the service.
        files: The files, by track id.
        ahead: The number of files decoded concurrently.
        on_progress: Called after each file with the numbers of files done and in all.

    Yields:
        The outcome of each file, in order.
    """
    waiting = deque[asyncio.Task[DecodedTrack | Refused | Unreadable]]()
    left = iter(files.items())
    for number in range(len(files)):
        for key, path in islice(left, ahead - len(waiting)):
            waiting.append(asyncio.ensure_future(_decode_file(decoder, key, path)))
        outcome = await waiting.popleft()
        on_progress(number + 1, len(files))
        yield outcome


async def _decode_file(
    decoder: Decoder, key: str, path: Path
) -> DecodedTrack | Refused | Unreadable:
    try:
        source = await asyncio.to_thread(sha256, path)
        try:
            return DecodedTrack(await _samples(decoder, path), source)
        except RequestError as error:
            if error.kind is Kind.OVERLOADED:  # not the file's fault
                return Unreadable(error.detail)
            return Refused(id=key, source=source, why=error.detail)
    except OSError as error:
        return Unreadable(f"can't be read: {error.strerror}")


async def _samples(decoder: Decoder, path: Path) -> npt.NDArray[np.int16]:
    with path.open("rb", buffering=0) as file:
        async with decoder.decoding(file, StageClock()) as decoding:
            *_, track = [so_far async for so_far in decoding.progress()]
    await asyncio.to_thread(_check_rate, path)
    return await asyncio.to_thread(_int16, track)


def _check_rate(path: Path) -> None:
    """Refuse a rate that is too low; safe, as the file was decoded in the sandbox before."""
    try:
        rate = soundfile.info(str(path)).samplerate
    except soundfile.LibsndfileError:
        return  # only FFmpeg reads this file; its rate is not checked
    if rate < MIN_SAMPLE_RATE:
        raise RequestError(
            Kind.UNSUPPORTED_AUDIO, f"Its sample rate is {rate} Hz, below {MIN_SAMPLE_RATE}."
        )


def _int16(samples: Samples) -> npt.NDArray[np.int16]:
    scaled = np.rint(samples * FULL_SCALE).clip(-FULL_SCALE, FULL_SCALE - 1)
    return scaled.astype(SAMPLE)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hex digits.

    Raises:
        OSError: It can't be read, or is a pipe or a device.
    """
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
