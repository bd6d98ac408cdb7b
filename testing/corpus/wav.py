"""RIFF WAVE files whose chunks announce wrong sizes."""

import struct
from functools import partial

from app.errors import Kind
from testing.corpus.hostile import RATE, Files, Hostile, sound

UNSUPPORTED, UNDECODABLE = Kind.UNSUPPORTED_AUDIO, Kind.UNDECODABLE_AUDIO

PCM, ADPCM, FLOAT, ULAW, MP3, EXTENSIBLE = 1, 2, 3, 7, 85, 0xFFFE
GUID = bytes.fromhex("0100000000001000800000aa00389b71")
"""Of PCM, in an extensible format."""

UNKNOWN_32 = 0xFFFFFFFF


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    """A chunk that announces `size` bytes."""
    announced = len(body) if size is None else size
    return name + struct.pack("<I", announced) + body + bytes(len(body) % 2)


def fmt(
    extra: bytes = b"",
    /,
    *,
    tag: int = PCM,
    channels: int = 1,
    rate: int = RATE,
    bits: int = 16,
    align: int | None = None,
    size: int | None = None,
) -> bytes:
    """The format chunk."""
    align = channels * bits // 8 % 2**16 if align is None else align
    fields = struct.pack("<HHIIHH", tag, channels, rate, rate * align % 2**32, align, bits)
    return chunk(b"fmt ", fields + extra, size)


def riff(*chunks: bytes, size: int | None = None, magic: bytes = b"RIFF") -> bytes:
    """The container."""
    body = b"WAVE" + b"".join(chunks)
    return magic + struct.pack("<I", len(body) if size is None else size) + body


def wav(data: bytes | None = None, announced: int | None = None, **fields: int) -> bytes:
    """A sound with these fields of a format chunk; its data chunk announces `announced` bytes."""
    return riff(fmt(**fields), chunk(b"data", sound() if data is None else data, announced))


def extensible(guid: bytes, announced: int = 22) -> bytes:
    """An extensible format."""
    extra = struct.pack("<HHI", announced, 16, 4) + guid
    return riff(fmt(extra, tag=EXTENSIBLE), chunk(b"data", sound()))


def between(*chunks: bytes) -> bytes:
    """A sound with other chunks before it."""
    return riff(fmt(), *chunks, chunk(b"data", sound()))


def rf64(data_size: int, riff_size: int, table: int = 0) -> bytes:
    """An RF64 file with this 64-bit chunk."""
    sizes = struct.pack("<QQQI", riff_size, data_size, RATE, table)
    chunks = (chunk(b"ds64", sizes), fmt(), chunk(b"data", sound(), UNKNOWN_32))
    return riff(*chunks, size=UNKNOWN_32, magic=b"RF64")


SIZES: Files = {
    "wav honest": Hostile(1.0, wav),
    "wav data size 0": Hostile(1.0, lambda: wav(announced=0)),
    "wav data size 2^32-1": Hostile(1.0, lambda: wav(announced=UNKNOWN_32)),
    "wav data size 2^31": Hostile(1.0, lambda: wav(announced=2**31)),
    "wav data size odd": Hostile(0.5, lambda: wav(announced=16_001)),
    "wav data size too long": Hostile(1.0, lambda: wav(announced=64_000)),
    "wav data size too small": Hostile(Kind.AUDIO_TOO_SHORT, lambda: wav(announced=100)),
    "wav riff size 0": Hostile(1.0, lambda: riff(fmt(), chunk(b"data", sound()), size=0)),
    "wav riff size 2^32-1": Hostile(
        1.0, lambda: riff(fmt(), chunk(b"data", sound()), size=UNKNOWN_32)
    ),
    "wav half a frame at the end": Hostile(1.0, lambda: wav(sound() + b"\1")),
    "wav rf64": Hostile(1.0, lambda: rf64(32_000, 32_080)),
    "wav rf64 of 2^63 bytes": Hostile(1.0, lambda: rf64(2**63 - 1, 2**63 - 1)),
    "wav rf64 of 2^64-1 bytes": Hostile(UNDECODABLE, lambda: rf64(2**64 - 1, 2**64 - 1)),
    "wav rf64 with a table of 2^32-1": Hostile(1.0, lambda: rf64(32_000, 32_080, UNKNOWN_32)),
    "wav rf64 without its sizes": Hostile(
        UNDECODABLE,
        lambda: riff(fmt(), chunk(b"data", sound(), UNKNOWN_32), size=UNKNOWN_32, magic=b"RF64"),
    ),
}

FORMATS: Files = {
    **{
        f"wav of {rate} Hz": Hostile(UNSUPPORTED, partial(wav, rate=rate))
        for rate in (1, 7_999, 384_001, 2**31 - 1)
    },
    "wav of 0 Hz": Hostile(UNDECODABLE, lambda: wav(rate=0)),
    "wav of 2^31 Hz": Hostile(UNDECODABLE, lambda: wav(rate=2**31)),
    "wav of 8000 Hz": Hostile(2.0, lambda: wav(rate=8_000)),
    "wav of 384000 Hz": Hostile(1.0, lambda: wav(sound(24), rate=384_000)),
    "wav of 0 channels": Hostile(UNDECODABLE, lambda: wav(channels=0, align=2)),
    "wav of 8 channels": Hostile(1.0, lambda: wav(sound(8), channels=8)),
    "wav of 9 channels": Hostile(UNSUPPORTED, lambda: wav(sound(9), channels=9)),
    "wav of 1024 channels": Hostile(UNSUPPORTED, lambda: wav(channels=1024)),
    "wav of 65535 channels": Hostile(UNDECODABLE, lambda: wav(channels=65_535)),
    "wav of 0 bits": Hostile(UNDECODABLE, lambda: wav(bits=0, align=2)),
    "wav of 7 bits": Hostile(2.0, lambda: wav(bits=7)),
    "wav of 65 bits": Hostile(UNDECODABLE, lambda: wav(bits=65)),
    "wav of 65535 bits": Hostile(UNDECODABLE, lambda: wav(bits=65_535)),
    "wav block align 0": Hostile(1.0, lambda: wav(align=0)),
    "wav block align 1": Hostile(1.0, lambda: wav(align=1)),
    "wav block align 65535": Hostile(1.0, lambda: wav(align=65_535)),
    "wav format 0": Hostile(UNDECODABLE, lambda: wav(tag=0)),
    "wav format 65535": Hostile(UNDECODABLE, lambda: wav(tag=65_535)),
    "wav float of 16 bits": Hostile(UNDECODABLE, lambda: wav(tag=FLOAT)),
    "wav mu-law": Hostile(2.0, lambda: wav(tag=ULAW, bits=8)),
    "wav ADPCM without its header": Hostile(UNDECODABLE, lambda: wav(tag=ADPCM, bits=4, align=256)),
    "wav that is an mp3": Hostile(UNDECODABLE, lambda: wav(tag=MP3)),
    "wav extensible": Hostile(1.0, lambda: extensible(GUID)),
    "wav extensible of an unknown kind": Hostile(UNDECODABLE, lambda: extensible(bytes(16))),
    "wav extensible of 2^16-1 bytes": Hostile(1.0, lambda: extensible(GUID, 2**16 - 1)),
    "wav extensible cut": Hostile(UNDECODABLE, lambda: wav(tag=EXTENSIBLE)),
}

CHUNKS: Files = {
    "wav fmt missing": Hostile(UNDECODABLE, lambda: riff(chunk(b"data", sound()))),
    "wav fmt after data": Hostile(1.0, lambda: riff(chunk(b"data", sound()), fmt())),
    "wav fmt twice": Hostile(1.0, lambda: between(fmt(channels=2, rate=8_000))),
    "wav fmt of 2 bytes": Hostile(UNDECODABLE, lambda: riff(chunk(b"fmt ", b"\1\0"))),
    "wav fmt of 2^31 bytes": Hostile(
        UNDECODABLE, lambda: riff(fmt(size=2**31), chunk(b"data", sound()))
    ),
    "wav data missing": Hostile(UNDECODABLE, lambda: riff(fmt())),
    "wav data empty": Hostile(Kind.AUDIO_TOO_SHORT, lambda: wav(b"")),
    "wav data twice": Hostile(1.0, lambda: between(chunk(b"data", sound()))),
    "wav list of 2^32-1 bytes": Hostile(
        UNDECODABLE, lambda: between(chunk(b"LIST", b"INFO", UNKNOWN_32))
    ),
    "wav 20000 chunks": Hostile(1.0, lambda: between(*[chunk(b"junk", b"")] * 20_000)),
    "wav cue of 2^32-1 points": Hostile(
        1.0, lambda: between(chunk(b"cue ", struct.pack("<I", UNKNOWN_32) + bytes(24)))
    ),
    "wav smpl of 2^32-1 loops": Hostile(
        1.0, lambda: between(chunk(b"smpl", bytes(28) + struct.pack("<II", UNKNOWN_32, 0)))
    ),
    "wav peak of 65535 channels": Hostile(
        1.0, lambda: between(chunk(b"PEAK", struct.pack("<II", 1, 0) + bytes(8 * 65_535)))
    ),
    "wav big-endian": Hostile(
        UNDECODABLE, lambda: riff(fmt(), chunk(b"data", sound()), magic=b"RIFX")
    ),
    "wav header only": Hostile(UNDECODABLE, lambda: wav()[:12]),
}

FILES: Files = {**SIZES, **FORMATS, **CHUNKS}
