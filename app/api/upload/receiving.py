"""Receives uploads: parses, limits and hashes them as they arrive, and writes temporary files."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import IO

from fastapi import Request

from app.api.access import use_token
from app.api.upload.multipart import (
    FRAMING_BYTES,
    NAME_CHARACTERS,
    PART,
    FileParts,
    SizeLimits,
    empty,
    too_large,
    too_large_form,
)
from app.errors import Kind, RequestError
from app.stages import Stage, StageClock
from app.tagging.tagger import Track

FLUSH_BYTES = 2**20
"""Bytes written and hashed at a time, in a thread: both would block the event loop."""

_FILE = {
    "type": "string",
    "contentMediaType": "application/octet-stream",
    "format": "binary",
    "description": "A file of one of the formats that `GET /limits` lists.",
}


def describe_form(max_files: int = 1) -> dict[str, object]:
    """Return the OpenAPI description of a form with files, for a route's `openapi_extra`.

    The framework does not parse the body: it would read it whole.
    """
    files = {"type": "array", "minItems": 1, "maxItems": max_files, "items": _FILE}
    schema = {
        "type": "object",
        "required": [PART],
        "properties": {PART: _FILE if max_files == 1 else files},
    }
    content = {"multipart/form-data": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


@dataclass(frozen=True)
class Upload:
    """A file of a form.

    Attributes:
        track: The file, and its SHA-256 as its id.
        problem: Why it was not kept: it is too large or empty. None if it was.
    """

    track: Track
    problem: RequestError | None


def get_content_length(request: Request) -> int | None:
    """Return the size of the body in bytes, by its Content-Length; None without that header."""
    length = request.headers.get("content-length")
    return None if length is None else int(length)


@asynccontextmanager
async def receive_uploads(
    request: Request, limits: SizeLimits, clock: StageClock, on_bytes: Callable[[int], None]
) -> AsyncIterator[list[Upload]]:
    """Receive the parts `file` into unnamed temporary files, which are deleted after the body.

    Each file costs a use of the upload token.

    Args:
        request: The request with the upload.
        limits: The limits of the form.
        clock: Measures the time that receiving takes.
        on_bytes: Is called with the number of bytes of the body received so far.

    Yields:
        The files, at least one. If only one is allowed, it has no problem.

    Raises:
        RequestError: `unsupported_media_type`, `malformed_request`, `invalid_parameter`,
            `payload_too_large`, `request_timeout`, or `forbidden` if the upload token is used up.
        ClientDisconnect: The client disconnected.
        OSError: A file can't be written: the disk is full, or descriptors have run out.
    """
    _check_content_encoding(request)
    parts = FileParts(request.headers.get("content-type"), limits)
    if (get_content_length(request) or 0) > limits.max_total_bytes + FRAMING_BYTES:
        raise too_large_form(limits)  # before reading: a client that waits for 100 sends no body
    with ExitStack() as files:
        await use_token(request)  # only now: a request refused by its headers costs no use
        with clock.stage(Stage.RECEIVE):
            written = await _receive(request, parts, files, on_bytes)
        yield [
            Upload(Track(file.file, file.digest.hexdigest()), _problem(size, limits.max_bytes))
            for file, size in zip(written, parts.sizes, strict=True)
        ]


def _problem(size: int, max_bytes: int) -> RequestError | None:
    if size > max_bytes:
        return too_large(max_bytes)
    return None if size else empty()


def _check_content_encoding(request: Request) -> None:
    coding = request.headers.get("content-encoding", "").strip().lower()
    if coding not in {"", "identity"}:
        raise RequestError(
            Kind.UNSUPPORTED_MEDIA_TYPE,
            f"The body has the Content-Encoding {coding[:NAME_CHARACTERS]!r}, which is not "
            "supported. Send the body uncompressed, without this header.",
        )


async def _receive(
    request: Request, parts: FileParts, files: ExitStack, on_bytes: Callable[[int], None]
) -> list["_HashingWriter"]:
    """Write the files of the body, which `files` closes."""
    writers: list[_HashingWriter] = []
    received = 0
    try:
        async for chunk in request.stream():
            parts.feed(chunk)
            on_bytes(received := received + len(chunk))
            if parts.has(FLUSH_BYTES):
                await _write(request, parts.take(), writers, files)
        parts.finish()
        await _write(request, parts.take(), writers, files)
    finally:
        for writer in writers:
            await writer.wait()
    return writers


async def _write(
    request: Request, data: list[bytes], writers: list["_HashingWriter"], files: ExitStack
) -> None:
    """Write what arrived of the last file, and of each file that began since."""
    last, *begun = data
    if writers:
        await writers[-1].write(last)
    for part in begun:
        if writers:
            await use_token(request)
        file = files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - `files` closes it
        writers.append(_HashingWriter(file))
        await writers[-1].write(part)


class _HashingWriter:
    """Writes and hashes a chunk in a thread while the next one is received."""

    def __init__(self, file: IO[bytes]) -> None:
        self.digest = hashlib.sha256()
        self.file = file
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
        self.file.write(data)
        self.file.flush()
        self.digest.update(data)
