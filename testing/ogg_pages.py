"""Ogg pages (RFC 3533), whole and taken apart."""

import struct
import zlib
from collections.abc import Iterator

HEAD = struct.Struct("<4sBBqIIIB")
CHECKSUM_AT = 22
SERIAL_AT = 14

CONTINUED, FIRST, LAST = 1, 2, 4
"""Flags of a page."""

MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
ALL_ONES = 0xFFFFFFFF

SEGMENTS = 255
"""The most that a page has."""


def page(
    packets: list[bytes],
    number: int = 0,
    *,
    flags: int = 0,
    granule: int = 0,
    serial: int = 1,
    to_be_continued: bool = False,
) -> bytes:
    """One page; a packet that is to be continued must be a multiple of 255 bytes."""
    lacing = b"".join(b"\xff" * (len(p) // 255) + bytes([len(p) % 255]) for p in packets)
    if to_be_continued:
        lacing = lacing[:-1]
    return laced_page(
        lacing, b"".join(packets), number, flags=flags, granule=granule, serial=serial
    )


def laced_page(
    lacing: bytes,
    body: bytes,
    number: int = 0,
    *,
    flags: int = 0,
    granule: int = 0,
    serial: int = 1,
    version: int = 0,
) -> bytes:
    """A page with these lengths of segments."""
    head = HEAD.pack(b"OggS", version, flags, granule, serial, number, 0, len(lacing))
    return checked(head + lacing + body)


def checked(one_page: bytes) -> bytes:
    """The page with the checksum that fits it."""
    blank = one_page[:CHECKSUM_AT] + bytes(4) + one_page[CHECKSUM_AT + 4 :]
    return blank[:CHECKSUM_AT] + struct.pack("<I", _checksum(blank)) + blank[CHECKSUM_AT + 4 :]


def pages(stream: bytes) -> Iterator[bytes]:
    """Split a stream into pages; other bytes are dropped."""
    start = stream.find(b"OggS")
    while 0 <= start <= len(stream) - HEAD.size:
        body = start + HEAD.size + stream[start + HEAD.size - 1]
        end = body + sum(stream[start + HEAD.size : body])
        yield stream[start:end]
        start = stream.find(b"OggS", end)


def with_serial(stream: bytes, serial: int) -> bytes:
    """The stream under another serial number."""
    number = struct.pack("<I", serial)
    return b"".join(
        checked(one[:SERIAL_AT] + number + one[SERIAL_AT + 4 :]) for one in pages(stream)
    )


def _checksum(data: bytes) -> int:
    """Ogg's is zlib's with all bits the other way round, begun and ended with none inverted."""
    remainder = zlib.crc32(data.translate(MIRRORED), ALL_ONES) ^ ALL_ONES
    return int.from_bytes(remainder.to_bytes(4, "little").translate(MIRRORED), "big")
