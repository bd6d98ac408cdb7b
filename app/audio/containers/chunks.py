"""Checks the chunk lengths of WAV and AIFF files.

RF64 is defined in EBU Tech 3306, BW64 in ITU-R BS.2088.
"""

import os
from collections.abc import Iterator
from typing import BinaryIO, Literal, NamedTuple

ORDER: dict[bytes, Literal["little", "big"]] = {
    **dict.fromkeys((b"RIFF", b"RF64", b"BW64"), "little"),
    **dict.fromkeys((b"FORM", b"RIFX"), "big"),
}
"""The byte order of the chunk lengths, by the magic number of the file."""

AUDIO_CHUNKS = {b"data", b"SSND"}
UNKNOWN_LENGTH = 2**32 - 1
"""The length of the audio chunk in an RF64, which has it in another chunk, and in files from a
pipe."""

HEAD_BYTES, FORM_HEAD_BYTES = 8, 12
MAX_CHUNKS = 1_000


class Chunk(NamedTuple):
    """A chunk.

    Attributes:
        name: Its four bytes.
        start: Position of its body in the file.
        length: Length of its body in bytes, as announced.
    """

    name: bytes
    start: int
    length: int


def is_intact(file: BinaryIO) -> bool:
    """Return whether a file is a WAV or an AIFF, and its chunks fill it exactly."""
    *_, last = [None, *_chunks(file)]
    # Some writers forget to pad the last one.
    return last is not None and 0 <= last.start + last.length + last.length % 2 - _size(file) <= 1


def share_of_audio(file: BinaryIO) -> float:
    """Return the share of a WAV's or an AIFF's announced audio that is in the file, at most 1."""
    audio = _audio_chunk(file)
    return min(1.0, max(0, _size(file) - audio.start) / audio.length) if audio else 1.0


def announced_audio_bytes(file: BinaryIO) -> int:
    """Return the bytes of audio that a WAV or an AIFF announces; 0 if it does not."""
    audio = _audio_chunk(file)
    return audio.length if audio else 0


def _audio_chunk(file: BinaryIO) -> Chunk | None:
    """Return the chunk with the audio, if it announces its length."""
    for chunk in _chunks(file):
        if chunk.name in AUDIO_CHUNKS and chunk.length < UNKNOWN_LENGTH:
            return chunk if chunk.length else None
    return None


def _chunks(file: BinaryIO) -> Iterator[Chunk]:
    order = ORDER.get(_read(file, 0, FORM_HEAD_BYTES)[:4])
    position = FORM_HEAD_BYTES
    for _ in range(MAX_CHUNKS):
        head = _read(file, position, HEAD_BYTES)
        if order is None or len(head) < HEAD_BYTES:
            return
        chunk = Chunk(head[:4], position + HEAD_BYTES, int.from_bytes(head[4:], order))
        yield chunk
        position = chunk.start + chunk.length + chunk.length % 2


def _size(file: BinaryIO) -> int:
    return file.seek(0, os.SEEK_END)


def _read(file: BinaryIO, position: int, count: int) -> bytes:
    file.seek(position)
    return file.read(count)
