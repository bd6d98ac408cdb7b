"""MP4 files whose boxes are wrong, nested or missing."""

import struct
from functools import cache, partial

from app.errors import Kind
from testing.corpus.hostile import Files, Hostile
from testing.media import media
from testing.sounds import noise

UNSUPPORTED, UNDECODABLE = Kind.UNSUPPORTED_AUDIO, Kind.UNDECODABLE_AUDIO

RATE = 44_100
FTYP = struct.pack(">I4s4sI4s", 20, b"ftyp", b"M4A ", 0, b"isom")
DEEP = ("moov", "trak", "mdia", "minf", "stbl", "udta", "dinf", "edts", "tref", "moof", "traf")
MANY = 2**31 - 1


@cache
def good(options: str = "") -> bytes:
    """A second of noise in ALAC, or of AAC in fragments."""
    sound = noise(RATE)
    if options:
        return media(sound, container="mp4", options={"movflags": options}, channels=1)
    return media(sound, "alac", channels=1)


def box(name: str, body: bytes, size: int | None = None) -> bytes:
    """A box that announces `size` bytes."""
    return struct.pack(">I", len(body) + 8 if size is None else size) + name.encode() + body


def large(name: str, body: bytes, size: int) -> bytes:
    """A box with a size of 64 bits."""
    return struct.pack(">I4sQ", 1, name.encode(), size) + body


def nested(name: str, depth: int) -> bytes:
    """A box in itself, again and again, which costs quadratic memory to write by `box` alone."""
    heads = (struct.pack(">I4s", 8 * (depth - at), name.encode()) for at in range(depth))
    return FTYP + b"".join(heads)


def patched(name: str, offset: int, value: bytes, options: str = "") -> bytes:
    """The good file with other bytes at this offset of a box's body."""
    file = good(options)
    at = file.index(name.encode()) + 4 + offset
    return file[:at] + value + file[at + len(value) :]


def number(value: int) -> bytes:
    return struct.pack(">I", value)


def many_streams(count: int) -> bytes:
    """The movie of the good file with its only stream again and again."""
    file = good()
    start = file.index(b"moov") - 4
    moov = file[start:]
    head_bytes = struct.unpack(">I", moov[8:12])[0]
    track = moov[8 + head_bytes :]
    size = struct.unpack(">I", track[:4])[0]
    return file[:start] + box("moov", moov[8 : 8 + head_bytes] + track[:size] * count)


def with_table(name: str, entries: int, body: bytes) -> bytes:
    """A file whose sample table of this name announces a number of entries and holds these."""
    return patched(name, 4, number(entries) + body)


FILES: Files = {
    "mp4 honest": Hostile(1.0, good),
    "mp4 of one box": Hostile(UNDECODABLE, lambda: FTYP),
    "mp4 of a box of 2^32-1 bytes": Hostile(
        UNSUPPORTED, lambda: FTYP + box("moov", bytes(64), 2**32 - 1)
    ),
    "mp4 of a box of 2^63-1 bytes": Hostile(
        UNSUPPORTED, lambda: FTYP + large("moov", bytes(64), 2**63 - 1)
    ),
    "mp4 of a box of 2^64-1 bytes": Hostile(
        UNDECODABLE, lambda: FTYP + large("mdat", bytes(64), 2**64 - 1)
    ),
    "mp4 of a box of 4 bytes": Hostile(UNDECODABLE, lambda: FTYP + box("moov", bytes(64), 4)),
    "mp4 of a box without end": Hostile(UNSUPPORTED, lambda: FTYP + box("moov", bytes(64), 0)),
    "mp4 of 100000 boxes": Hostile(UNDECODABLE, lambda: FTYP + box("free", b"") * 100_000),
    "mp4 of 100000 movies": Hostile(UNSUPPORTED, lambda: FTYP + box("moov", b"") * 100_000),
    "mp4 of 20000 fragments": Hostile(
        UNDECODABLE, lambda: FTYP + box("moof", box("traf", b"")) * 20_000
    ),
    **{
        f"mp4 {name} in {name}, 20000 deep": Hostile(UNDECODABLE, partial(nested, name, 20_000))
        for name in DEEP
    },
    "mp4 of 60 streams": Hostile(1.0, partial(many_streams, 60)),
    "mp4 of 5000 streams": Hostile(UNDECODABLE, partial(many_streams, 5_000)),
    "mp4 movie time base 0": Hostile(1.0, lambda: patched("mvhd", 12, number(0))),
    "mp4 stream time base 0": Hostile(UNDECODABLE, lambda: patched("mdhd", 12, number(0))),
    "mp4 stream time base 2^32-1": Hostile(UNDECODABLE, lambda: patched("mdhd", 12, b"\xff" * 4)),
    "mp4 length of 2^32-1": Hostile(1.0, lambda: patched("mdhd", 16, b"\xff" * 4)),
    "mp4 edit list that leaves out all": Hostile(1.0, lambda: good().replace(b"elst", b"free")),
    "mp4 edits of 2^32-1": Hostile(1.0, lambda: with_table("elst", 2**32 - 1, b"")),
    "mp4 edit of no length": Hostile(Kind.AUDIO_TOO_SHORT, lambda: patched("elst", 8, number(0))),
    "mp4 edit that begins at the end": Hostile(
        UNDECODABLE, lambda: patched("elst", 12, number(MANY))
    ),
    **{
        f"mp4 {name} of {count} entries": Hostile(
            UNDECODABLE, partial(with_table, name, count, b"")
        )
        for name in ("stts", "stsc")
        for count in (0, MANY, 2**32 - 1)
    },
    "mp4 stco of 0 entries": Hostile(UNDECODABLE, lambda: with_table("stco", 0, b"")),
    "mp4 stco of 2^32-1 entries": Hostile(1.0, lambda: with_table("stco", 2**32 - 1, b"")),
    "mp4 stsz of 2^31-1 samples": Hostile(UNDECODABLE, lambda: patched("stsz", 8, number(MANY))),
    "mp4 stsz of 0 samples": Hostile(UNDECODABLE, lambda: patched("stsz", 8, number(0))),
    "mp4 samples of 2^31-1 bytes": Hostile(UNDECODABLE, lambda: patched("stsz", 4, number(MANY))),
    "mp4 stts of samples that last 2^31-1": Hostile(
        UNDECODABLE, lambda: patched("stts", 12, number(MANY))
    ),
    "mp4 chunks beyond the end": Hostile(UNDECODABLE, lambda: patched("stco", 8, number(MANY))),
    "mp4 stsd of 2^32-1 entries": Hostile(UNDECODABLE, lambda: patched("stsd", 4, b"\xff" * 4)),
    "mp4 of 65535 channels": Hostile(1.0, lambda: patched("stsd", 32, b"\xff\xff")),
    "mp4 of 0 Hz": Hostile(1.0, lambda: patched("stsd", 40, number(0))),
    "mp4 ALAC of 2^31-1 samples a frame": Hostile(
        1.0, lambda: good().replace(number(4_096) + b"\0\x10", number(MANY) + b"\0\x10")
    ),
    "mp4 in fragments": Hostile(1.045, partial(good, "frag_keyframe+empty_moov")),
    "mp4 fragment of 2^31-1 samples": Hostile(
        UNDECODABLE,
        lambda: patched("trun", 4, number(MANY), "frag_keyframe+empty_moov"),
    ),
    "mp4 encrypted": Hostile(UNSUPPORTED, lambda: good().replace(b"alac", b"enca")),
    "mp4 with a reference to another file": Hostile(
        1.0, lambda: good().replace(b"url \0\0\0\1", b"url \0\0\0\0")
    ),
}
