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
    """A good file with other bytes at a place, or behind what is found there."""
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
    """The header of an ASF file that says how many objects it has, and how long it is."""
    said = 30 + len(body) if size is None else size
    return ASF_HEADER + struct.pack("<QIBB", said, objects, 1, 2) + body


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

FILES: Files = {**ASF, **CAF, **LOSSLESS, **STREAMS}
