"""The body on its way in: parsed while it arrives, capped, hashed, written to a temporary file."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.errors import Kind, RequestError
from app.stages import Stage, StageClock
from app.tagging.tagger import Track

PART = "file"
FLUSH_BYTES = 2**20
"""So much is written and hashed at a time, in a thread: disks and digests would block the loop."""

FRAMING_BYTES = 2**16
"""What boundaries and headers of parts may add to the file."""

HOW_TO = f"Send multipart/form-data with the audio file as its part `{PART}`."

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
                            "description": "WAV, AIFF, FLAC, MP3, Ogg Vorbis or Opus.",
                        }
                    },
                }
            }
        },
    }
}
"""The body in OpenAPI's terms: the framework does not see it, as it would read it whole."""


@asynccontextmanager
async def received(request: Request, max_bytes: int, clock: StageClock) -> AsyncIterator[Track]:
    """Receive the part `file` and lend it out as a file without a name, gone whatever happens.

    Raises:
        RequestError: `invalid_parameter` or `payload_too_large`.
    """
    with tempfile.TemporaryFile() as file:
        with clock.stage(Stage.RECEIVE):
            track_id = await _receive(request, max_bytes, file)
        yield Track(file, track_id)


async def _receive(request: Request, max_bytes: int, file: IO[bytes]) -> str:
    """Write the one file of the body; its SHA-256 in hex."""
    part = _FilePart(_boundary(request), max_bytes)
    if int(request.headers.get("content-length", 0)) > max_bytes + FRAMING_BYTES:
        raise _too_large(max_bytes)  # before the body: a client that waits for 100 sends nothing
    keeper = _Keeper(file)
    body_bytes = 0
    try:
        async for chunk in request.stream():
            body_bytes += len(chunk)
            if body_bytes > max_bytes + FRAMING_BYTES:
                raise _too_large(max_bytes)
            part.feed(chunk)
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


class _FilePart:
    """Picks the one file out of a multipart body, chunk by chunk."""

    def __init__(self, boundary: bytes, max_bytes: int) -> None:
        self.data = bytearray()
        self._max_bytes = max_bytes
        self._size = 0
        self._files = 0
        self._complete = False
        self._in_file = False
        self._field = bytearray()
        self._value = bytearray()
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._part_begins,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_ends,
                    "on_part_data": self._part_data,
                    "on_end": self._body_ends,
                },
            )
        except FormParserError as error:
            raise _invalid("The boundary of the multipart body is off.") from error

    def feed(self, chunk: bytes) -> None:
        """Parse the next chunk."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _invalid("The multipart body is malformed.") from error

    def take(self) -> bytes:
        """The file's bytes since the last call."""
        data = bytes(self.data)
        self.data.clear()
        return data

    def finish(self) -> None:
        """Hold the whole body against what is wanted."""
        if not self._complete:
            raise _invalid("The multipart body is empty or breaks off.")
        if self._files != 1:
            raise _invalid(f"There are {self._files} parts named `{PART}`; one is wanted.")
        if self._size == 0:
            raise _invalid(f"The part `{PART}` is empty.")

    def _part_begins(self) -> None:
        self._in_file = False

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ends(self) -> None:
        if self._field.lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            if options.get(b"name") == PART.encode():
                self._in_file = True
                self._files += 1
        self._field.clear()
        self._value.clear()

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._size += end - start
            if self._size > self._max_bytes:
                raise _too_large(self._max_bytes)
            self.data += data[start:end]

    def _body_ends(self) -> None:
        self._complete = True


def _boundary(request: Request) -> bytes:
    content_type, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary")
    if content_type != b"multipart/form-data" or not boundary:
        raise _invalid("The body is not multipart/form-data with a boundary.")
    return boundary


def _invalid(problem: str) -> RequestError:
    return RequestError(Kind.INVALID_PARAMETER, f"{problem} {HOW_TO}")


def _too_large(max_bytes: int) -> RequestError:
    return RequestError(
        Kind.PAYLOAD_TOO_LARGE,
        f"The file is larger than {max_bytes / 2**20:g} MiB. Send a compressed one, such as MP3.",
        {"max_bytes": max_bytes},
    )
