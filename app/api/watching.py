"""Uploads that are being answered, as those see them who watch one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from app.errors import Kind, RequestError
from app.stages import Stage, StageClock

ONWARD = (Stage.RECEIVE, Stage.QUEUE, Stage.DECODE, Stage.INFER, Stage.DERIVE)
"""As an artist sees them: the track arrives, waits for its turn, is read, heard, put into words.

Decoding, waiting for the device and inference take turns; each is told when it first begins.
"""

MOST_WATCHERS = 4


class Upload:
    """One that is being answered.

    Attributes:
        watchers: So many watch it.
    """

    def __init__(self) -> None:
        self._stage = Stage.RECEIVE
        self._is_answered = False
        self._news = asyncio.Event()
        self.watchers = 0

    def enter(self, stage: Stage) -> None:
        """It is at a stage; what lies behind it is not told again."""
        if ONWARD.index(stage) > ONWARD.index(self._stage):
            self._stage = stage
            self._tell()

    def answered(self) -> None:
        """Nothing more will come."""
        self._is_answered = True
        self._tell()

    async def stages(self) -> AsyncIterator[Stage]:
        """Yield the stage it is at, then each one that it enters, until it is answered.

        One that is over before anybody could look, as a queue with nobody in it, is left out.
        """
        told = None
        while True:
            news = self._news
            if self._stage != told:
                told = self._stage
                yield told
            elif self._is_answered:
                return
            else:
                await news.wait()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class Uploads:
    """Those that are being answered by this process, by their requests' ids."""

    def __init__(self) -> None:
        self._uploads: dict[str, Upload] = {}

    @contextmanager
    def answering(self, request_id: str, clock: StageClock) -> Iterator[None]:
        """Let an upload be watched while the body lasts; of two with one id, the first."""
        if request_id in self._uploads:
            yield
            return
        upload = self._uploads[request_id] = Upload()
        clock.on_enter(upload.enter)
        try:
            yield
        finally:
            del self._uploads[request_id]
            upload.answered()

    @contextmanager
    def watched(self, request_id: str) -> Iterator[Upload]:
        """One of them, with one watcher more while the body lasts.

        Raises:
            RequestError: `not_found`, or `overloaded` where enough watch it.
        """
        upload = self._uploads.get(request_id)
        if upload is None:
            raise RequestError(
                Kind.NOT_FOUND,
                "No upload with this X-Request-ID is being answered here: it is done, has not "
                "begun, or another replica answers it.",
            )
        if upload.watchers >= MOST_WATCHERS:
            raise RequestError(Kind.OVERLOADED, "Enough watch this upload. Wait for its answer.")
        upload.watchers += 1
        try:
            yield upload
        finally:
            upload.watchers -= 1
