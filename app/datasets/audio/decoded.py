"""Files to int16, by the service's own decoder, and what keeps some of them out."""

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
"""The thesis's `min_sample_rate`, in Hz: what is below it lacks half of what is to be heard."""

MAX_DURATION_S = 3_600
TIMEOUT_S = 300


@dataclass(frozen=True, eq=False)
class Embedded:
    """A track's samples, (samples,), and the SHA-256 of its file."""

    samples: npt.NDArray[np.int16]
    source: str


@dataclass(frozen=True)
class Unread:
    """Why a track's file can't be had just now; the next run tries it again."""

    why: str


Outcomes = AsyncIterator[Embedded | Refused | Unread]


def decoder(sample_rate: int, jobs: int) -> Decoder:
    """For tracks of datasets: short ones too, and long ones.

    Args:
        sample_rate: In Hz.
        jobs: Files decoded at a time.
    """
    return Decoder(AudioLimits(sample_rate, 0.0, MAX_DURATION_S), jobs, TIMEOUT_S)


async def outcomes(
    decoder: Decoder, files: Mapping[str, Path], ahead: int, on_progress: Callable[[int, int], None]
) -> Outcomes:
    """Decode files.

    Args:
        decoder: In the service's sandbox.
        files: By track.
        ahead: How many are decoded while the first is waited for.
        on_progress: Told after each file how many are done, of how many.

    Yields:
        What came of each file, in order.
    """
    waiting = deque[asyncio.Task[Embedded | Refused | Unread]]()
    left = iter(files.items())
    for number in range(len(files)):
        for key, path in islice(left, ahead - len(waiting)):
            waiting.append(asyncio.ensure_future(_outcome(decoder, key, path)))
        outcome = await waiting.popleft()
        on_progress(number + 1, len(files))
        yield outcome


async def _outcome(decoder: Decoder, key: str, path: Path) -> Embedded | Refused | Unread:
    try:
        source = await asyncio.to_thread(sha256, path)
        try:
            return Embedded(await _samples(decoder, path), source)
        except RequestError as error:
            if error.kind is Kind.OVERLOADED:  # no fault of the file
                return Unread(error.detail)
            return Refused(id=key, source=source, why=error.detail)
    except OSError as error:
        return Unread(f"it can't be read: {error.strerror}")


async def _samples(decoder: Decoder, path: Path) -> npt.NDArray[np.int16]:
    with path.open("rb", buffering=0) as file:
        async with decoder.decoding(file, StageClock()) as decoding:
            *_, track = [so_far async for so_far in decoding.progress()]
    await asyncio.to_thread(_check_rate, path)
    return await asyncio.to_thread(_int16, track)


def _check_rate(path: Path) -> None:
    """Refuse a rate that is too low, once the sandbox has heard the file: nothing in it is evil."""
    try:
        rate = soundfile.info(str(path)).samplerate
    except soundfile.LibsndfileError:
        return  # a file that FFmpeg alone reads, whose rate is not looked at
    if rate < MIN_SAMPLE_RATE:
        raise RequestError(
            Kind.UNSUPPORTED_AUDIO, f"Its sample rate is {rate} Hz, below {MIN_SAMPLE_RATE}."
        )


def _int16(samples: Samples) -> npt.NDArray[np.int16]:
    scaled = np.rint(samples * FULL_SCALE).clip(-FULL_SCALE, FULL_SCALE - 1)
    return scaled.astype(SAMPLE)


def sha256(path: Path) -> str:
    """Of a file.

    Raises:
        OSError: It can't be read, or is a pipe or a device.
    """
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
