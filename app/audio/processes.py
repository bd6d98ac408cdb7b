"""Decodes in processes of their own, one a file, so that no file can take the server down.

The processes come from a fork server that holds only the decoder: it is a program of its own, so no
thread, lock or gigabyte of TensorFlow is ever copied into a decoder. They get descriptors, not
paths, and leave their samples in shared memory. What they leave and say there is not trusted.
"""

import asyncio
import logging
import multiprocessing
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from multiprocessing.context import ForkServerProcess
from multiprocessing.forkserver import ensure_running
from typing import BinaryIO

import numpy as np
from pydantic import TypeAdapter, ValidationError

from app.audio import child, sandbox
from app.audio.limits import MAX_RESAMPLED_MAGNITUDE, AudioLimits
from app.audio.shared_samples import SharedSamples
from app.domain import Samples
from app.errors import Kind, RequestError, SetupError
from app.stages import Stage, StageClock

log = logging.getLogger(__name__)

RESAMPLING_S = 1.0
"""What resampling may add to the longest file, amply."""

MOST_UNREAD = 64
"""So many messages are passed over at a time: one that floods us must not hold up the others."""

CLOSING_S = 0.05
"""A decoder that said its last word, or crashed, is gone within this time; others are killed."""

MESSAGE: TypeAdapter[child.Progress | child.Refusal] = TypeAdapter(child.Progress | child.Refusal)

Started = tuple[ForkServerProcess, socket.socket]


class Decoding:
    """A file while it is being decoded."""

    def __init__(self, connection: socket.socket, theirs: Samples, timeout_s: float) -> None:
        self.complete = False
        self._connection = connection
        self._theirs = theirs
        self._ours = np.empty_like(theirs)  # only what is written takes room
        self._patience_s = timeout_s

    async def progress(self) -> AsyncIterator[Samples]:
        """Yield all samples so far, (samples,), each time that there are more.

        Only the time that the decoder lets us wait counts towards its time-out: who is slow to take
        the samples does it no harm.

        Raises:
            RequestError: as `app.audio.decoding.decode`; `undecodable_audio` also where the decoder
                broke or takes too long.
        """
        known = 0
        while not self.complete:
            told = _understood(await self._news())
            if isinstance(told, child.Refusal):
                raise RequestError(told.kind, told.detail, told.model_dump()["extra"])
            if not known <= told.samples <= len(self._theirs) or not told.samples:
                raise _broke(f"it told of {told.samples} samples")
            await asyncio.to_thread(self._take, known, told.samples)
            known, self.complete = told.samples, told.complete
            yield self._ours[:known]

    def _take(self, first: int, last: int) -> None:
        """Copy samples to where the decoder can't change them any more, then check them.

        It checked them itself, but a file may have taken it over.
        """
        samples = self._ours[first:last]
        np.copyto(samples, self._theirs[first:last])
        # Not finite fails the comparison too.
        low, high = samples.min(initial=0), samples.max(initial=0)
        if not -MAX_RESAMPLED_MAGNITUDE <= low <= high <= MAX_RESAMPLED_MAGNITUDE:
            raise _broke("its samples are out of any range")

    async def _news(self) -> bytes:
        """The newest message; the ones before it say nothing more."""
        begun = time.monotonic()
        try:
            async with asyncio.timeout(self._patience_s):
                news = await asyncio.get_running_loop().sock_recv(
                    self._connection, child.MESSAGE_BYTES
                )
            for _ in range(MOST_UNREAD):
                newer = self._unread()
                if not newer:
                    break
                news = newer
        except TimeoutError:
            raise RequestError(
                Kind.UNDECODABLE_AUDIO, "The audio file takes too long to decode."
            ) from None
        except ConnectionError as error:
            raise _broke(str(error)) from None
        self._patience_s -= time.monotonic() - begun
        if not news:
            raise _broke("it ended without an answer")
        return news

    def _unread(self) -> bytes:
        try:
            return self._connection.recv(child.MESSAGE_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return b""


class Decoder:
    """Decodes files, a bounded number at a time."""

    def __init__(self, limits: AudioLimits, workers: int, timeout_s: float) -> None:
        """Start the fork server; call this before TensorFlow is imported.

        Args:
            limits: What a file may be.
            workers: Files decoded at a time.
            timeout_s: The longest that one may take.

        Raises:
            SetupError: A library that decoders need is missing.
        """
        sandbox.check_available()
        if limits.accept_m4a and find_spec("av") is None:
            raise SetupError(
                "TAGGRAM_ACCEPT_M4A is set, but PyAV is missing. Install it with "
                "`pip install taggram[m4a]`."
            )
        self.limits = limits
        self._timeout_s = timeout_s
        self._slots = asyncio.Semaphore(workers)
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(_preloaded(limits))
        ensure_running()

    @asynccontextmanager
    async def decoding(self, file: BinaryIO, clock: StageClock) -> AsyncIterator[Decoding]:
        """Decode a file while the body lasts; its process ends with it.

        The clock's `queue` gets the time until its turn came.

        Raises:
            RequestError: `overloaded` where no decoder can be started just now.
        """
        longest_s = self.limits.max_duration_s + RESAMPLING_S
        with clock.stage(Stage.QUEUE):
            await self._slots.acquire()
        try:
            with clock.stage(Stage.DECODE):
                async with self._process() as connection:
                    with SharedSamples(round(longest_s * self.limits.sample_rate)) as memory:
                        job = [file.fileno(), memory.descriptor]
                        with suppress(ConnectionError):  # the reading will say that it ended
                            socket.send_fds(connection, [child.JOB], job)
                        yield Decoding(connection, memory.samples, self._timeout_s)
        finally:
            self._slots.release()

    @asynccontextmanager
    async def _process(self) -> AsyncIterator[socket.socket]:
        """Lend out a decode process, as the connection to it."""
        starting = asyncio.ensure_future(asyncio.to_thread(self._start))
        try:
            process, connection = await asyncio.shield(starting)
        except asyncio.CancelledError:
            starting.add_done_callback(_discard)
            raise
        try:
            yield connection
        finally:
            connection.close()
            await asyncio.shield(asyncio.to_thread(_end, process))

    def _start(self) -> Started:
        """Start a process; takes milliseconds, so call it off the event loop."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        process = self._context.Process(
            target=child.main, args=(theirs, self.limits, self._timeout_s), daemon=True
        )
        try:
            process.start()
        except (EOFError, OSError):
            ours.close()
            raise RequestError(
                Kind.OVERLOADED, "The decoder is being restarted. Try again in a moment."
            ) from None
        finally:
            theirs.close()  # only the child holds it now, so its death ends the reading
        return process, ours


def _preloaded(limits: AudioLimits) -> list[str]:
    """What is imported once, for all decoders."""
    modules = [child.__name__, sandbox.SECCOMP]
    return [*modules, "app.audio.av_source"] if limits.accept_m4a else modules


def _understood(message: bytes) -> child.Progress | child.Refusal:
    try:
        return MESSAGE.validate_json(message, strict=True)
    except ValidationError:
        raise _broke("nobody understands what it told") from None


def _broke(reason: str) -> RequestError:
    log.warning("a decoder broke: %s", reason)
    return RequestError(
        Kind.UNDECODABLE_AUDIO, "The audio file broke its decoder. Export it again."
    )


def _discard(starting: asyncio.Future[Started]) -> None:
    """End a decoder whose caller left while it was started."""
    if not starting.cancelled() and starting.exception() is None:
        process, connection = starting.result()
        connection.close()
        _end(process)


def _end(process: ForkServerProcess) -> None:
    """End a process that may have ended itself; how it did is for the operator's eyes."""
    process.join(CLOSING_S)
    if process.exitcode is None:
        process.kill()
        process.join()
    elif process.exitcode:
        log.info("a decoder broke, exit code %s", process.exitcode)
    process.close()
