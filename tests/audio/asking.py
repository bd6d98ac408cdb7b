"""Asks decoders, and watches their processes."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
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


def fork_server() -> int | None:
    """The process that decoders come from."""
    for pid in _children(os.getpid()):
        with suppress(FileNotFoundError, ProcessLookupError):
            if b"multiprocessing.forkserver" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
    return None


def decoders() -> list[int]:
    """All decode processes that there are just now."""
    server = fork_server()
    return _children(server) if server else []


def decoders_of(path: Path) -> list[int]:
    """Those that were given this file."""
    return [pid for pid in decoders() if str(path) in opened(pid)]


def opened(pid: int) -> list[str]:
    """What is behind each descriptor of a process."""
    found = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                found.append(str(descriptor.readlink()))
    return found


def _children(parent: int) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            # After the name, which may hold anything: the state and the parent.
            state, its_parent = (process / "stat").read_text().rpartition(")")[2].split()[:2]
            if int(its_parent) == parent and state != "Z":
                found.append(int(process.name))
    return found


def _opened(pid: int) -> list[str]:
    opened = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                opened.append(str(descriptor.readlink()))
    return opened
