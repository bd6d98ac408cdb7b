"""Matroska files (RFC 9559) whose elements are wrong, nested or bombs."""

import struct
import zlib
from functools import cache, partial

from app.errors import Kind
from testing.corpus.hostile import RATE, Files, Hostile, sound
from testing.media import media
from testing.sounds import noise

UNSUPPORTED, UNDECODABLE = Kind.UNSUPPORTED_AUDIO, Kind.UNDECODABLE_AUDIO

UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
ADLER_MODULUS = 65_521
HEADER, DOCTYPE = b"\x1a\x45\xdf\xa3", b"\x42\x82"
SEGMENT, INFO, SCALE, LENGTH = (
    b"\x18\x53\x80\x67",
    b"\x15\x49\xa9\x66",
    b"\x2a\xd7\xb1",
    b"\x44\x89",
)
TRACKS, TRACK, NUMBER, KIND, CODEC = b"\x16\x54\xae\x6b", b"\xae", b"\xd7", b"\x83", b"\x86"
AUDIO, HERTZ, CHANNELS, BITS = b"\xe1", b"\xb5", b"\x9f", b"\x62\x64"
CLUSTER, TIME, BLOCK = b"\x1f\x43\xb6\x75", b"\xe7", b"\xa3"
ENCODINGS, ENCODING, COMPRESSION, METHOD = b"\x6d\x80", b"\x62\x40", b"\x50\x34", b"\x42\x54"
TAGS, TAG, SIMPLE, ATTACHMENTS, CHAPTERS = (
    *(b"\x12\x54\xc3\x67", b"\x73\x73", b"\x67\xc8", b"\x19\x41\xa4\x69", b"\x10\x43\xa7\x70"),
)


def element(name: bytes, body: bytes, size: bytes | None = None) -> bytes:
    """An element that announces `size` bytes, written in eight bytes."""
    return name + (struct.pack(">Q", 1 << 56 | len(body)) if size is None else size) + body


def integer(name: bytes, value: int) -> bytes:
    return element(name, struct.pack(">Q", value))


def track(*more: bytes, number: int = 1, hertz: float = RATE, channels: int = 1, bits: int = 16,
          codec: bytes = b"A_PCM/INT/LIT") -> bytes:  # fmt: skip
    audio = element(HERTZ, struct.pack(">d", hertz))
    audio += integer(CHANNELS, channels) + integer(BITS, bits)
    fields = integer(NUMBER, number) + integer(KIND, 2) + element(CODEC, codec)
    return element(TRACK, fields + element(AUDIO, audio) + b"".join(more))


def cluster(data: bytes, number: int = 1, time: int = 0) -> bytes:
    """A cluster of one block."""
    block = bytes([0x80 | number]) + b"\0\0\x80" + data
    return element(CLUSTER, integer(TIME, time) + element(BLOCK, block))


def file(*parts: bytes, header: bytes = b"matroska", scale: int = 1_000_000,
         length: float = 1_000.0) -> bytes:  # fmt: skip
    """A file of these parts behind its header and its information."""
    info = element(INFO, integer(SCALE, scale) + element(LENGTH, struct.pack(">d", length)))
    return element(HEADER, element(DOCTYPE, header)) + element(SEGMENT, info + b"".join(parts))


def pcm(**fields: float) -> bytes:
    """A second of noise under such a track."""
    return file(element(TRACKS, track(**fields)), *clusters())  # type: ignore[arg-type]


@cache
def clusters(pieces: int = 10) -> tuple[bytes, ...]:
    data = sound()
    step = len(data) // pieces
    return tuple(
        cluster(data[at * step : (at + 1) * step], time=1_000 * at // pieces)
        for at in range(pieces)
    )


def nested(name: bytes, depth: int) -> bytes:
    heads = (name + struct.pack(">Q", 1 << 56 | 12 * (depth - at)) for at in range(depth))
    return file(b"".join(heads))


def compressed(size: int, method: int = 0) -> bytes:
    """A track whose blocks are compressed: one of these becomes `size` bytes."""
    settings = element(COMPRESSION, integer(METHOD, method))
    encodings = element(ENCODINGS, element(ENCODING, settings))
    return file(element(TRACKS, track(encodings)), cluster(deflated_zeros(size)))


def deflated_zeros(size: int) -> bytes:
    """What zlib inflates to zeros, up to 2**32 - 1 of them; a mebibyte is compressed once."""
    compressor = zlib.compressobj(9)
    head = compressor.compress(b"") + compressor.flush(zlib.Z_FULL_FLUSH)
    mebibyte = compressor.compress(bytes(2**20)) + compressor.flush(zlib.Z_FULL_FLUSH)
    count, rest = divmod(size, 2**20)
    raw = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    last = raw.compress(bytes(rest)) + raw.flush()
    checksum = size % ADLER_MODULUS << 16 | 1  # of zeros
    return head + count * mebibyte + last + checksum.to_bytes(4, "big")


def webm() -> bytes:
    return media(noise(48_000), "libopus", "webm", rate=48_000, channels=1)


FILES: Files = {
    "mkv honest": Hostile(1.0, pcm),
    "webm honest": Hostile(1.0, webm),
    "mkv header only": Hostile(UNDECODABLE, lambda: element(HEADER, element(DOCTYPE, b"webm"))),
    "mkv of an unknown kind": Hostile(
        1.0, lambda: file(element(TRACKS, track()), *clusters(), header=b"x" * 4_000)
    ),
    "mkv without a track": Hostile(UNSUPPORTED, lambda: file(element(TRACKS, b""), *clusters())),
    "mkv without a block": Hostile(UNDECODABLE, lambda: file(element(TRACKS, track()))),
    "mkv of 60 tracks": Hostile(
        1.0,
        lambda: file(
            element(TRACKS, b"".join(track(number=at) for at in range(1, 61))), *clusters()
        ),
    ),
    "mkv of 20000 tracks": Hostile(
        1.0,
        lambda: file(
            element(TRACKS, b"".join(track(number=at) for at in range(1, 20_001))), *clusters()
        ),
    ),
    **{
        f"mkv {name} nested 10000 deep": Hostile(UNDECODABLE, partial(nested, code, 10_000))
        for name, code in {
            "tags": TAGS,
            "simple tags": SIMPLE,
            "chapters": CHAPTERS,
            "tracks": TRACKS,
            "segments": SEGMENT,
            "headers": HEADER,
        }.items()
    },
    "mkv clusters nested 10000 deep": Hostile(UNSUPPORTED, partial(nested, CLUSTER, 10_000)),
    "mkv of 100000 tags": Hostile(
        1.0,
        lambda: file(
            element(TRACKS, track()), element(TAGS, element(TAG, b"") * 100_000), *clusters()
        ),
    ),
    "mkv segment of unknown size": Hostile(
        1.0, lambda: pcm().replace(pcm()[pcm().index(SEGMENT) + 4 :][:8], UNKNOWN_SIZE, 1)
    ),
    "mkv element of 2^56-2 bytes": Hostile(
        UNDECODABLE, lambda: file(element(TRACKS, track(), b"\x01" + b"\xff" * 6 + b"\xfe"))
    ),
    "mkv codec name of 2^30 bytes": Hostile(
        UNDECODABLE,
        lambda: file(element(TRACKS, element(TRACK, element(CODEC, b"A", b"\x08@\0\0\0")))),
    ),
    "mkv time scale 0": Hostile(1.0, lambda: file(element(TRACKS, track()), *clusters(), scale=0)),
    "mkv time scale 2^64-1": Hostile(
        UNDECODABLE, lambda: file(element(TRACKS, track()), *clusters(), scale=2**64 - 1)
    ),
    "mkv length NaN": Hostile(
        1.0, lambda: file(element(TRACKS, track()), *clusters(), length=float("nan"))
    ),
    "mkv length infinite": Hostile(
        1.0, lambda: file(element(TRACKS, track()), *clusters(), length=float("inf"))
    ),
    "mkv length of a year": Hostile(
        1.0, lambda: file(element(TRACKS, track()), *clusters(), length=3.15e10)
    ),
    "mkv of 0 channels": Hostile(UNDECODABLE, partial(pcm, channels=0)),
    "mkv of 9 channels": Hostile(UNSUPPORTED, partial(pcm, channels=9)),
    "mkv of 2^32-1 channels": Hostile(UNDECODABLE, partial(pcm, channels=2**32 - 1)),
    "mkv of 0 Hz": Hostile(UNDECODABLE, partial(pcm, hertz=0)),
    "mkv of 1e300 Hz": Hostile(2.0, partial(pcm, hertz=1e300)),
    "mkv of -44100 Hz": Hostile(2.0, partial(pcm, hertz=-44_100)),
    "mkv of 2^32-1 bits": Hostile(UNDECODABLE, partial(pcm, bits=2**32 - 1)),
    "mkv of an unknown codec": Hostile(
        UNSUPPORTED, lambda: file(element(TRACKS, track(codec=b"A_HACK")), *clusters())
    ),
    "mkv whose blocks inflate to 600 MB": Hostile(
        Kind.AUDIO_TOO_SHORT, partial(compressed, 600 * 2**20)
    ),
    "mkv whose blocks inflate to 4 MB": Hostile(Kind.SILENT_AUDIO, partial(compressed, 2**22)),
    "mkv whose blocks are of LZO": Hostile(Kind.AUDIO_TOO_SHORT, partial(compressed, 2**10, 2)),
}
