"""Decodes files in processes of their own, as the service does; and asks why some are refused."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.audio.limits import AudioLimits
from app.audio.worker.processes import Decoder
from app.audio.worker.progress import Decoding
from app.domain import Waveform
from app.errors import RequestError
from app.stages import StageClock
from testing.sounds import LIMITS, decoded


@asynccontextmanager
async def decoding(
    decoder: Decoder, path: Path, clock: StageClock | None = None
) -> AsyncIterator[Decoding]:
    """A file while it is being decoded; a named pipe is opened without a writer."""
    with path.open("r+b", buffering=0) as file:
        async with decoder.decoding(file, clock or StageClock()) as running:
            yield running


async def decode(decoder: Decoder, path: Path, clock: StageClock | None = None) -> Waveform:
    """Decode a file to its end."""
    async with decoding(decoder, path, clock) as running:
        parts = [samples async for samples in running.progress()]
    return Waveform(parts[-1].copy(), decoder.limits.sample_rate)


def refusal(file: Path | bytes, limits: AudioLimits = LIMITS) -> RequestError:
    """Why a file is refused."""
    with pytest.raises(RequestError) as refused:
        decoded(file, limits)
    return refused.value
