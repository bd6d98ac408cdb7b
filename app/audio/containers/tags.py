"""Finds tags before and after audio of any format: ID3v2, APEv2, ID3v1 and Lyrics3."""

import os
from typing import BinaryIO

MAX_TAGS = 8

ID3_HEAD_BYTES, ID3_FOOTER_BYTES, HAS_FOOTER = 10, 10, 0x10
ID3V1_BYTES = 128

APE, APE_HEAD_BYTES = b"APETAGEX", 32
APE_IS_HEADER, APE_HAS_HEADER = 1 << 29, 1 << 31
"""Flags in bytes 20 to 23."""

LYRICS, LYRICS_FOOT_BYTES = b"LYRICS200", 15
"""Six digits before its name are the length of the lyrics in bytes."""


def end_of_tags(file: BinaryIO) -> int:
    """Return where the ID3v2 and APEv2 tags at the beginning of a file end, by their lengths."""
    position = 0
    for _ in range(MAX_TAGS):
        head = _read(file, position, APE_HEAD_BYTES)
        if head.startswith(b"ID3"):
            position += _id3_bytes(head)
        elif head.startswith(APE) and int.from_bytes(head[20:24], "little") & APE_IS_HEADER:
            position += APE_HEAD_BYTES + int.from_bytes(head[12:16], "little")
        else:
            break
    return position


def start_of_end_tags(file: BinaryIO, start: int) -> int:
    """Return where the tags at the end of a file begin; at least `start`."""
    end = file.seek(0, os.SEEK_END)
    for _ in range(MAX_TAGS):
        size = _tag_bytes_before(file, end)
        if not size or end - size < start:
            break
        end -= size
    return end


def _tag_bytes_before(file: BinaryIO, end: int) -> int:
    """Return the length of the tag that ends at a position; 0 if there is none."""
    if _read(file, end - ID3V1_BYTES, 3) == b"TAG":
        return ID3V1_BYTES
    foot = _read(file, end - APE_HEAD_BYTES, APE_HEAD_BYTES)
    if foot.startswith(APE):
        flags = int.from_bytes(foot[20:24], "little")
        head_bytes = APE_HEAD_BYTES if flags & APE_HAS_HEADER else 0
        return int.from_bytes(foot[12:16], "little") + head_bytes
    digits = foot[-LYRICS_FOOT_BYTES : -len(LYRICS)]
    if foot.endswith(LYRICS) and digits.isdigit():
        return int(digits) + LYRICS_FOOT_BYTES
    return 0


def _read(file: BinaryIO, position: int, count: int) -> bytes:
    if position < 0:
        return b""
    file.seek(position)
    return file.read(count)


def _id3_bytes(head: bytes) -> int:
    """Return the length of an ID3v2 tag: four bytes of seven bits (ID3v2.4, section 6.2)."""
    high, upper, lower, low = (byte & 0x7F for byte in head[6:10].ljust(4, b"\0"))
    footer = ID3_FOOTER_BYTES if head[5:6] and head[5] & HAS_FOOTER else 0
    return ID3_HEAD_BYTES + (high << 21 | upper << 14 | lower << 7 | low) + footer
