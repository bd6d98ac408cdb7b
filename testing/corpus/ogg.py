"""Ogg streams that lie, loop or hold something else, with Opus and Vorbis in them."""

import struct

from app.errors import Kind
from testing.corpus.hostile import Files, Hostile, sound_file
from testing.ogg_pages import CONTINUED, FIRST, LAST, SEGMENTS, page, pages, with_serial
from testing.vorbis import crashing_vorbis, oversized_vorbis

UNSUPPORTED, UNDECODABLE = Kind.UNSUPPORTED_AUDIO, Kind.UNDECODABLE_AUDIO

HOUR_PACKETS = 30_000
"""Of 120 ms."""
PACKET_FRAMES = 5_760
NOTHING = b"\xfb\x06"
"""An Opus packet of six frames of 20 ms, none of which was sent."""

TAGS = b"OpusTags" + struct.pack("<I4sI", 4, b"none", 0)


def opus_head(
    channels: int = 1, *, version: int = 1, preskip: int = 0, gain: int = 0, family: int = 0
) -> bytes:
    """The first packet; in family 255 each channel has a stream of its own."""
    head = b"OpusHead" + struct.pack("<BBHIhB", version, channels, preskip, 48_000, gain, family)
    return head + (bytes([channels, 0, *range(channels)]) if family else b"")


def opus_of_nothing(
    head: bytes, packets: int, tags: bytes = TAGS, step: int = PACKET_FRAMES
) -> bytes:
    """So many packets in which nothing is sent."""
    stream = page([head], 0, flags=FIRST) + page([tags], 1)
    for number, start in enumerate(range(0, packets, SEGMENTS)):
        count = min(SEGMENTS, packets - start)
        granule = (start + count) * step
        last = LAST if start + count == packets else 0
        stream += page([NOTHING] * count, 2 + number, granule=granule, flags=last)
    return stream


def opus_with(head: bytes) -> bytes:
    """A sound under another first packet."""
    _, *rest = pages(sound_file("Opus"))
    return page([head], 0, flags=FIRST) + b"".join(rest)


def vorbis_with(offset: int, value: bytes) -> bytes:
    """A sound whose first packet holds this `offset` bytes from its start."""
    first, *rest = pages(sound_file("Vorbis"))
    packet = first[28 : 28 + offset] + value + first[28 + offset + len(value) :]
    return page([packet], 0, flags=FIRST) + b"".join(rest)


def without(flag: int) -> bytes:
    """A sound whose pages lack a flag; the pages' checksums are those of `with_serial`."""
    bare = [one[:5] + bytes([one[5] & ~flag]) + one[6:] for one in pages(sound_file("Vorbis"))]
    return with_serial(b"".join(bare), 1)


def granules(granule: int) -> bytes:
    """A sound whose pages all have this end sample."""
    announced = struct.pack("<q", granule)
    one_by_one = list(pages(sound_file("Vorbis")))
    sounding = [one[:6] + announced + one[14:] for one in one_by_one[2:]]
    return with_serial(b"".join(one_by_one[:2] + sounding), 1)


def foreign(packet: bytes) -> bytes:
    """A stream of another codec."""
    return page([packet], 0, flags=FIRST) + page([bytes(200)] * 20, 1, flags=LAST, granule=48_000)


def spliced(kind: str, repeated: int) -> bytes:
    """A sound in which the middle page comes again and again."""
    one_by_one = list(pages(sound_file(kind)))
    middle = len(one_by_one) // 2
    one_by_one[middle:middle] = [one_by_one[middle]] * repeated
    return b"".join(one_by_one)


STREAMS: Files = {
    "ogg vorbis honest": Hostile(1.0, lambda: sound_file("Vorbis")),
    "ogg opus honest": Hostile(1.0, lambda: sound_file("Opus")),
    "ogg chained": Hostile(
        2.003, lambda: sound_file("Vorbis") + with_serial(sound_file("Vorbis"), 2)
    ),
    "ogg chained under one number": Hostile(
        2.003, lambda: sound_file("Vorbis") + sound_file("Vorbis")
    ),
    "ogg page loop": Hostile(Kind.AUDIO_TOO_LONG, lambda: spliced("Vorbis", 2_000)),
    "ogg opus page loop": Hostile(Kind.AUDIO_TOO_LONG, lambda: spliced("Opus", 2_000)),
    "ogg without its first flag": Hostile(1.0, lambda: without(FIRST)),
    "ogg without its last flag": Hostile(1.0, lambda: without(LAST)),
    "ogg granules of -1": Hostile(1.0, lambda: granules(-1)),
    "ogg granules of 2^63-1": Hostile(1.0, lambda: granules(2**63 - 1)),
    "ogg granules of 0": Hostile(1.0, lambda: granules(0)),
    "ogg of empty pages": Hostile(
        UNDECODABLE,
        lambda: page([], 0, flags=FIRST) + b"".join(page([], n) for n in range(1, 9_999)),
    ),
    "ogg packet without end": Hostile(
        UNDECODABLE,
        lambda: b"".join(
            page([bytes(65_025)], n, flags=CONTINUED if n else FIRST, to_be_continued=True)
            for n in range(40)
        ),
    ),
    "ogg wrong checksums": Hostile(
        UNDECODABLE,
        lambda: b"".join(one[:22] + b"\0\0\0\0" + one[26:] for one in pages(sound_file("Vorbis"))),
    ),
    "ogg speex": Hostile(UNDECODABLE, lambda: foreign(b"Speex   1.2".ljust(80, b"\0"))),
    "ogg theora": Hostile(UNSUPPORTED, lambda: foreign(b"\x80theora\3\2\1".ljust(42, b"\0"))),
    "ogg flac": Hostile(UNDECODABLE, lambda: foreign(b"\x7fFLAC\1\0\0\1fLaC".ljust(51, b"\0"))),
    "ogg of text": Hostile(UNDECODABLE, lambda: foreign(b"Never gonna give you up")),
}

OPUS: Files = {
    "opus of an hour in 90 kB": Hostile(
        Kind.AUDIO_TOO_LONG, lambda: opus_of_nothing(opus_head(), HOUR_PACKETS)
    ),
    "opus of a second of nothing": Hostile(
        Kind.SILENT_AUDIO, lambda: opus_of_nothing(opus_head(), 9)
    ),
    "opus of 255 channels": Hostile(
        UNSUPPORTED, lambda: opus_of_nothing(opus_head(255, family=255), 9)
    ),
    "opus of 9 channels": Hostile(
        UNSUPPORTED, lambda: opus_of_nothing(opus_head(9, family=255), 9)
    ),
    "opus of 0 channels": Hostile(UNDECODABLE, lambda: opus_with(opus_head(0))),
    "opus of version 255": Hostile(UNDECODABLE, lambda: opus_with(opus_head(version=255))),
    "opus preskip of 65535": Hostile(
        Kind.AUDIO_TOO_SHORT, lambda: opus_with(opus_head(preskip=65_535))
    ),
    "opus gain of 128 dB": Hostile(UNDECODABLE, lambda: opus_with(opus_head(gain=32_767))),
    "opus gain of -128 dB": Hostile(Kind.SILENT_AUDIO, lambda: opus_with(opus_head(gain=-32_768))),
    "opus of 2^32-1 comments": Hostile(
        Kind.SILENT_AUDIO,
        lambda: opus_of_nothing(opus_head(), 9, b"OpusTags" + b"\0\0\0\0\xff\xff\xff\xff"),
    ),
    "opus head only": Hostile(UNDECODABLE, lambda: page([opus_head()], flags=FIRST | LAST)),
}

VORBIS: Files = {
    "vorbis codebook of 2^22 words": Hostile(UNDECODABLE, crashing_vorbis),
    "vorbis codebooks of 4 GiB": Hostile(UNDECODABLE, oversized_vorbis),
    "vorbis of 0 channels": Hostile(UNDECODABLE, lambda: vorbis_with(11, b"\0")),
    "vorbis of 255 channels": Hostile(UNSUPPORTED, lambda: vorbis_with(11, b"\xff")),
    "vorbis of 0 Hz": Hostile(UNDECODABLE, lambda: vorbis_with(12, bytes(4))),
    "vorbis of 1 Hz": Hostile(UNSUPPORTED, lambda: vorbis_with(12, b"\1\0\0\0")),
    "vorbis of 2^32-1 Hz": Hostile(UNDECODABLE, lambda: vorbis_with(12, b"\xff" * 4)),
    "vorbis of version 1": Hostile(UNDECODABLE, lambda: vorbis_with(7, b"\1")),
    "vorbis block sizes the wrong way round": Hostile(
        UNDECODABLE, lambda: vorbis_with(28, b"\x8b")
    ),
}

FILES: Files = {**STREAMS, **OPUS, **VORBIS}
