"""The service's side of decoding a file.

Messages and samples of a decode process are not trusted: a file may have taken it over.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator

import numpy as np
from pydantic import TypeAdapter, ValidationError

from app.audio.limits import MAX_RESAMPLED_MAGNITUDE
from app.audio.refusals import RefusedFileError
from app.audio.worker import decoder_process
from app.audio.worker.work import Work
from app.domain import Decoders, Samples
from app.errors import Kind, RequestError
from app.turns import Turn

log = logging.getLogger(__name__)

MAX_SKIPPED = 64
"""Most messages that are skipped at a time, so that a decoder that floods us can't block others."""

Message = decoder_process.Header | decoder_process.Progress | decoder_process.Refusal
MESSAGE: TypeAdapter[Message] = TypeAdapter(Message)


class BrokenDecoderError(RequestError):
    """A decode process ended without an answer, or sent an invalid one."""

    def __init__(self) -> None:
        detail = "The audio file broke its decoder. Export it again."
        super().__init__(Kind.UNDECODABLE_AUDIO, detail)
        self.args = ()  # so that it survives a pickle


class SlowDecoderError(RequestError):
    """A decode process exceeded its timeout, because of the file or of a busy machine."""

    def __init__(self) -> None:
        detail = "The audio file takes too long to decode."
        super().__init__(Kind.UNDECODABLE_AUDIO, detail)
        self.args = ()  # so that it survives a pickle


class Decoding:
    """A file that is being decoded.

    Attributes:
        complete: Whether it is fully decoded.
        announced_s: The announced duration of a damaged file, in seconds, once it is complete.
    """

    def __init__(
        self,
        connection: socket.socket,
        shared: Samples,
        timeout_s: float,
        turn: Turn | None = None,
        work: Work | None = None,
        decoders: Decoders = Decoders.ALL,
    ) -> None:
        """Prepare to read from a decode process.

        Args:
            connection: The connection to it.
            shared: The memory that it writes its samples to, (samples,) float32, or
                (samples, channels).
            timeout_s: The longest time that it may run, in seconds.
            turn: The turn in which it runs; None if it always runs.
            work: Records the header.
            decoders: The libraries that may decode the file.
        """
        self.complete = False
        self.announced_s: float | None = None
        self._connection = connection
        self._shared = shared
        self._copy = np.empty_like(shared)  # pages are allocated when they are written
        self._remaining_s = timeout_s
        self._decoders = decoders
        self._turn = turn or Turn.unshared()
        self._work = work or Work()

    async def header(self) -> None:
        """Wait for the header, if only that was requested.

        Raises:
            RequestError: As for `progress`.
        """
        report = self._parse(await self._message())
        if not isinstance(report, decoder_process.Header):
            raise _decoder_failed("it did not send the header")
        self._read_header(report)

    async def progress(self) -> AsyncIterator[Samples]:
        """Yield all samples so far, of the shape of the memory, each time that there are more.

        Only the time spent waiting for the decoder counts towards its timeout, not the time that
        the caller takes between two samples.

        Raises:
            RequestError: The refusals of `TrackReader`.
            BrokenDecoderError: The decoder broke.
            SlowDecoderError: It exceeded its timeout.
        """
        known = 0
        report = self._parse(await self._message())
        if isinstance(report, decoder_process.Header):
            self._read_header(report)
            report = self._parse(await self._latest_message())
        while True:
            if isinstance(report, decoder_process.Header):
                raise _decoder_failed("it sent two headers")
            if not known <= report.samples <= len(self._shared) or not report.samples:
                raise _decoder_failed(f"it reported {report.samples} samples")
            await asyncio.to_thread(self._take, known, report.samples)
            known, self.complete = report.samples, report.complete
            self.announced_s = report.announced_s
            yield self._copy[:known]
            if self.complete:
                return
            report = self._parse(await self._latest_message())

    def _parse(self, message: bytes) -> decoder_process.Header | decoder_process.Progress:
        """Parse a message.

        Raises:
            RequestError: It is a refusal; `undecodable_audio` if it is not a valid message.
        """
        try:
            report = MESSAGE.validate_json(message, strict=True)
        except ValidationError:
            raise _decoder_failed("it sent an invalid message") from None
        if isinstance(report, decoder_process.Refusal):
            raise _refusal(report, self._decoders)
        return report

    def _read_header(self, header: decoder_process.Header) -> None:
        self._work.read_header(header.length_s, header.sample_rate, header.channels)

    def _take(self, first: int, last: int) -> None:
        """Copy samples to memory that the decoder can't change, then check them.

        The decoder checked them too, but a file may have taken it over.
        """
        samples = self._copy[first:last]
        np.copyto(samples, self._shared[first:last])
        # The comparison is also false for NaN.
        low, high = samples.min(initial=0), samples.max(initial=0)
        if not -MAX_RESAMPLED_MAGNITUDE <= low <= high <= MAX_RESAMPLED_MAGNITUDE:
            raise _decoder_failed("its samples are out of range")

    async def _latest_message(self) -> bytes:
        """Wait for a message; of several, return the latest, which covers the others."""
        latest = await self._message()
        for _ in range(MAX_SKIPPED):
            newer = self._unread()
            if not newer:
                break
            latest = newer
        return latest

    async def _message(self) -> bytes:
        """Wait for the next message; the time in which the decoder is paused does not count."""
        begun_s = self._turn.ran_s
        message = None
        try:
            while message is None:
                message = await self._received(self._remaining_s - (self._turn.ran_s - begun_s))
        except ConnectionError as error:
            raise _decoder_failed(str(error)) from None
        self._remaining_s -= self._turn.ran_s - begun_s
        if not message:
            raise _decoder_failed("it ended without an answer")
        return message

    async def _received(self, timeout_s: float) -> bytes | None:
        """Wait for the next message; return None if the decoder was paused meanwhile."""
        if timeout_s <= 0:
            raise SlowDecoderError
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.get_running_loop().sock_recv(
                    self._connection, decoder_process.MESSAGE_BYTES
                )
        except TimeoutError:
            await self._turn.has_slot.wait()
            return None

    def _unread(self) -> bytes:
        try:
            return self._connection.recv(decoder_process.MESSAGE_BYTES, socket.MSG_DONTWAIT)
        except (BlockingIOError, ConnectionError):  # the next read reports that the process ended
            return b""


def _refusal(report: decoder_process.Refusal, decoders: Decoders) -> RequestError:
    try:
        return RefusedFileError(report.reason, report.numbers, report.codec, decoders)
    except KeyError:
        return _decoder_failed("its refusal lacks the numbers of its reason")


def _decoder_failed(reason: str) -> RequestError:
    log.warning("a decode process failed: %s", reason)
    return BrokenDecoderError()
