"""Codebooks of an Ogg Vorbis file, counted before libvorbis makes them.

libvorbis believes a few hundred bytes that ask for gigabytes, and crashes on others. Layout:
Vorbis I specification, 3.2.1.
"""

from app.audio.refusals import undecodable
from app.errors import RequestError

SETUP_BYTES = 2**17
MAX_WORDS = 2**17
MAX_VALUES = 2**20
"""Of all codebooks together: words, and numbers in their vectors. libsndfile's own encoder gets to
11 kB, 19,413 and 85,928, with six channels."""

SYNC = 0x564342
LONGEST_WORD = 32
HEADER_BYTES = 7


class _Bits:
    """A packet, read from the lowest bit of each byte on."""

    def __init__(self, packet: bytes) -> None:
        self._bits = f"{int.from_bytes(packet, 'little'):0{8 * len(packet)}b}"[::-1]
        self._place = 8 * HEADER_BYTES

    def read(self, width: int) -> int:
        taken = self._bits[self._place : self._place + width]
        if len(taken) < width:
            raise _broken()
        self._place += width
        return int(taken[::-1] or "0", 2)

    def skip(self, width: int) -> None:
        self._place += width

    def skip_optional(self, count: int, width: int) -> None:
        """Skip fields, each behind a bit that says whether it is there."""
        for _ in range(count):
            self._place += 1 + width * self._bits.startswith("1", self._place)


def check_setup(packet: bytes) -> None:
    """Hold the third packet of a Vorbis stream against the bounds.

    Raises:
        RequestError: `undecodable_audio` where it is beyond them, or damaged.
    """
    if not packet.startswith(b"\x05vorbis") or len(packet) > SETUP_BYTES:
        raise _broken()
    bits = _Bits(packet)
    words = values = 0
    for _ in range(bits.read(8) + 1):
        if bits.read(24) != SYNC:
            raise _broken()
        dimensions, book_words = bits.read(16), bits.read(24)
        words += book_words
        values += book_words * dimensions
        # Of no dimensions libvorbis would never find the root.
        if not dimensions or words > MAX_WORDS or values > MAX_VALUES:
            raise _broken()
        _skip_lengths(bits, book_words)
        _skip_lookup(bits, book_words, dimensions)


def _skip_lengths(bits: _Bits, words: int) -> None:
    if bits.read(1):
        _skip_ordered_lengths(bits, words)
    elif bits.read(1):
        bits.skip_optional(words, 5)
    else:
        bits.skip(5 * words)


def _skip_ordered_lengths(bits: _Bits, words: int) -> None:
    """How many words there are of each length, shortest first."""
    length = bits.read(5) + 1
    while words > 0:
        if length > LONGEST_WORD:
            raise _broken()
        words -= bits.read(words.bit_length())
        length += 1


def _skip_lookup(bits: _Bits, words: int, dimensions: int) -> None:
    """The numbers that vectors are made of: none, one for each step of a grid, or all."""
    kind = bits.read(4)
    if kind == 0:
        return
    bits.skip(32 + 32)
    width = bits.read(4) + 1
    bits.skip(1)
    bits.skip(width * (_root(words, dimensions) if kind == 1 else words * dimensions))


def _root(words: int, dimensions: int) -> int:
    """The greatest number whose power of `dimensions` is at most `words`."""
    root = 0
    while (root + 1) ** dimensions <= words:
        root += 1
    return root


def _broken() -> RequestError:
    return undecodable("its codebooks can't be read")
