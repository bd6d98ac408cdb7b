"""ASF, CAF, AMR, WavPack, APE, TTA, AAC and chains of Ogg streams that lie."""

import struct
from functools import cache, partial

from app.errors import Kind
from testing.corpus.hostile import RATE, Files, Hostile, sound
from testing.ogg_pages import FIRST, page
from testing.sounds import noise

UNSUPPORTED, UNDECODABLE = Kind.UNSUPPORTED_AUDIO, Kind.UNDECODABLE_AUDIO

ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
ASF_STREAM = bytes.fromhex("9107dcb7b7a9cf118ee600c00c205365")


@cache
def good(kind: str) -> bytes:
    """A second of noise as such a file."""
    from testing.kinds import KINDS  # noqa: PLC0415 - which is made of parts of the corpus

    return KINDS[kind](noise(44_100))


def patched(kind: str, place: int | bytes, offset: int, value: bytes) -> bytes:
    """A valid file with other bytes at an offset, or after a marker."""
    file = good(kind)
    at = offset + (place if isinstance(place, int) else file.index(place))
    return file[:at] + value + file[at + len(value) :]


def caf(*chunks: bytes) -> bytes:
    return b"caff\0\1\0\0" + b"".join(chunks)


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    return name + struct.pack(">q", len(body) if size is None else size) + body


def desc(rate: float = RATE, packet: int = 2, frames: int = 1, channels: int = 1) -> bytes:
    """CAF's description of little-endian samples of 16 bits."""
    fields = struct.pack(">d4sIIIII", rate, b"lpcm", 2, packet, frames, channels, 16)
    return chunk(b"desc", fields)


def data(size: int | None = None) -> bytes:
    return chunk(b"data", bytes(4) + sound(), size)


def asf(objects: int, body: bytes = b"", size: int | None = None) -> bytes:
    """The header of an ASF file with these numbers of objects and bytes."""
    announced = 30 + len(body) if size is None else size
    return ASF_HEADER + struct.pack("<QIBB", announced, objects, 1, 2) + body


def links(count: int) -> bytes:
    """A chain of streams that only begin."""
    return b"".join(
        page([b"OpusHead\1\1\0\0\x80\xbb\0\0\0\0\0"], flags=FIRST, serial=at)
        + page([b"x"], 1, serial=at)
        for at in range(count)
    )


ASF: Files = {
    "asf honest": Hostile(0.975, partial(good, "WMA 2")),
    "asf header only": Hostile(UNDECODABLE, lambda: asf(1)),
    "asf of 2^32-1 objects": Hostile(UNDECODABLE, lambda: asf(2**32 - 1, bytes(2_000))),
    "asf header of 2^64-1 bytes": Hostile(UNDECODABLE, lambda: asf(1, bytes(99), 2**64 - 1)),
    "asf object of 0 bytes": Hostile(UNDECODABLE, lambda: asf(9, (ASF_STREAM + bytes(8)) * 9)),
    "asf object of 2^63 bytes": Hostile(
        UNDECODABLE, lambda: asf(9, ASF_STREAM + struct.pack("<Q", 2**63))
    ),
    "asf of 5000 streams": Hostile(
        UNDECODABLE, lambda: asf(5_000, (ASF_STREAM + struct.pack("<Q", 78) + bytes(54)) * 5_000)
    ),
    "asf packets of 0 bytes": Hostile(
        UNDECODABLE, lambda: patched("WMA 2", bytes.fromhex("a1dcab8c47a9cf11"), 92, bytes(8))
    ),
    "asf packets of 2^32-1 bytes": Hostile(
        UNDECODABLE, lambda: patched("WMA 2", bytes.fromhex("a1dcab8c47a9cf11"), 92, b"\xff" * 8)
    ),
    "asf of garbage": Hostile(
        UNDECODABLE, lambda: patched("WMA 2", 700, 0, noise(5_000).tobytes())
    ),
}

CAF: Files = {
    "caf honest": Hostile(1.0, lambda: caf(desc(), data())),
    "caf data of -1 bytes": Hostile(1.0, lambda: caf(desc(), data(-1))),
    "caf data of 2^63-1 bytes": Hostile(UNDECODABLE, lambda: caf(desc(), data(2**63 - 1))),
    "caf data of -2^63 bytes": Hostile(1.0, lambda: caf(desc(), data(-(2**63)))),
    "caf without a description": Hostile(UNDECODABLE, lambda: caf(data())),
    "caf of 0 Hz": Hostile(UNDECODABLE, lambda: caf(desc(0.0), data())),
    "caf of NaN Hz": Hostile(UNDECODABLE, lambda: caf(desc(float("nan")), data())),
    "caf of 1e300 Hz": Hostile(UNSUPPORTED, lambda: caf(desc(1e300), data())),
    "caf of packets of 0 bytes": Hostile(UNDECODABLE, lambda: caf(desc(packet=0), data())),
    "caf of packets of 2^32-1 bytes": Hostile(
        UNDECODABLE, lambda: caf(desc(packet=2**32 - 1), data())
    ),
    "caf of packets of 0 frames": Hostile(UNDECODABLE, lambda: caf(desc(frames=0), data())),
    "caf of 0 channels": Hostile(UNDECODABLE, lambda: caf(desc(channels=0), data())),
    "caf of 2^32-1 channels": Hostile(UNDECODABLE, lambda: caf(desc(channels=2**32 - 1), data())),
    "caf cookie of 2^62 bytes": Hostile(
        UNDECODABLE, lambda: caf(desc(), chunk(b"kuki", b"x", 2**62), data())
    ),
    "caf table of 2^40 packets": Hostile(
        UNDECODABLE,
        lambda: caf(desc(), chunk(b"pakt", struct.pack(">qqii", 2**40, 0, 0, 0)), data()),
    ),
    "caf of 50000 chunks": Hostile(1.0, lambda: caf(desc(), chunk(b"free", b"") * 50_000, data())),
}

LOSSLESS: Files = {
    "wavpack honest": Hostile(1.0, partial(good, "WavPack")),
    "wavpack block of 2^32-1 bytes": Hostile(
        UNDECODABLE, lambda: patched("WavPack", 4, 0, b"\xff" * 4)
    ),
    "wavpack block of 2^32-1 samples": Hostile(0.5, lambda: patched("WavPack", 20, 0, b"\xff" * 4)),
    "tta honest": Hostile(1.0, partial(good, "TTA")),
    "tta of 65535 channels": Hostile(UNDECODABLE, lambda: patched("TTA", 6, 0, b"\xff\xff")),
    "tta of 0 Hz": Hostile(UNDECODABLE, lambda: patched("TTA", 10, 0, bytes(4))),
    "tta of 2^32-1 samples": Hostile(UNDECODABLE, lambda: patched("TTA", 14, 0, b"\xff" * 4)),
    "ape of 2^32-1 frames": Hostile(
        UNDECODABLE,
        lambda: (
            b"MAC \x96\x0f\0\0" + struct.pack("<6I", 52, 24, 2**32 - 1, 44, 0, 0) + b"\xff" * 99
        ),
    ),
}

STREAMS: Files = {
    "aac honest": Hostile(1.045, partial(good, "AAC")),
    "aac frames of 0 bytes": Hostile(UNSUPPORTED, lambda: b"\xff\xf1\x50\x80\0\x1f\xfc" * 5_000),
    "aac frames of 8191 bytes": Hostile(
        UNDECODABLE, lambda: b"\xff\xf1\x50\x83\xff\xff\xfc" + bytes(9_000)
    ),
    "latm honest": Hostile(1.045, partial(good, "LATM")),
    "latm of ones": Hostile(UNSUPPORTED, lambda: b"\x56\xe0" + b"\xff" * 9_000),
    "amr honest": Hostile(1.0, partial(good, "AMR")),
    "amr of one byte": Hostile(UNDECODABLE, lambda: b"#!AMR\n\x3c"),
    "amr of reserved frames": Hostile(UNDECODABLE, lambda: b"#!AMR\n" + b"\x7c" * 5_000),
    "amr of an hour of nothing": Hostile(UNDECODABLE, lambda: b"#!AMR\n" + b"\x7c" * 50 * 3_600),
    "ogg chain of 3000 links": Hostile(UNDECODABLE, partial(links, 3_000)),
    "ogg chain behind a sound": Hostile(1.0, lambda: good("Ogg Vorbis") + links(500)),
    "ogg of 3000 streams at once": Hostile(
        UNDECODABLE,
        lambda: b"".join(
            page([b"\x01vorbis" + bytes(23)], flags=FIRST, serial=n) for n in range(3_000)
        ),
    ),
}

FILMS: Files = {
    "au honest": Hostile(1.0, partial(good, "AU")),
    "au cut": Hostile(0.567, lambda: good("AU")[:100_000]),
    "au of 2^32-1 bytes": Hostile(1.0, lambda: patched("AU", 8, 0, b"\xff" * 4)),
    "au of 2^31 channels": Hostile(UNDECODABLE, lambda: patched("AU", 20, 0, b"\x80\0\0\0")),
    "au of 0 Hz": Hostile(UNDECODABLE, lambda: patched("AU", 16, 0, bytes(4))),
    "au header of 2^32-1 bytes": Hostile(1.0, lambda: patched("AU", 4, 0, b"\xff" * 4)),
    "ac-3 honest": Hostile(1.01, partial(good, "AC-3")),
    "ac-3 cut": Hostile(0.627, lambda: good("AC-3")[:15_000]),
    "ac-3 of garbage": Hostile(
        UNSUPPORTED, lambda: b"".join(good("AC-3")[:8] + noise(197).tobytes() for _ in range(99))
    ),
    "e-ac-3 of frames of 2 bytes": Hostile(UNSUPPORTED, lambda: b"\x0b\x77\0\0\x30\x87" * 5_000),
    "flv honest": Hostile(1.045, partial(good, "FLV of MP3")),
    "flv cut": Hostile(0.601, lambda: good("FLV of MP3")[:15_000]),
    "flv of 100000 empty tags": Hostile(
        UNDECODABLE, lambda: b"FLV\1\4\0\0\0\x09" + (bytes(4) + b"\x08" + bytes(10)) * 100_000
    ),
    "flv tag of 2^24-1 bytes": Hostile(
        UNSUPPORTED, lambda: b"FLV\1\4\0\0\0\x09\0\0\0\0\x08\xff\xff\xff" + bytes(99)
    ),
    "avi honest": Hostile(1.0, partial(good, "AVI of PCM")),
    "avi cut": Hostile(0.535, lambda: good("AVI of PCM")[:100_000]),
    "avi of 2^32-1 streams": Hostile(1.0, lambda: patched("AVI of PCM", b"avih", 28, b"\xff" * 4)),
    "avi of 20000 lists": Hostile(
        UNDECODABLE, lambda: b"RIFF\xff\xff\xff\x7fAVI " + b"LIST\4\0\0\0hdrl" * 20_000
    ),
    "avi rate 0": Hostile(1.0, lambda: patched("AVI of PCM", b"strh", 24, bytes(8))),
    "mpeg-ts honest": Hostile(1.019, partial(good, "MPEG-TS of MP2")),
    "mpeg-ts cut": Hostile(0.601, lambda: good("MPEG-TS of MP2")[:20_000]),
    "mpeg-ts of 30000 empty packets": Hostile(
        UNDECODABLE, lambda: (b"G\x1f\xff\x10" + bytes(184)) * 30_000
    ),
    "mpeg-ts of 8000 streams": Hostile(
        UNSUPPORTED,
        lambda: b"".join(
            b"G" + (0x4000 | n).to_bytes(2, "big") + b"\x10\0\0\1\xc0" + bytes(180)
            for n in range(32, 8_032)
        ),
    ),
    "mpeg-ps honest": Hostile(1.019, partial(good, "MPEG-PS of MP2")),
    "mpeg-ps cut": Hostile(0.836, lambda: good("MPEG-PS of MP2")[:20_000]),
    "mpeg-ps of 50000 packs": Hostile(UNDECODABLE, lambda: (b"\0\0\1\xba\x44" + bytes(9)) * 50_000),
    "mpeg-ps packets of 0 bytes": Hostile(
        UNDECODABLE, lambda: b"\0\0\1\xba\x44" + bytes(9) + b"\0\0\1\xc0\0\0" * 50_000
    ),
    "musepack 7 of 2^32-1 frames": Hostile(
        UNDECODABLE, lambda: b"MP+\7" + b"\xff" * 4 + bytes(16) + noise(999).tobytes()
    ),
    "musepack 8 of garbage": Hostile(
        Kind.AUDIO_TOO_SHORT,
        lambda: b"MPCKSH\x0f" + bytes(4) + b"\x08\xff\xff\x7f\0\x1b\x17" + noise(999).tobytes(),
    ),
}

FILES: Files = {**ASF, **CAF, **LOSSLESS, **STREAMS, **FILMS}
