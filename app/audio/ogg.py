"""The packets of an Ogg file (RFC 3533), read strictly.

libogg passes over damaged pages, gaps and other streams until something fits. In a file's headers
we do not: what was checked must be what is decoded, so where we could differ the file is refused.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from app.audio.formats import unsupported
from app.audio.limits import check_channels
from app.audio.refusals import undecodable
from app.audio.vorbis import check_setup
from app.errors import RequestError

HEAD = struct.Struct("<4sBBqIIIB")
"""Capture pattern, version, flags, granule position, serial number, page number, checksum, and how
many lengths of segments follow."""

BEGINNING, BEGINNING_BYTES = re.compile(rb"OggS\0[\2\3\6\7]"), 6
"""Of a stream's first page: its flags have the bit 2."""

PIECE_BYTES = 2**20
CHECKSUM = slice(22, 26)
CONTINUED = 1
FULL_SEGMENT = 255

VORBIS_CHANNELS, OPUS_CHANNELS = slice(11, 12), slice(9, 10)
"""Where the number is in the first packet."""

_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True)
class _Page:
    serial: int
    number: int
    continues: bool
    segments: bytes
    body: bytes


def packets(file: BinaryIO) -> Iterator[bytes]:
    """Yield the packets of the one stream in a file, from where the file stands.

    Raises:
        RequestError: `undecodable_audio` at a page that is damaged, out of order or of another
            stream.
    """
    packet, expected = bytearray(), None
    while page := _read_page(file):
        if expected not in (None, (page.serial, page.number)) or page.continues != bool(packet):
            raise undecodable("the pages of its header are out of order")
        expected = (page.serial, page.number + 1)
        start = 0
        for size in page.segments:
            packet += page.body[start : start + size]
            start += size
            if size < FULL_SEGMENT:
                yield bytes(packet)
                packet.clear()


def check_headers(file: BinaryIO) -> None:
    """Look at what libsndfile would believe when it opens the file.

    Raises:
        RequestError: `unsupported_audio` where it holds neither Vorbis nor Opus, or too many
            channels; `undecodable_audio` where its headers are damaged or ask for too much.
    """
    file.seek(0)
    stream = packets(file)
    first = next(stream, b"")
    if first.startswith(b"OpusHead"):
        check_channels(int.from_bytes(first[OPUS_CHANNELS]))
    elif first.startswith(b"\x01vorbis"):
        check_channels(int.from_bytes(first[VORBIS_CHANNELS]))
        next(stream, None)  # comments
        check_setup(next(stream, b""))
    else:
        raise unsupported("In this Ogg file there is neither Vorbis nor Opus.")


def check_alone(file: BinaryIO) -> None:
    """Look for a second stream behind the first, at whose end libsndfile stops.

    Raises:
        RequestError: `undecodable_audio` where there is one.
    """
    file.seek(1)  # behind where the first one begins
    kept = b""
    while piece := file.read(PIECE_BYTES):
        if BEGINNING.search(kept + piece):
            raise undecodable("it is two files in one, of which only the first would be heard")
        kept = piece[1 - BEGINNING_BYTES :]


def _read_page(file: BinaryIO) -> _Page | None:
    head = file.read(HEAD.size)
    if not head:
        return None
    if len(head) < HEAD.size:
        raise _damaged()
    pattern, version, flags, _, serial, number, checksum, count = HEAD.unpack(head)
    segments = file.read(count)
    body = file.read(sum(segments))
    unsummed = head[: CHECKSUM.start] + bytes(4) + head[CHECKSUM.stop :]
    if (pattern, version) != (b"OggS", 0) or checksum != _checksum(unsummed + segments + body):
        raise _damaged()
    return _Page(serial, number, bool(flags & CONTINUED), segments, body)


def _checksum(page: bytes) -> int:
    """Ogg's CRC-32 is zlib's with all bits mirrored, and nothing inverted."""
    mirrored = zlib.crc32(page.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)


def _damaged() -> RequestError:
    return undecodable("a page of its header is damaged")
