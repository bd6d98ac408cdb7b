"""Asks decoders."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from app.audio.processes import Decoder
from app.audio.progress import Decoding
from app.domain import Waveform
from app.stages import StageClock

T = TypeVar("T")

PATIENCE_S = 20
"""Only a defect takes longer."""


@asynccontextmanager
async def decoding(decoder: Decoder, path: Path) -> AsyncIterator[Decoding]:
    """A file while it is being decoded; a named pipe is opened without anybody to write to it."""
    with path.open("r+b", buffering=0) as file:
        async with decoder.decoding(file, StageClock()) as running:
            yield running


async def decode(decoder: Decoder, path: Path) -> Waveform:
    """Decode a file to its end."""
    async with decoding(decoder, path) as running:
        parts = [samples async for samples in running.progress()]
    return Waveform(parts[-1].copy(), decoder.limits.sample_rate)


async def until(found: Callable[[], T | None]) -> T:
    """Wait for what is bound to happen soon."""
    async with asyncio.timeout(PATIENCE_S):
        result = found()
        while not result:
            await asyncio.sleep(0.01)
            result = found()
    return result
