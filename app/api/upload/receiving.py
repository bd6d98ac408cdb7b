"""Receives an upload: parses, limits and hashes it as it arrives, and writes a temporary file."""

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
"""Bytes written and hashed at a time, in a thread: both would block the event loop."""

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
"""The OpenAPI description of the body. The framework does not parse it: it would read it whole."""


def get_content_length(request: Request) -> int | None:
    """Return the size of the body in bytes, by its Content-Length; None without that header."""
    length = request.headers.get("content-length")
    return None if length is None else int(length)


@asynccontextmanager
async def receive_upload(
    request: Request, max_bytes: int, clock: StageClock, on_bytes: Callable[[int], None]
) -> AsyncIterator[Track]:
    """Receive the part `file` into an unnamed temporary file, which is deleted after the body.

    Args:
        request: The request with the upload.
        max_bytes: The most bytes that the file may have.
        clock: Measures the time that receiving takes.
        on_bytes: Is called with the number of bytes of the body received so far.

    Yields:
        The track: the file, and its SHA-256 as its id.

    Raises:
        RequestError: `unsupported_media_type`, `malformed_request`, `invalid_parameter`,
            `payload_too_large`, `request_timeout`, or `forbidden` if the upload token is used up.
        ClientDisconnect: The client disconnected.
        OSError: The file can't be written: the disk is full, or descriptors have run out.
    """
    _check_content_encoding(request)
    part = FilePart(request.headers.get("content-type"), max_bytes)
    if (get_content_length(request) or 0) > max_bytes + FRAMING_BYTES:
        raise too_large(max_bytes)  # before reading: a client that waits for 100 sends no body
    with tempfile.TemporaryFile() as file:
        await use_token(request)  # only now: a request refused by its headers costs no use
        with clock.stage(Stage.RECEIVE):
            track_id = await _receive(request, part, file, on_bytes)
        yield Track(file, track_id)


def _check_content_encoding(request: Request) -> None:
    coding = request.headers.get("content-encoding", "").strip().lower()
    if coding not in {"", "identity"}:
        raise RequestError(
            Kind.UNSUPPORTED_MEDIA_TYPE,
            f"The body has the Content-Encoding {coding[:NAME_CHARACTERS]!r}, which is not "
            "supported. Send the body uncompressed, without this header.",
        )


async def _receive(
    request: Request, part: FilePart, file: IO[bytes], on_bytes: Callable[[int], None]
) -> str:
    """Write the file of the body, and return its SHA-256 in hex."""
    writer = _HashingWriter(file)
    received = 0
    try:
        async for chunk in request.stream():
            part.feed(chunk)
            on_bytes(received := received + len(chunk))
            if len(part.data) >= FLUSH_BYTES:
                await writer.write(part.take())
        part.finish()
        await writer.write(part.take())
    finally:
        await writer.wait()
    return writer.digest.hexdigest()


class _HashingWriter:
    """Writes and hashes a chunk in a thread while the next one is received."""

    def __init__(self, file: IO[bytes]) -> None:
        self.digest = hashlib.sha256()
        self._file = file
        self._writing: asyncio.Task[None] | None = None

    async def write(self, data: bytes) -> None:
        """Begin to write a chunk once the previous one is written."""
        await self.wait()
        self._writing = asyncio.create_task(asyncio.to_thread(self._write, data))

    async def wait(self) -> None:
        """Wait until all chunks are written."""
        if self._writing is not None:
            await self._writing

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._file.flush()
        self.digest.update(data)
