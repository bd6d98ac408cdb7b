"""A file while it is being decoded, as the service sees it.

Nothing that a decode process says or leaves is trusted: a file may have taken it over.
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

MOST_UNREAD = 64
"""So many messages are passed over at a time: one that floods us must not hold up the others."""

Message = decoder_process.Header | decoder_process.Progress | decoder_process.Refusal
MESSAGE: TypeAdapter[Message] = TypeAdapter(Message)


class Decoding:
    """A file while it is being decoded.

    Attributes:
        complete: Whether all of it is decoded.
        announced_s: Of a damaged file, once it is complete, how long it should be.
    """

    def __init__(
        self,
        connection: socket.socket,
        theirs: Samples,
        timeout_s: float,
        turn: Turn | None = None,
        work: Work | None = None,
        decoders: Decoders = Decoders.ALL,
    ) -> None:
        """Begin to wait for a decoder.

        Args:
            connection: To its process.
            theirs: Where it writes its samples.
            timeout_s: The longest that it may run.
            turn: In which it runs; none: it runs all the time.
            work: Gets what the header says.
            decoders: The libraries that may read the file.
        """
        self.complete = False
        self.announced_s: float | None = None
        self._connection = connection
        self._theirs = theirs
        self._ours = np.empty_like(theirs)  # only what is written takes room
        self._patience_s = timeout_s
        self._decoders = decoders
        self._turn = turn or Turn.unshared()
        self._work = work or Work()

    async def header(self) -> None:
        """Wait for what the header says, where nothing else was asked for.

        Raises:
            RequestError: as `progress`.
        """
        report = self._understood(await self._message())
        if not isinstance(report, decoder_process.Header):
            raise _broke("it said nothing of the header")
        self._read_header(report)

    async def progress(self) -> AsyncIterator[Samples]:
        """Yield all samples so far, (samples,), each time that there are more.

        Only the time that the decoder lets us wait counts towards its time-out: who is slow to take
        the samples does it no harm.

        Raises:
            RequestError: As `TrackReader` raises; `undecodable_audio` also where the
                decoder broke or takes too long.
        """
        known = 0
        report = self._understood(await self._message())
        if isinstance(report, decoder_process.Header):
            self._read_header(report)
            report = self._understood(await self._news())
        while True:
            if isinstance(report, decoder_process.Header):
                raise _broke("it sent two headers")
            if not known <= report.samples <= len(self._theirs) or not report.samples:
                raise _broke(f"it reported {report.samples} samples")
            await asyncio.to_thread(self._take, known, report.samples)
            known, self.complete = report.samples, report.complete
            self.announced_s = report.announced_s
            yield self._ours[:known]
            if self.complete:
                return
            report = self._understood(await self._news())

    def _understood(self, message: bytes) -> decoder_process.Header | decoder_process.Progress:
        """What a decoder says, where that is no refusal.

        Raises:
            RequestError: The refusal, or `undecodable_audio` where this is none of its messages.
        """
        try:
            report = MESSAGE.validate_json(message, strict=True)
        except ValidationError:
            raise _broke("nobody understands what it told") from None
        if isinstance(report, decoder_process.Refusal):
            raise _refused(report, self._decoders)
        return report

    def _read_header(self, header: decoder_process.Header) -> None:
        self._work.read_header(header.length_s, header.sample_rate, header.channels)

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
        news = await self._message()
        for _ in range(MOST_UNREAD):
            newer = self._unread()
            if not newer:
                break
            news = newer
        return news

    async def _message(self) -> bytes:
        """The next message; while the decoder is paused its time stands still."""
        begun_s = self._turn.ran_s
        message = None
        try:
            while message is None:
                message = await self._received(self._patience_s - (self._turn.ran_s - begun_s))
        except ConnectionError as error:
            raise _broke(str(error)) from None
        self._patience_s -= self._turn.ran_s - begun_s
        if not message:
            raise _broke("it ended without an answer")
        return message

    async def _received(self, rest_s: float) -> bytes | None:
        """The next message; None where the decoder was paused within its time."""
        if rest_s <= 0:
            raise RequestError(Kind.UNDECODABLE_AUDIO, "The audio file takes too long to decode.")
        try:
            async with asyncio.timeout(rest_s):
                return await asyncio.get_running_loop().sock_recv(
                    self._connection, decoder_process.MESSAGE_BYTES
                )
        except TimeoutError:
            await self._turn.has_slot.wait()
            return None

    def _unread(self) -> bytes:
        try:
            return self._connection.recv(decoder_process.MESSAGE_BYTES, socket.MSG_DONTWAIT)
        except (BlockingIOError, ConnectionError):  # the next reading will say that it ended
            return b""


def _refused(report: decoder_process.Refusal, decoders: Decoders) -> RequestError:
    try:
        return RefusedFileError(report.reason, report.numbers, report.codec, decoders)
    except KeyError:
        return _broke("it refused its file without the numbers of its reason")


def _broke(reason: str) -> RequestError:
    log.warning("a decoder broke: %s", reason)
    return RequestError(
        Kind.UNDECODABLE_AUDIO, "The audio file broke its decoder. Export it again."
    )
