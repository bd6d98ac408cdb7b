"""FLAC files (RFC 9639) written bit by bit: tiny, and as long or as wrong as one likes."""

import struct

from app.errors import Kind
from testing.corpus.hostile import RATE, Files, Hostile, sound_file

UNSUPPORTED, UNDECODABLE = Kind.UNSUPPORTED_AUDIO, Kind.UNDECODABLE_AUDIO

CD_RATE = 44_100
LARGEST_BLOCK = 65_535
HOUR_S = 3_600

STREAMINFO, PADDING, APPLICATION, SEEKTABLE, COMMENT, CUESHEET, PICTURE = range(7)
LAST = 0x80


def _remainders(polynomial: int, bits: int) -> list[int]:
    table = []
    for byte in range(256):
        remainder = byte << (bits - 8)
        for _ in range(8):
            remainder <<= 1
            if remainder >> bits:
                remainder ^= polynomial | 1 << bits
        table.append(remainder)
    return table


CRC_8 = _remainders(0x07, 8)
CRC_16 = _remainders(0x8005, 16)


def _crc_8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = CRC_8[crc ^ byte]
    return crc


def _crc_16(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = (crc << 8 & 0xFFFF) ^ CRC_16[crc >> 8 ^ byte]
    return crc


def metadata(kind: int, body: bytes, size: int | None = None) -> bytes:
    """A metadata block that announces `size` bytes."""
    return bytes([kind]) + (len(body) if size is None else size).to_bytes(3, "big") + body


def streaminfo(
    frames: int,
    *,
    rate: int = CD_RATE,
    channels: int = 1,
    bits: int = 16,
    block: int = LARGEST_BLOCK,
) -> bytes:
    """The first block of metadata, without a digest."""
    packed = rate << 44 | (channels - 1) << 41 | (bits - 1) << 36 | frames
    return struct.pack(">HH6xQ16x", block, block, packed)


def constant_frame(number: int, form: bytes, subframes: bytes) -> bytes:
    """`LARGEST_BLOCK` samples of each channel in a dozen bytes: subframes of one constant each.

    Args:
        number: Of the frame.
        form: The third and fourth byte of its header: block size, rate, channels and bits.
        subframes: A header byte and the constant, for each channel.
    """
    head = b"\xff\xf8" + form + _coded(number) + struct.pack(">H", LARGEST_BLOCK - 1)
    frame = head + bytes([_crc_8(head)]) + subframes
    return frame + struct.pack(">H", _crc_16(frame))


def silent_frame(number: int) -> bytes:
    """A frame of silence, of one channel of 16 bits."""
    return constant_frame(number, b"\x70\x08", b"\0\0\0")


def _coded(number: int) -> bytes:
    """A frame's number, as UTF-8 would write it."""
    if number < 0x80:
        return bytes([number])
    tail = b""
    room = 6
    while number >> room:
        tail = bytes([0x80 | number & 0x3F]) + tail
        number >>= 6
        room -= 1
    return bytes([0xFF << room + 1 & 0xFF | number]) + tail


def silence(seconds: float, announced: int | None = None, **fields: int) -> bytes:
    """Silence of `seconds` at 44.1 kHz, whose header has `announced` frames."""
    blocks = round(seconds * CD_RATE / LARGEST_BLOCK)
    frames = blocks * LARGEST_BLOCK if announced is None else announced
    head = b"fLaC" + metadata(STREAMINFO | LAST, streaminfo(frames, **fields))
    return head + b"".join(map(silent_frame, range(blocks)))


def with_blocks(*blocks: bytes) -> bytes:
    """A sound with further metadata behind its first block, which is 38 bytes long."""
    flac = sound_file("FLAC")
    return flac[:42] + b"".join(blocks) + flac[42:]


def announced_frames(frames: int) -> bytes:
    """A second of sound whose header has this number of frames."""
    flac = bytearray(sound_file("FLAC"))
    flac[21] = flac[21] & 0xF0 | frames >> 32
    flac[22:26] = (frames & 0xFFFFFFFF).to_bytes(4, "big")
    return bytes(flac)


def announced_rate(rate: int) -> bytes:
    """A second of sound under another rate; its frames refer to the header's."""
    flac = bytearray(sound_file("FLAC"))
    flac[18:21] = (rate << 4 | flac[20] & 0x0F).to_bytes(3, "big")
    return bytes(flac)


def damaged(place: float) -> bytes:
    """A sound with a byte turned round at this share of its length."""
    flac = bytearray(sound_file("FLAC"))
    flac[int(place * len(flac))] ^= 0xFF
    return bytes(flac)


def headers_only(*blocks: bytes) -> bytes:
    """Metadata without any sound."""
    return b"fLaC" + metadata(STREAMINFO, streaminfo(RATE)) + b"".join(blocks)


FILES: Files = {
    "flac honest": Hostile(1.0, lambda: sound_file("FLAC")),
    "flac piped": Hostile(1.0, lambda: sound_file("piped FLAC")),
    "flac of 4 s of silence": Hostile(Kind.SILENT_AUDIO, lambda: silence(4)),
    "flac of an hour of silence": Hostile(Kind.AUDIO_TOO_LONG, lambda: silence(HOUR_S)),
    "flac of a day of silence": Hostile(Kind.AUDIO_TOO_LONG, lambda: silence(24 * HOUR_S)),
    "flac piped of an hour": Hostile(Kind.AUDIO_TOO_LONG, lambda: silence(HOUR_S, 0)),
    "flac of an hour that announces a second": Hostile(
        Kind.AUDIO_TOO_LONG, lambda: silence(HOUR_S, CD_RATE)
    ),
    "flac of a second that announces 2^36-1 frames": Hostile(
        Kind.AUDIO_TOO_LONG, lambda: announced_frames(2**36 - 1)
    ),
    "flac of a second that announces half": Hostile(1.0, lambda: announced_frames(RATE // 2)),
    "flac of 0 Hz": Hostile(1.0, lambda: announced_rate(0)),
    "flac of 1 Hz": Hostile(Kind.AUDIO_TOO_LONG, lambda: announced_rate(1)),
    "flac of 655350 Hz": Hostile(1.0, lambda: announced_rate(655_350)),
    "flac of 8 channels that are one": Hostile(Kind.SILENT_AUDIO, lambda: silence(4, channels=8)),
    "flac of 4 bits": Hostile(UNDECODABLE, lambda: silence(4, bits=4)),
    "flac of 32 bits": Hostile(UNDECODABLE, lambda: silence(4, bits=32)),
    "flac of blocks of nothing": Hostile(UNDECODABLE, lambda: silence(4, block=0)),
    "flac without a header": Hostile(UNDECODABLE, lambda: b"fLaC" + silent_frame(0)),
    "flac without sound": Hostile(UNDECODABLE, lambda: headers_only(metadata(PADDING | LAST, b""))),
    "flac metadata without end": Hostile(
        UNDECODABLE, lambda: headers_only(metadata(PADDING, b"") * 50_000)
    ),
    "flac metadata of 16 MB in 9 bytes": Hostile(
        UNDECODABLE, lambda: headers_only(metadata(PADDING | LAST, b"", 2**24 - 1))
    ),
    "flac of 2^32-1 comments": Hostile(
        1.0, lambda: with_blocks(metadata(COMMENT, bytes(4) + b"\xff" * 4))
    ),
    "flac comment of 2^32-1 bytes": Hostile(
        1.0, lambda: with_blocks(metadata(COMMENT, b"\xff" * 4 + b"libFLAC"))
    ),
    "flac picture of 2^32-1 bytes": Hostile(
        1.0, lambda: with_blocks(metadata(PICTURE, bytes(28) + b"\xff" * 4))
    ),
    "flac seek table of 17 bytes": Hostile(
        1.0, lambda: with_blocks(metadata(SEEKTABLE, bytes(17)))
    ),
    "flac cue sheet of 255 tracks": Hostile(
        UNDECODABLE, lambda: with_blocks(metadata(CUESHEET, bytes(395) + b"\xff"))
    ),
    "flac metadata of an unknown kind": Hostile(1.0, lambda: with_blocks(metadata(126, b"?"))),
    "flac metadata of the forbidden kind": Hostile(1.0, lambda: with_blocks(metadata(127, b"?"))),
    "flac behind an ID3 tag": Hostile(1.0, lambda: b"ID3\4\0\0\0\0\0\0" + sound_file("FLAC")),
    "flac with PHP in its comment": Hostile(
        1.0, lambda: with_blocks(metadata(APPLICATION, b"<?php system($_GET['c']); ?>"))
    ),
    "flac damaged in front": Hostile(0.744, lambda: damaged(0.3)),
    "flac damaged at the end": Hostile(0.768, lambda: damaged(0.99)),
}
