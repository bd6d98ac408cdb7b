"""Headers of Ogg Vorbis files, written bit by bit."""

import struct

from testing.ogg_pages import FIRST, LAST, page

Fields = list[tuple[int, int]]
"""Pairs of a value and its width in bits."""


def crashing_vorbis() -> bytes:
    """A few hundred bytes that end the process which opens them.

    For a codebook of 2 ** 22 words libvorbis takes 32 MiB from a stack of mostly 8 MiB.
    """
    words = 22
    return vorbis_with([(0x564342, 24), (1, 16), *equal_words(words), (0, 4)])


def oversized_vorbis() -> bytes:
    """A few kilobytes that ask for 4 GiB: 128 codebooks of 2 ** 10 words in 8191 dimensions."""
    lookup = [(1, 4), (0, 32), (0, 32), (0, 4), (0, 1), (0, 1)]
    return vorbis_with([(0x564342, 24), (8191, 16), *equal_words(10), *lookup] * 128, count=128)


def equal_words(log2_words: int) -> Fields:
    """A Huffman tree whose codewords all have the same length."""
    words = 1 << log2_words
    return [(words, 24), (1, 1), (log2_words - 1, 5), (words, log2_words + 1)]


def vorbis_with(codebooks: Fields, count: int = 1, channels: int = 1) -> bytes:
    """Headers with these codebooks, all else as short as can be, and no sound."""
    setup = [(count - 1, 8), *codebooks]
    setup += [(0, 6), (0, 16)]  # time domain transforms
    setup += [(0, 6), (1, 16), (0, 5), (0, 2), (4, 4)]  # floors
    setup += [(0, 6), (0, 16), *[(0, 24)] * 3, (0, 6), (0, 8), (0, 3), (0, 1)]  # residues
    setup += [(0, 6), (0, 16), (0, 1), (0, 1), (0, 2), (0, 8), (0, 8), (0, 8)]  # mappings
    setup += [(0, 6), (0, 1), (0, 16), (0, 16), (0, 8), (1, 1)]  # modes, framing
    identification = b"\x01vorbis" + struct.pack("<IBIiiiBB", 0, channels, 44_100, 0, 0, 0, 0xB8, 1)
    comment = b"\x03vorbis" + struct.pack("<IIB", 0, 0, 1)
    return (
        page([identification], 0, flags=FIRST)
        + page([comment, b"\x05vorbis" + _bits(setup)], 1)
        + page([b"\x00"], 2, flags=LAST, granule=1024)
    )


def _bits(fields: Fields) -> bytes:
    """The first field in the lowest bits."""
    value = width = 0
    for field, bits in fields:
        value |= field << width
        width += bits
    return value.to_bytes((width + 7) // 8, "little")
