"""Good files of every format with a few places spoilt, each given by a seed and a number."""

import random
import struct
from collections.abc import Callable
from functools import cache

import numpy as np

from testing.corpus.mpeg import cover, id3
from testing.corpus.sounds import floats
from testing.kinds import KINDS
from testing.ogg_pages import checked, pages, with_serial
from testing.sounds import encoded, noise, piped

RATE = 48_000
SECONDS = 0.6
HEADER_BYTES = 256
"""Headers lie in front: most damage done there is damage that a decoder sees."""

CHECKED_ANEW = 0.8
"""Of the Ogg mutants; the others show that a wrong checksum is seen."""

MAX_CHANGES = 6
"""Offsets; the maximum number of bytes at each:"""
LONGEST = 512

NUMBERS = (0, 1, 2, 7, 8, 9, 127, 128, 255, 256, 32_767, 32_768, 65_535, 65_536, 2**24 - 1,
           2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)  # fmt: skip
FIELDS = ("<B", "<H", ">H", "<I", ">I", "<Q", ">Q")

OTHERS = (
    *("BW64", "RIFX", "W64", "WAV of MS ADPCM", "WAV of MP3", "CAF", "CAF of ALAC", "AIFF-C"),
    *("FLAC in Ogg", "Ogg with a cover", "Ogg with a skeleton", "Ogg, chained at two rates"),
    *("M4A", "ALAC", "MP4 in fragments", "3GP of AMR", "QuickTime", "AAC", "LATM", "MP2"),
    *("WebM", "WebM, live", "Matroska of PCM", "Matroska of MP3", "WMA 1", "WMA 2", "AMR"),
    *("WavPack", "TTA", "AU", "AC-3", "E-AC-3", "FLV of MP3", "AVI of PCM", "AVI of MP3"),
    *("MPEG-TS of AAC", "MPEG-TS of MP2", "MPEG-PS of AC-3"),
)
"""Those that FFmpeg's own encoders write, by their names among the kinds."""

Spoil = Callable[[random.Random, bytearray], None]


@cache
def seeds() -> dict[str, bytes]:
    """The good files."""
    sound = noise(round(RATE * SECONDS))
    flac = encoded(sound, RATE, "FLAC")
    mp3 = encoded(sound, RATE, "MP3")
    return {
        "WAV": encoded(sound, RATE),
        "WAV of floats": floats(sound, RATE),
        "WAV, extensible": encoded(np.stack([sound] * 3, axis=1), RATE, "WAVEX", "PCM_24"),
        "RF64": encoded(sound, RATE, "RF64"),
        "AIFF": encoded(sound, RATE, "AIFF"),
        "AIFF-C": encoded(sound, RATE, "AIFF", "ULAW"),
        "FLAC": flac,
        "FLAC, piped": piped(flac),
        "MP3": mp3,
        "MP3 with a tag": id3(cover(300)) + mp3,
        "Vorbis": with_serial(encoded(sound, RATE, "OGG"), 1),
        "Opus": with_serial(encoded(sound, RATE, "OGG", "OPUS"), 1),
        **{name: KINDS[name](sound[: round(SECONDS * 44_100)]) for name in OTHERS},
    }


def mutant(seed: int, number: int) -> tuple[str, bytes]:
    """The name of the valid file, and the mutations."""
    chance = random.Random(f"{seed} {number}")
    name = chance.choice(list(seeds()))
    data = bytearray(seeds()[name])
    for _ in range(chance.randint(1, MAX_CHANGES)):
        chance.choice(SPOILS)(chance, data)
    if data[:4] == b"OggS" and chance.random() < CHECKED_ANEW:
        return name, b"".join(map(checked, pages(bytes(data))))
    return name, bytes(data)


def _place(chance: random.Random, data: bytearray) -> int:
    """Somewhere, and mostly in the header; seldom in the first bytes, which must open a format."""
    first = chance.choice((0, 12, 12, 12))
    last = min(len(data), HEADER_BYTES) if chance.random() < 0.6 else len(data)
    return chance.randrange(first, last) if first < last else 0


def _flip(chance: random.Random, data: bytearray) -> None:
    if data:
        data[_place(chance, data)] ^= 1 << chance.randrange(8)


def _number(chance: random.Random, data: bytearray) -> None:
    field = struct.Struct(chance.choice(FIELDS))
    value = chance.choice(NUMBERS) % 2 ** (8 * field.size)
    place = _place(chance, data)
    data[place : place + field.size] = field.pack(value)


def _garble(chance: random.Random, data: bytearray) -> None:
    place, size = _place(chance, data), chance.randint(1, 32)
    data[place : place + size] = chance.randbytes(size)


def _remove(chance: random.Random, data: bytearray) -> None:
    place = _place(chance, data)
    del data[place : place + chance.randint(1, LONGEST)]


def _repeat(chance: random.Random, data: bytearray) -> None:
    place = _place(chance, data)
    data[place:place] = data[place : place + chance.randint(1, LONGEST)] * chance.randint(1, 20)


def _insert(chance: random.Random, data: bytearray) -> None:
    place = _place(chance, data)
    data[place:place] = chance.randbytes(chance.randint(1, LONGEST))


def _cut(chance: random.Random, data: bytearray) -> None:
    del data[_place(chance, data) :]


def _splice(chance: random.Random, data: bytearray) -> None:
    other = seeds()[chance.choice(list(seeds()))]
    place = _place(chance, data)
    data[place:] = other[chance.randrange(len(other)) :]


SPOILS: tuple[Spoil, ...] = (
    *(_flip, _flip, _number, _number, _number, _number, _garble),
    *(_remove, _repeat, _insert, _cut, _splice),
)
