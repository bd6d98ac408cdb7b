"""Sounds and files that the tests of decoding share."""

import io
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from app.audio.decoding import decode
from app.audio.limits import AudioLimits
from app.audio.scratch import scratch_for

Sound = npt.NDArray[np.float32]
Fields = list[tuple[int, int]]
"""Pairs of a value and its width in bits."""

LIMITS = AudioLimits(sample_rate=16_000, min_duration_s=0.5, max_duration_s=10.0)
TONE_HZ = 440.0
TONE_LEVEL = 0.5


def decoded(path: Path, limits: AudioLimits = LIMITS) -> Sound:
    """A whole file, decoded in this very process."""
    with path.open("rb", buffering=0) as file, scratch_for(file.fileno()) as scratch:
        return np.concatenate([np.empty(0, np.float32), *decode(file, limits, scratch)])


def tone(rate: int, seconds: float = 2.0) -> Sound:
    """A sine, (samples,)."""
    time = np.arange(round(rate * seconds)) / rate
    return (TONE_LEVEL * np.sin(2 * np.pi * TONE_HZ * time)).astype(np.float32)


def pitch_hz(sound: Sound) -> float:
    """Where the spectrum of what was decoded is highest."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum)) * LIMITS.sample_rate / len(sound)


def noise(samples: int, seed: int = 1) -> Sound:
    """White noise at a tenth of full scale, (samples,)."""
    return (0.1 * np.random.RandomState(seed).standard_normal(samples)).astype(np.float32)


def encoded(sound: Sound, rate: int, container: str = "WAV", codec: str | None = None) -> bytes:
    """A file as libsndfile writes it."""
    file = io.BytesIO()
    soundfile.write(file, sound, rate, format=container, subtype=codec)
    return file.getvalue()


def piped(flac: bytes) -> bytes:
    """The FLAC as an encoder writes it to a pipe, where it can't go back to note the length.

    STREAMINFO begins at byte 8; the length in samples is the low 36 bits of its bytes 13 to 17.
    """
    return flac[:21] + bytes([flac[21] & 0xF0, 0, 0, 0, 0]) + flac[26:]


def crashing_vorbis() -> bytes:
    """A few hundred bytes that end the process which opens them.

    For a codebook of 2 ** 22 words libvorbis takes 32 MiB from a stack of mostly 8 MiB.
    """
    words = 22
    return vorbis_with([(0x564342, 24), (1, 16), *equal_words(words), (0, 4)])


def gluttonous_vorbis() -> bytes:
    """A few kilobytes that ask for 4 GiB: 128 codebooks of 2 ** 10 words in 8191 dimensions."""
    lookup = [(1, 4), (0, 32), (0, 32), (0, 4), (0, 1), (0, 1)]
    return vorbis_with([(0x564342, 24), (8191, 16), *equal_words(10), *lookup] * 128, count=128)


def equal_words(log2_words: int) -> Fields:
    """A Huffman tree whose words are all as long as each other."""
    words = 1 << log2_words
    return [(words, 24), (1, 1), (log2_words - 1, 5), (words, log2_words + 1)]


def vorbis_with(codebooks: Fields, count: int = 1, channels: int = 1) -> bytes:
    """Headers with these codebooks, all else as short as can be, and no sound."""
    setup = [(count - 1, 8), *codebooks]
    setup += [(0, 6), (0, 16)]  # time domain transforms
    setup += [(0, 6), (1, 16), (0, 5), (0, 2), (4, 4)]  # floors
    setup += [
        (0, 6),
        (0, 16),
        (0, 24),
        (0, 24),
        (0, 24),
        (0, 6),
        (0, 8),
        (0, 3),
        (0, 1),
    ]  # residues
    setup += [(0, 6), (0, 16), (0, 1), (0, 1), (0, 2), (0, 8), (0, 8), (0, 8)]  # mappings
    setup += [(0, 6), (0, 1), (0, 16), (0, 16), (0, 8), (1, 1)]  # modes, framing
    identification = b"\x01vorbis" + struct.pack("<IBIiiiBB", 0, channels, 44_100, 0, 0, 0, 0xB8, 1)
    comment = b"\x03vorbis" + struct.pack("<IIB", 0, 0, 1)
    return (
        ogg_page(0, 2, 0, [identification])
        + ogg_page(1, 0, 0, [comment, b"\x05vorbis" + _bits(setup)])
        + ogg_page(2, 4, 1024, [b"\x00"])
    )


def _bits(fields: Fields) -> bytes:
    """The first field in the lowest bits."""
    value = width = 0
    for field, bits in fields:
        value |= field << width
        width += bits
    return value.to_bytes((width + 7) // 8, "little")


def ogg_page(number: int, flags: int, granule: int, packets: list[bytes], serial: int = 1) -> bytes:
    """A page of whole packets; a stream's first page has the flag 2, its last one 4."""
    lacing = b"".join(b"\xff" * (len(p) // 255) + bytes([len(p) % 255]) for p in packets)
    return laced_page(number, flags, granule, lacing, b"".join(packets), serial)


def laced_page(
    number: int,
    flags: int,
    granule: int,
    lacing: bytes,
    body: bytes,
    serial: int = 1,
    version: int = 0,
) -> bytes:
    """A page with these lengths of segments; one that goes on with a packet has the flag 1."""
    head = struct.pack("<BBqIIIB", version, flags, granule, serial, number, 0, len(lacing))
    page = b"OggS" + head + lacing + body
    return page[:22] + struct.pack("<I", _ogg_checksum(page)) + page[26:]


def _ogg_checksum(page: bytes) -> int:
    checksum = 0
    for byte in page:
        checksum ^= byte << 24
        for _ in range(8):
            checksum = (checksum << 1) ^ (0x104C11DB7 if checksum & 0x80000000 else 0)
    return checksum
