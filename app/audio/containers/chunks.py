"""Whether the chunks of a WAV or an AIFF are as long as they say."""

import os
from collections.abc import Iterator
from typing import BinaryIO, Literal, NamedTuple

ORDER: dict[bytes, Literal["little", "big"]] = {
    **dict.fromkeys((b"RIFF", b"RF64", b"BW64"), "little"),
    **dict.fromkeys((b"FORM", b"RIFX"), "big"),
}
"""The byte order of their lengths."""

SOUND = {b"data", b"SSND"}
IN_ANOTHER_CHUNK = 2**32 - 1
"""The length of sound in an RF64, which says it elsewhere, and in what was piped."""

HEAD_BYTES, FORM_HEAD_BYTES = 8, 12
MOST = 1_000


class Chunk(NamedTuple):
    """A chunk's name, where its body begins, and how many bytes that should have."""

    name: bytes
    start: int
    length: int


def fill(file: BinaryIO) -> bool:
    """Return whether a file is a WAV or an AIFF whose chunks fill it exactly: nothing is amiss."""
    *_, last = [None, *_chunks(file)]
    # Some writers forget to pad the last one.
    return last is not None and 0 <= last.start + last.length + last.length % 2 - _size(file) <= 1


def share_of_sound(file: BinaryIO) -> float:
    """Return how much of the sound that a WAV or an AIFF announces is in the file, at most 1."""
    sound = _sound(file)
    return min(1.0, max(0, _size(file) - sound.start) / sound.length) if sound else 1.0


def sound_bytes(file: BinaryIO) -> int:
    """Return how many bytes of sound a WAV or an AIFF announces; 0 where it does not say it."""
    sound = _sound(file)
    return sound.length if sound else 0


def _sound(file: BinaryIO) -> Chunk | None:
    """The chunk of the sound, if it says how long it is."""
    for chunk in _chunks(file):
        if chunk.name in SOUND and chunk.length < IN_ANOTHER_CHUNK:
            return chunk if chunk.length else None
    return None


def _chunks(file: BinaryIO) -> Iterator[Chunk]:
    order = ORDER.get(_read(file, 0, FORM_HEAD_BYTES)[:4])
    place = FORM_HEAD_BYTES
    for _ in range(MOST):
        head = _read(file, place, HEAD_BYTES)
        if order is None or len(head) < HEAD_BYTES:
            return
        chunk = Chunk(head[:4], place + HEAD_BYTES, int.from_bytes(head[4:], order))
        yield chunk
        place = chunk.start + chunk.length + chunk.length % 2


def _size(file: BinaryIO) -> int:
    return file.seek(0, os.SEEK_END)


def _read(file: BinaryIO, place: int, count: int) -> bytes:
    file.seek(place)
    return file.read(count)
