"""AIFF and AIFF-C files whose chunks announce wrong sizes."""

import struct

from app.errors import Kind
from testing.corpus.hostile import RATE, Files, Hostile, sound

UNSUPPORTED, UNDECODABLE = Kind.UNSUPPORTED_AUDIO, Kind.UNDECODABLE_AUDIO

FRAMES = RATE


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    """A chunk that announces `size` bytes."""
    announced = len(body) if size is None else size
    return name + struct.pack(">I", announced) + body + bytes(len(body) % 2)


def extended(value: int) -> bytes:
    """A whole number as a float of 80 bits."""
    return struct.pack(">HQ", 16_382 + value.bit_length(), value << (64 - value.bit_length()))


RATE_80 = extended(RATE)
INFINITY_80 = struct.pack(">HQ", 0x7FFF, 0)
NAN_80 = struct.pack(">HQ", 0x7FFF, 2**64 - 1)


def comm(
    *,
    channels: int = 1,
    frames: int = FRAMES,
    bits: int = 16,
    rate: bytes = RATE_80,
    codec: bytes = b"",
    size: int | None = None,
) -> bytes:
    """The common chunk."""
    return chunk(b"COMM", struct.pack(">hIh", channels, frames, bits) + rate + codec, size)


def ssnd(offset: int = 0, size: int | None = None) -> bytes:
    """The sound, byte by byte the other way round than in WAV, which noise does not mind."""
    return chunk(b"SSND", struct.pack(">II", offset, 0) + sound(), size)


def form(*chunks: bytes, kind: bytes = b"AIFF", size: int | None = None) -> bytes:
    """The container."""
    body = kind + b"".join(chunks)
    return b"FORM" + struct.pack(">I", len(body) if size is None else size) + body


def aifc(codec: bytes, bits: int = 16) -> bytes:
    """AIFF-C of a codec."""
    return form(comm(codec=codec + b"\0\0", bits=bits), ssnd(), kind=b"AIFC")


FILES: Files = {
    "aiff honest": Hostile(1.0, lambda: form(comm(), ssnd())),
    "aiff form size 0": Hostile(1.0, lambda: form(comm(), ssnd(), size=0)),
    "aiff comm of 0 frames": Hostile(1.0, lambda: form(comm(frames=0), ssnd())),
    "aiff comm of too few frames": Hostile(1.0, lambda: form(comm(frames=10), ssnd())),
    "aiff comm of 2^32-1 frames": Hostile(1.0, lambda: form(comm(frames=2**32 - 1), ssnd())),
    "aiff comm missing": Hostile(UNDECODABLE, lambda: form(ssnd())),
    "aiff comm after the sound": Hostile(1.0, lambda: form(ssnd(), comm())),
    "aiff comm twice": Hostile(0.5, lambda: form(comm(), comm(channels=2), ssnd())),
    "aiff comm of 2^31 bytes": Hostile(UNDECODABLE, lambda: form(comm(size=2**31), ssnd())),
    "aiff comm of 2 bytes": Hostile(UNDECODABLE, lambda: form(chunk(b"COMM", b"\0\1"), ssnd())),
    "aiff sound missing": Hostile(UNDECODABLE, lambda: form(comm())),
    "aiff sound of 2^32-1 bytes": Hostile(1.0, lambda: form(comm(), ssnd(size=2**32 - 1))),
    "aiff sound beyond its end": Hostile(
        Kind.AUDIO_TOO_SHORT, lambda: form(comm(), ssnd(offset=2**31 - 1))
    ),
    "aiff of 0 channels": Hostile(UNDECODABLE, lambda: form(comm(channels=0), ssnd())),
    "aiff of -1 channels": Hostile(UNDECODABLE, lambda: form(comm(channels=-1), ssnd())),
    "aiff of 9 channels": Hostile(UNSUPPORTED, lambda: form(comm(channels=9), ssnd())),
    "aiff of 32767 channels": Hostile(UNDECODABLE, lambda: form(comm(channels=32_767), ssnd())),
    "aiff of 0 bits": Hostile(2.0, lambda: form(comm(bits=0), ssnd())),
    "aiff of 65 bits": Hostile(UNDECODABLE, lambda: form(comm(bits=65), ssnd())),
    "aiff of -16 bits": Hostile(UNDECODABLE, lambda: form(comm(bits=-16), ssnd())),
    "aiff of 0 Hz": Hostile(UNSUPPORTED, lambda: form(comm(rate=bytes(10)), ssnd())),
    "aiff of 1 Hz": Hostile(UNSUPPORTED, lambda: form(comm(rate=extended(1)), ssnd())),
    "aiff of 2^60 Hz": Hostile(UNSUPPORTED, lambda: form(comm(rate=extended(2**60)), ssnd())),
    "aiff of infinite Hz": Hostile(UNSUPPORTED, lambda: form(comm(rate=INFINITY_80), ssnd())),
    "aiff of NaN Hz": Hostile(UNSUPPORTED, lambda: form(comm(rate=NAN_80), ssnd())),
    "aiff-c little-endian": Hostile(1.0, lambda: aifc(b"sowt")),
    "aiff-c mu-law": Hostile(2.0, lambda: aifc(b"ulaw", bits=8)),
    "aiff-c IMA": Hostile(UNDECODABLE, lambda: aifc(b"ima4", bits=4)),
    "aiff-c GSM": Hostile(UNDECODABLE, lambda: aifc(b"GSM ", bits=0)),
    "aiff-c unknown": Hostile(UNDECODABLE, lambda: aifc(b"hack")),
    "aiff mark of 65535 markers": Hostile(
        1.0, lambda: form(comm(), chunk(b"MARK", b"\xff\xff"), ssnd())
    ),
    "aiff 8SVX": Hostile(UNSUPPORTED, lambda: form(chunk(b"VHDR", bytes(20)), kind=b"8SVX")),
}
