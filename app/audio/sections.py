"""Parts of a file as files of their own: what follows its tags, or the links of an Ogg chain."""

import io
import os
import re
from collections.abc import Iterator
from typing import BinaryIO, cast

from app.audio.formats import behind_tags

FIRST_PAGE = re.compile(rb"OggS\0[\2\3\6\7]")
"""How the first page of a stream begins (RFC 3533): its flags have the bit 2."""

FIRST_PAGE_BYTES = 6
SEGMENTS_AT = 26
PIECE_BYTES = 2**20


class _Section(io.RawIOBase):
    """The bytes of a file between two places."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        self._file, self._start, self._size = file, start, end - start
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        self._place = max(0, base + offset)
        return self._place

    def read(self, size: int = -1, /) -> bytes:
        left = max(0, self._size - self._place)
        self._file.seek(self._start + self._place)
        data = self._file.read(left if size < 0 else min(size, left))
        self._place += len(data)
        return data


def sections(file: BinaryIO, demuxer: str | None) -> list[BinaryIO]:
    """Return the parts to decode one after the other.

    FFmpeg looks behind tags where it knows of them, and goes through a chain of Ogg streams only
    as long as their rate, channels and codec stay as they are.
    """
    if demuxer is None:
        return [file]
    start, end = behind_tags(file), file.seek(0, os.SEEK_END)
    if demuxer != "ogg":
        return [_section(file, start, end) if start else file]
    starts = _links(file) or [start]
    return [_section(file, *ends) for ends in zip(starts, [*starts[1:], end], strict=True)]


def _section(file: BinaryIO, start: int, end: int) -> BinaryIO:
    return cast("BinaryIO", _Section(file, start, end))  # as good as one


def _links(file: BinaryIO) -> list[int]:
    """Where the links of a chain begin; streams that play together begin page by page."""
    links, expected = [], -1
    for place in _first_pages(file):
        if place != expected:
            links.append(place)
        expected = _page_end(file, place)
    return links


def _first_pages(file: BinaryIO) -> Iterator[int]:
    place, kept = 0, b""
    file.seek(0)
    while piece := file.read(PIECE_BYTES):
        data = kept + piece
        yield from (place + found.start() for found in FIRST_PAGE.finditer(data))
        kept = data[1 - FIRST_PAGE_BYTES :]
        place += len(data) - len(kept)
        file.seek(place + len(kept))


def _page_end(file: BinaryIO, place: int) -> int:
    file.seek(place + SEGMENTS_AT)
    count = file.read(1)
    lengths = file.read(count[0] if count else 0)
    return place + SEGMENTS_AT + 1 + len(lengths) + sum(lengths)
