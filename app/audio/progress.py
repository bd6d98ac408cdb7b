"""A file while it is being decoded, as the service sees it.

Nothing that a decode process says or leaves is trusted: a file may have taken it over.
"""

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator

import numpy as np
from pydantic import TypeAdapter, ValidationError

from app.audio import child
from app.audio.limits import MAX_RESAMPLED_MAGNITUDE
from app.audio.refusals import RefusedFileError
from app.domain import Decoders, Samples
from app.errors import Kind, RequestError

log = logging.getLogger(__name__)

MOST_UNREAD = 64
"""So many messages are passed over at a time: one that floods us must not hold up the others."""

MESSAGE: TypeAdapter[child.Progress | child.Refusal] = TypeAdapter(child.Progress | child.Refusal)


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
        decoders: Decoders = Decoders.ALL,
    ) -> None:
        """Begin to wait for a decoder.

        Args:
            connection: To its process.
            theirs: Where it writes its samples.
            timeout_s: The longest that it may take.
            decoders: The libraries that may read the file.
        """
        self.complete = False
        self.announced_s: float | None = None
        self._connection = connection
        self._theirs = theirs
        self._ours = np.empty_like(theirs)  # only what is written takes room
        self._patience_s = timeout_s
        self._decoders = decoders

    async def progress(self) -> AsyncIterator[Samples]:
        """Yield all samples so far, (samples,), each time that there are more.

        Only the time that the decoder lets us wait counts towards its time-out: who is slow to take
        the samples does it no harm.

        Raises:
            RequestError: as `app.audio.decoding.TrackReader`; `undecodable_audio` also where the
                decoder broke or takes too long.
        """
        known = 0
        while not self.complete:
            report = _understood(await self._news())
            if isinstance(report, child.Refusal):
                raise _refused(report, self._decoders)
            if not known <= report.samples <= len(self._theirs) or not report.samples:
                raise _broke(f"it reported {report.samples} samples")
            await asyncio.to_thread(self._take, known, report.samples)
            known, self.complete = report.samples, report.complete
            self.announced_s = report.announced_s
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


def _understood(message: bytes) -> child.Progress | child.Refusal:
    try:
        return MESSAGE.validate_json(message, strict=True)
    except ValidationError:
        raise _broke("nobody understands what it told") from None


def _refused(report: child.Refusal, decoders: Decoders) -> RequestError:
    try:
        return RefusedFileError(report.reason, report.numbers, report.codec, decoders)
    except KeyError:
        return _broke("it refused its file without the numbers of its reason")


def _broke(reason: str) -> RequestError:
    log.warning("a decoder broke: %s", reason)
    return RequestError(
        Kind.UNDECODABLE_AUDIO, "The audio file broke its decoder. Export it again."
    )
