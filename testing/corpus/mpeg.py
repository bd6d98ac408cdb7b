"""MP3 files whose frames, tags and headers are wrong."""

import random

from app.errors import Kind
from testing.corpus.hostile import Files, Hostile, sound_file

UNSUPPORTED, UNDECODABLE = Kind.UNSUPPORTED_AUDIO, Kind.UNDECODABLE_AUDIO

FRAME_BYTES = 144
SILENT_FRAME = b"\xff\xfb\x14\xc4".ljust(FRAME_BYTES * 32 // 48, b"\0")
"""24 ms of nothing: MPEG 1 layer III, 32 kbit/s, 48 kHz, mono."""

KILOBITS_PER_S = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)


def id3(body: bytes, size: int | None = None, flags: int = 0) -> bytes:
    """An ID3v2.3 tag that announces `size` bytes, in seven bits per byte."""
    announced = len(body) if size is None else size
    return (
        b"ID3\3\0" + bytes([flags, *(announced >> shift & 0x7F for shift in (21, 14, 7, 0))]) + body
    )


def cover(size: int) -> bytes:
    """A picture of this number of bytes, as a frame of a tag."""
    body = b"\0image/png\0\3\0".ljust(size, b"\xff")
    return b"APIC" + len(body).to_bytes(4, "big") + b"\0\0" + body


def announced_frames(frames: int, container: bytes = b"Info") -> bytes:
    """A sound whose first frame announces this number of frames."""
    mp3 = sound_file("MP3")
    at = max(mp3.find(b"Xing"), mp3.find(b"Info"))
    return mp3[:at] + container + mp3[at + 4 : at + 8] + frames.to_bytes(4, "big") + mp3[at + 12 :]


def garbled() -> bytes:
    """A sound whose frames keep their headers and hold garbage."""
    chance = random.Random(3)
    mp3, out, start = sound_file("MP3", 2.0), b"", 0
    while start < len(mp3):
        head = mp3[start : start + 4]
        size = FRAME_BYTES * KILOBITS_PER_S[head[2] >> 4] // 48 + (head[2] >> 1 & 1)
        out += head + chance.randbytes(size - 4)
        start += size
    return out


def frames_of(head: bytes) -> bytes:
    """Nothing but this header of a frame, a thousand times."""
    return head.ljust(96, b"\0") * 1_000


FILES: Files = {
    "mp3 honest": Hostile(1.0, lambda: sound_file("MP3")),
    "mp3 that announces 2^31 frames": Hostile(Kind.AUDIO_TOO_LONG, lambda: announced_frames(2**31)),
    "mp3 that announces 2^32-1 frames": Hostile(
        Kind.AUDIO_TOO_LONG, lambda: announced_frames(2**32 - 1, b"Xing")
    ),
    "mp3 that announces 0 frames": Hostile(1.009, lambda: announced_frames(0)),
    "mp3 that announces 1 frame": Hostile(1.009, lambda: announced_frames(1)),
    "mp3 of 11 minutes that announces nothing": Hostile(
        Kind.AUDIO_TOO_LONG, lambda: SILENT_FRAME * (11 * 60 * 1_000 // 24)
    ),
    "mp3 of silence": Hostile(Kind.SILENT_AUDIO, lambda: SILENT_FRAME * 50),
    "mp3 of random frames": Hostile(UNDECODABLE, garbled),
    "mp3 of two rates": Hostile(
        1.242, lambda: sound_file("MP3") + b"\xff\xfb\x90\xc4".ljust(417, b"\0") * 9
    ),
    "mp3 with 4 MB of cover art": Hostile(1.0, lambda: id3(cover(4 * 2**20)) + sound_file("MP3")),
    "mp3 with a tag of 2^28-1 bytes": Hostile(1.0, lambda: id3(b"", 2**28 - 1) + sound_file("MP3")),
    "mp3 with a tag that announces nothing": Hostile(
        1.045, lambda: id3(bytes(2_000), 0) + sound_file("MP3")
    ),
    "mp3 with 500 tags": Hostile(1.0, lambda: id3(b"") * 500 + sound_file("MP3")),
    "mp3 with a picture of 2^32-1 bytes": Hostile(
        1.0, lambda: id3(b"APIC\xff\xff\xff\xff\0\0\0image/png\0") + sound_file("MP3")
    ),
    "mp3 with a tag of unknown flags": Hostile(
        1.0, lambda: id3(bytes(64), flags=0xFF) + sound_file("MP3")
    ),
    "mp3 with a tag of high bits": Hostile(
        1.0, lambda: b"ID3\3\0\0\xff\xff\xff\xff" + sound_file("MP3")
    ),
    "mp3 with a FLAC for a cover": Hostile(
        1.0, lambda: id3(cover(300) + sound_file("FLAC")) + sound_file("MP3")
    ),
    "mp3 with a tag that is too long, and a FLAC behind": Hostile(
        1.009, lambda: id3(bytes(99), 2**28 - 1) + sound_file("MP3") + sound_file("FLAC")
    ),
    "mp3 with a tag only": Hostile(UNSUPPORTED, lambda: id3(bytes(1_000))),
    "mp3 with 64 kB of zeros behind": Hostile(1.0, lambda: sound_file("MP3") + bytes(2**16)),
    "mp3 with a ZIP behind": Hostile(1.0, lambda: sound_file("MP3") + b"PK\3\4" + bytes(500)),
    "mp3 with garbage in front": Hostile(1.056, lambda: b"\0" * 16 + sound_file("MP3")),
    "mp3 of free bit rate": Hostile(Kind.SILENT_AUDIO, lambda: frames_of(b"\xff\xfb\x04\xc4")),
    "mp3 of the bit rate that is none": Hostile(
        UNSUPPORTED, lambda: frames_of(b"\xff\xfb\xf4\xc4")
    ),
    "mp3 of the rate that is none": Hostile(UNSUPPORTED, lambda: frames_of(b"\xff\xfb\x1c\xc4")),
    "mpeg of the version that is none": Hostile(
        UNSUPPORTED, lambda: frames_of(b"\xff\xeb\x14\xc4")
    ),
    "mpeg layer I": Hostile(UNSUPPORTED, lambda: frames_of(b"\xff\xff\x14\xc4")),
    "mpeg layer II": Hostile(Kind.SILENT_AUDIO, lambda: frames_of(b"\xff\xfd\x14\xc4")),
    "mpeg layer II behind a tag": Hostile(
        Kind.SILENT_AUDIO, lambda: id3(b"") + b"\xff\xfd\x14\xc4".ljust(96, b"\0") * 1_000
    ),
    "mp3 of one header": Hostile(UNSUPPORTED, lambda: b"\xff\xfb\x14\xc4"),
}
