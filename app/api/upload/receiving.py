"""The body on its way in: parsed while it arrives, capped, hashed, written to a temporary file."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import IO

from fastapi import Request

from app.api.access import use_token
from app.api.upload.multipart import FRAMING_BYTES, NAME_CHARACTERS, PART, FilePart, too_large
from app.errors import Kind, RequestError
from app.stages import Stage, StageClock
from app.tagging.tagger import Track

FLUSH_BYTES = 2**20
"""So much is written and hashed at a time, in a thread: disks and digests would block the loop."""

OPENAPI_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [PART],
                    "properties": {
                        PART: {
                            "type": "string",
                            "contentMediaType": "application/octet-stream",
                            "format": "binary",
                            "description": "A file of one of the formats that `GET /limits` lists.",
                        }
                    },
                }
            }
        },
    }
}
"""The body in OpenAPI's terms: the framework does not see it, as it would read it whole."""


def announced_bytes(request: Request) -> int | None:
    """The size of a body that is to come; None where nobody says."""
    length = request.headers.get("content-length")
    return None if length is None else int(length)


@asynccontextmanager
async def received(
    request: Request, max_bytes: int, clock: StageClock, arriving: Callable[[int], None]
) -> AsyncIterator[Track]:
    """Receive the part `file` and lend it out as a file without a name, gone whatever happens.

    Args:
        request: Its body is read.
        max_bytes: Of the file.
        clock: Gets the time that it takes.
        arriving: Is told how many bytes of the body are here.

    Raises:
        RequestError: `unsupported_media_type`, `malformed_request`, `invalid_parameter`,
            `payload_too_large`, or `forbidden` where the upload token is used up.
        OSError: It can't be kept: the disk is full, or descriptors have run out.
    """
    _check_content_encoding(request)
    part = FilePart(request.headers.get("content-type"), max_bytes)
    if (announced_bytes(request) or 0) > max_bytes + FRAMING_BYTES:
        raise too_large(max_bytes)  # before the body: a client that waits for 100 sends nothing
    with tempfile.TemporaryFile() as file:
        await use_token(request)  # what is refused by its head costs none
        with clock.stage(Stage.RECEIVE):
            track_id = await _receive(request, part, file, arriving)
        yield Track(file, track_id)


def _check_content_encoding(request: Request) -> None:
    coding = request.headers.get("content-encoding", "").strip().lower()
    if coding not in {"", "identity"}:
        raise RequestError(
            Kind.UNSUPPORTED_MEDIA_TYPE,
            f"The body has the Content-Encoding {coding[:NAME_CHARACTERS]!r}, which is not "
            "decoded. Send it uncompressed, without this header.",
        )


async def _receive(
    request: Request, part: FilePart, file: IO[bytes], arriving: Callable[[int], None]
) -> str:
    """Write the one file of the body; its SHA-256 in hex."""
    keeper = _Keeper(file)
    arrived = 0
    try:
        async for chunk in request.stream():
            part.feed(chunk)
            arriving(arrived := arrived + len(chunk))
            if len(part.data) >= FLUSH_BYTES:
                await keeper.keep(part.take())
        part.finish()
        await keeper.keep(part.take())
    finally:
        await keeper.done()
    return keeper.digest.hexdigest()


class _Keeper:
    """Writes and hashes a piece in a thread while the next one is received."""

    def __init__(self, file: IO[bytes]) -> None:
        self.digest = hashlib.sha256()
        self._file = file
        self._writing: asyncio.Task[None] | None = None

    async def keep(self, data: bytes) -> None:
        """Take a piece once the one before is written."""
        await self.done()
        self._writing = asyncio.create_task(asyncio.to_thread(self._write, data))

    async def done(self) -> None:
        """Wait until all that was taken is written."""
        if self._writing is not None:
            await self._writing

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._file.flush()
        self.digest.update(data)
