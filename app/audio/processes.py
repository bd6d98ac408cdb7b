"""Runs `decode` in processes of their own, one a file, so that no file can take the server down.

The processes come from a fork server that holds only the decoder: it is a program of its own, so no
thread, lock or gigabyte of TensorFlow is ever copied into a decoder.
"""

import asyncio
import contextlib
import logging
import math
import multiprocessing
import os
import resource
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from multiprocessing.forkserver import ensure_running
from pathlib import Path

import numpy as np

from app.audio.decoding import decode
from app.audio.limits import AudioLimits
from app.domain import Waveform
from app.errors import Kind, RequestError

log = logging.getLogger(__name__)

MEMORY_BYTES = 512 * 2**20
"""Address space that a decoder may add to what it starts with."""


class Decoder:
    """Decodes files, a bounded number at a time."""

    def __init__(self, limits: AudioLimits, workers: int, timeout_s: float) -> None:
        """Start the fork server; call this before TensorFlow is imported.

        Args:
            limits: What a file may be.
            workers: Files decoded at a time.
            timeout_s: The longest that one may take.
        """
        self._limits = limits
        self._timeout_s = timeout_s
        self._slots = asyncio.Semaphore(workers)
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([decode.__module__])
        ensure_running()

    async def decode(self, path: Path) -> Waveform:
        """Decode a file; the process ends with the call, also where the call is cancelled.

        Raises:
            RequestError: as `app.audio.decoding.decode`; `undecodable_audio` where the decoder
                crashed or took too long; `overloaded` where none can be started just now.
        """
        async with self._slots:
            starting = asyncio.ensure_future(asyncio.to_thread(self._start, path))
            try:
                process, reader = await asyncio.shield(starting)
            except asyncio.CancelledError:
                starting.add_done_callback(_discard)
                raise
            try:
                return await asyncio.to_thread(self._result, process, reader)
            except asyncio.CancelledError:
                with contextlib.suppress(ValueError):  # it ended and was closed meanwhile
                    process.kill()  # which ends the reading thread too
                raise

    def _start(self, path: Path) -> tuple[ForkServerProcess, Connection]:
        reader, writer = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=_run, args=(writer, path, self._limits, self._timeout_s), daemon=True
        )
        try:
            process.start()
        except (EOFError, OSError):
            raise RequestError(
                Kind.OVERLOADED, "The decoder is being restarted. Try again in a moment."
            ) from None
        writer.close()  # only the child holds it now, so its death ends the reading
        return process, reader

    def _result(self, process: ForkServerProcess, reader: Connection) -> Waveform:
        try:
            if not reader.poll(self._timeout_s):
                raise RequestError(
                    Kind.UNDECODABLE_AUDIO, "The audio file takes too long to decode."
                )
            error = reader.recv()
            if error is not None:
                raise error
            samples = np.frombuffer(reader.recv_bytes(), np.float32)
        except (EOFError, OSError):
            process.join()
            log.info("a decoder ended without an answer, exit code %s", process.exitcode)
            raise RequestError(
                Kind.UNDECODABLE_AUDIO, "The audio file broke its decoder. Export it again."
            ) from None
        finally:
            _end(process, reader)
        return Waveform(samples, self._limits.sample_rate)


def _discard(starting: asyncio.Future[tuple[ForkServerProcess, Connection]]) -> None:
    """End a decoder whose caller left while it was started."""
    if not starting.cancelled() and starting.exception() is None:
        _end(*starting.result())


def _end(process: ForkServerProcess, reader: Connection) -> None:
    reader.close()
    process.kill()
    process.join()
    process.close()


def _run(writer: Connection, path: Path, limits: AudioLimits, cpu_s: float) -> None:
    """The decode process: one file, one answer (an error or none, then the samples)."""
    _confine(cpu_s)
    try:
        samples = decode(path, limits)
    except RequestError as error:
        writer.send(error)
    else:
        writer.send(None)
        writer.send_bytes(samples.data)


def _confine(cpu_s: float) -> None:
    """Bound what a file can make its decoder take, and mute libmpg123, which floods stderr."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    memory = pages * resource.getpagesize() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    seconds = math.ceil(cpu_s)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with Path(os.devnull).open("w") as null:
        os.dup2(null.fileno(), 2)
