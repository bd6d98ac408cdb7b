"""Presents parts of a file as files: the audio between its tags, or the links of an Ogg chain."""

import io
import os
import re
from collections.abc import Iterator
from typing import BinaryIO, cast

from app.audio.containers.start import Start
from app.audio.containers.tags import start_of_end_tags

FIRST_PAGE = re.compile(rb"OggS\0[\2\3\6\7]")
"""The beginning of the first page of a stream: its flags have bit 2 set (RFC 3533, section 6)."""

FIRST_PAGE_BYTES = 6
SEGMENTS_AT = 26
PAGE = b"OggS\0"
MOST_PAGE_BYTES = SEGMENTS_AT + 1 + 255 + 255 * 255
PIECE_BYTES = 2**20


class _Section(io.RawIOBase):
    """The bytes of a file between two positions."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        self._file, self._start, self._size = file, start, end - start
        self._place = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position in the section, in bytes."""
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move to a position in the section, and return it."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        self._place = max(0, base + offset)
        return self._place

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes of the section; by default all that are left."""
        left = self._size - self._place
        if left <= 0:  # the position may be beyond the end of any file
            return b""
        self._file.seek(self._start + self._place)
        data = self._file.read(left if size < 0 else min(size, left))
        self._place += len(data)
        return data


def sections(file: BinaryIO, start: Start) -> list[BinaryIO]:
    """Return the sections to decode one after the other, without the tags around them.

    FFmpeg handles tags around MP3 frames itself. It decodes a chain of Ogg streams only while their
    sample rate, channels and codec stay the same, so each link is a section.
    """
    demuxer, position = start
    end = file.seek(0, os.SEEK_END) if demuxer is None else start_of_end_tags(file, position)
    if demuxer != "ogg":
        return [_section(file, position, end)]
    starts = _links(file, position) or [position]
    return [_section(file, *ends) for ends in zip(starts, [*starts[1:], end], strict=True)]


def ends_within_page(file: BinaryIO) -> bool:
    """Return whether an Ogg file was cut in the middle of its last page."""
    size = file.seek(0, os.SEEK_END)
    begin = max(0, size - MOST_PAGE_BYTES)
    file.seek(begin)
    position = file.read(MOST_PAGE_BYTES).rfind(PAGE)
    return position >= 0 and _page_end(file, begin + position) > size


def _section(file: BinaryIO, start: int, end: int) -> BinaryIO:
    return cast("BinaryIO", _Section(file, start, end))  # it implements the methods that are used


def _links(file: BinaryIO, start: int) -> list[int]:
    """Return where the links of a chain begin.

    The first pages of streams that are multiplexed in one link follow each other directly.
    """
    links, expected = [], -1
    for position in _first_pages(file, start):
        if position != expected:
            links.append(position)
        expected = _page_end(file, position)
    return links


def _first_pages(file: BinaryIO, position: int) -> Iterator[int]:
    kept = b""
    file.seek(position)
    while piece := file.read(PIECE_BYTES):
        data = kept + piece
        yield from (position + found.start() for found in FIRST_PAGE.finditer(data))
        kept = data[1 - FIRST_PAGE_BYTES :]
        position += len(data) - len(kept)
        file.seek(position + len(kept))


def _page_end(file: BinaryIO, position: int) -> int:
    file.seek(position + SEGMENTS_AT)
    count = file.read(1)
    lengths = file.read(count[0] if count else 0)
    return position + SEGMENTS_AT + 1 + len(lengths) + sum(lengths)
