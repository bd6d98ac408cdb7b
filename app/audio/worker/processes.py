"""Decodes each file in a process of its own, so that no file can crash the server.

The processes are forked from a fork server that has loaded only the decoder: it is a separate
program, so no thread, lock or gigabyte of TensorFlow is copied into a decoder. They get file
descriptors, not paths, and write their samples to shared memory.
"""

import asyncio
import logging
import multiprocessing
import os
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from copy import copy
from dataclasses import replace
from importlib.util import find_spec
from multiprocessing.context import ForkServerProcess
from multiprocessing.forkserver import ensure_running
from typing import BinaryIO, Self

import numpy as np

from app.audio.limits import AudioLimits
from app.audio.worker import decoder_process, sandbox
from app.audio.worker.pausing import PausableProcess
from app.audio.worker.progress import Decoding
from app.audio.worker.shared_samples import SharedSamples
from app.audio.worker.work import Work
from app.domain import Decoders
from app.errors import Kind, RequestError, SetupError
from app.stages import Stage, StageClock
from app.turns import TIME_SLICE_S, Turn, Turns

log = logging.getLogger(__name__)

RESAMPLING_S = 1.0
"""An ample limit, in seconds, of the length that resampling adds to the longest file."""

PROBED_AFTER_S = 2 * TIME_SLICE_S
"""A client's only file gets its turn within this time if one other client is busy."""

CLOSING_S = 1.0
"""A decoder that closed its connection ends within this time, unless it is hostile."""

FORK_SERVER = "app.audio.worker.fork_server"
"""Its name, as importing it restarts the program."""

Started = tuple[ForkServerProcess, socket.socket]


class Decoder:
    """Decodes files, a bounded number at a time, in turns by client.

    A file that waits longer than `PROBED_AFTER_S` is probed: a process reads its header and ends.
    So its cost is known while it waits, and a file over the limits is refused before its turn.
    """

    def __init__(self, limits: AudioLimits, workers: int, timeout_s: float) -> None:
        """Start the fork server; call this before TensorFlow is imported.

        Args:
            limits: See `AudioLimits`.
            workers: Most files that are decoded at a time.
            timeout_s: The longest time that decoding a file may take, in seconds.

        Raises:
            SetupError: A library is missing, or decoders can't be confined or started.
        """
        sandbox.check_available()
        if limits.decoders is Decoders.ALL and find_spec("av") is None:
            raise SetupError(
                "PyAV, which brings FFmpeg, is missing. Install it with `pip install av`, or set "
                "TAGGRAM_DECODERS=soundfile to read fewer formats without it."
            )
        self.limits = limits
        self._timeout_s = timeout_s
        self._turns, self._probes = Turns(workers), Turns(workers)
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(_preloaded(limits))
        _start_fork_server()

    def at(self, sample_rate: int, channels: int) -> Self:
        """Return this decoder, with the same slots, for another sample rate in Hz and channels."""
        other = copy(self)
        other.limits = replace(self.limits, sample_rate=sample_rate, channels=channels)
        return other

    @asynccontextmanager
    async def decoding(
        self, file: BinaryIO, clock: StageClock, work: Work | None = None
    ) -> AsyncIterator[Decoding]:
        """Decode a file during the body; its process ends with the body.

        Args:
            file: The file; its position is moved.
            clock: Records the time until the file's turn as `queue`, then `decode`.
            work: The client; records the header.

        Yields:
            The decoding, which reports progress and samples.

        Raises:
            RequestError: `overloaded` if no decoder can be started; if the file has to wait, also
                the refusal of its header.
            OSError: The machine has not enough memory for the samples.
        """
        work = work or Work()
        longest_s = self.limits.max_duration_s + RESAMPLING_S
        async with AsyncExitStack() as stack:
            turn = stack.enter_context(self._turns.turn(work.client))
            with clock.stage(Stage.QUEUE):
                if not await turn.wait_for_slot(PROBED_AFTER_S):
                    await self._probe(file, work)
                    await turn.has_slot.wait()
            stack.enter_context(clock.stage(Stage.DECODE))
            connection = await stack.enter_async_context(self._process(turn))
            room = round(longest_s * self.limits.sample_rate)
            memory = stack.enter_context(SharedSamples(room, self.limits.channels))
            _send_job(connection, decoder_process.JOB, file.fileno(), memory.descriptor)
            yield Decoding(
                connection, memory.samples, self._timeout_s, turn, work, self.limits.decoders
            )

    async def _probe(self, file: BinaryIO, work: Work) -> None:
        """Read a file's header.

        Raises:
            RequestError: The header is refused.
        """
        nothing = np.empty(0, np.float32)
        with self._probes.turn(work.client) as turn:
            await turn.has_slot.wait()
            async with self._process(turn) as connection:
                _send_job(connection, decoder_process.PROBE, file.fileno())
                decoders = self.limits.decoders
                decoding = Decoding(connection, nothing, self._timeout_s, turn, work, decoders)
                await decoding.header()
        os.lseek(file.fileno(), 0, os.SEEK_SET)

    @asynccontextmanager
    async def _process(self, turn: Turn) -> AsyncIterator[socket.socket]:
        """Yield the connection to a new decode process; it is paused outside its turn."""
        starting = asyncio.ensure_future(asyncio.to_thread(self._start))
        try:
            process, connection = await asyncio.shield(starting)
        except asyncio.CancelledError:
            starting.add_done_callback(_discard)
            raise
        try:
            with PausableProcess(process.pid) as turn.work:
                yield connection
        finally:
            await asyncio.shield(asyncio.to_thread(_end, process, connection))

    def _start(self) -> Started:
        """Start a process; takes milliseconds, so call it off the event loop."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        process = self._context.Process(
            target=decoder_process.main, args=(theirs, self.limits, self._timeout_s), daemon=True
        )
        try:
            process.start()
        except (EOFError, OSError):
            ours.close()
            raise RequestError(
                Kind.OVERLOADED, "The decoder is being restarted. Try again in a moment."
            ) from None
        finally:
            theirs.close()  # only the child has it now, so reading ends when the child dies
        return process, ours


def _preloaded(limits: AudioLimits) -> list[str]:
    """Return the modules that the fork server imports once, for all decoders."""
    modules = [FORK_SERVER, decoder_process.__name__, sandbox.SECCOMP]
    return (
        [*modules, "app.audio.decoders.av_source"] if limits.decoders is Decoders.ALL else modules
    )


def _send_job(connection: socket.socket, job: bytes, *descriptors: int) -> None:
    with suppress(ConnectionError):  # reading reports that the process ended
        socket.send_fds(connection, [job], descriptors)


def _discard(starting: asyncio.Future[Started]) -> None:
    """End a decoder whose request was cancelled while it was started."""
    if not starting.cancelled() and starting.exception() is None:
        _end(*starting.result())


def _end(process: ForkServerProcess, connection: socket.socket) -> None:
    """End a process; log its exit code if it had ended itself."""
    ended = _is_closed(connection)
    connection.close()
    if ended:
        process.join(CLOSING_S)
    process.kill()
    process.join()
    if ended and process.exitcode:
        log.info("a decode process ended with exit code %s", process.exitcode)
    process.close()


def _is_closed(connection: socket.socket) -> bool:
    """Return whether the process has closed the connection and all its messages were read."""
    try:
        return not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def _start_fork_server() -> None:
    """Start the fork server; its socket is in the folder for temporary files.

    Raises:
        SetupError: The socket can't be created there.
    """
    try:
        ensure_running()
    except OSError as error:
        raise SetupError(
            f"the fork server for decoders can't be started: {error}; set TMPDIR, now "
            f"{tempfile.gettempdir()}, to a writable folder with a short path"
        ) from error
