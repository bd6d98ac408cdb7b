"""Finds where the audio of a file begins, and its format.

Tags, remains of a download or other junk may come before the audio. If the bytes behind the tags
don't identify the format, the beginning of the file is searched for signatures that are too long to
occur by chance. MPEG audio frames before such a signature take precedence: a picture in a tag, or
the audio itself, may contain any bytes.
"""

import os
import re
from typing import BinaryIO, NamedTuple

from app.audio.containers.sniffing import sniff
from app.audio.containers.tags import end_of_tags

SEARCHED_BYTES = 2**16
LONGEST_SIGNATURE = 1_024
"""Bytes; six packets of an MPEG transport stream."""

SIGNATURES = {
    "flac": rb"(?<!\x7fFLAC.{4})fLaC[\0\x80]\0\0\x22",
    "ogg": rb"OggS\0[\2\3\6\7]",
    "wav": rb"(?:RIFF|RIFX|RF64|BW64).{4}WAVE",
    "w64": rb"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0",
    "aiff": rb"FORM.{4}AIF[FC]",
    "caf": rb"caff\x00\x01\x00\x00desc",
    "mov": rb"\0\0[\0\1].ftyp[\x20-\x7e]{4}",
    "matroska": rb"\x1a\x45\xdf\xa3.{1,48}?\x42\x82.{1,8}?(?:webm|matroska)",
    "asf": rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa\0\x62\xce\x6c",
    "amr": rb"#!AMR(?:-WB)?\n",
    "wv": rb"wvpk.{4}[\x02-\x10]\x04.{6}\0{4}",
    "ape": rb"MAC [\xd8-\xff\0-\xa0][\x0e\x0f]",
    "tta": rb"TTA1[\1\2]\0[\1-\x08]\0",
    "au": rb"\.snd\0.{2}[\x18-\xff]",
    "flv": rb"FLV\x01[\x01\x04\x05]\x00\x00\x00\x09",
    "avi": rb"RIFF.{4}AVI LIST",
    "mpc8": rb"MPCKSH",
    "mpegts": rb"G(?:.{187}G){5}",
}
"""Beginnings of files by FFmpeg's demuxers: magic numbers with enough of the bytes behind them."""

SIGNATURE = re.compile(
    b"|".join(b"(?P<%s>%s)" % (name.encode(), pattern) for name, pattern in SIGNATURES.items()),
    re.DOTALL,
)

OTHER_FILES = re.compile(
    rb"PK[\3\5]|Rar!|7z\xbc\xaf|\x1f\x8b|BZh|\xfd7zXZ|MZ|\x7fELF|%PDF|%!PS|\x89PNG|GIF8|\xff\xd8\xff"
    rb"|BM.{4}\0{4}|MThd|SQLite|<!|<\?|<html|#!|\xd0\xcf\x11\xe0|.{257}ustar",
    re.DOTALL,
)
"""Archives, programs, documents and pictures: not audio, though they may contain some."""

FRAME = re.compile(
    rb"\xff(?:[\xe2-\xe7\xf2-\xf7\xfa-\xff][\x10-\xef]|[\xf0\xf1\xf8\xf9].{4})", re.DOTALL
)
"""A frame header of MPEG audio with a known bit rate, or of AAC, whose layer is 0."""

FRAMES = 4
"""Consecutive frames that identify MPEG audio."""

MPEG_1, LAYER_I, LAYER_III = 3, 3, 1
"""Values of the bits in a header."""

KILOBITS = {
    (True, 3): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 1): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 3): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 1): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Bit rates in kbit/s by (is MPEG 1, bits of the layer); 3 is layer I (ISO 11172-3, 13818-3)."""

RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""Sample rates in Hz by the bits of the version."""


class Start(NamedTuple):
    """Where the audio of a file begins.

    Attributes:
        demuxer: FFmpeg's demuxer; None if FFmpeg has to probe it, as for MP3.
        position: Position of the first byte for the demuxer.
    """

    demuxer: str | None
    position: int


def find_start(file: BinaryIO) -> Start:
    """Return the demuxer of a file and where its audio begins.

    Raises:
        RefusedFileError: `unsupported_audio` if its first bytes identify a format without audio.
    """
    position = end_of_tags(file)
    demuxer = sniff(file, position)
    if demuxer:
        return Start(demuxer, position)
    data_behind = _read(file, position)
    if OTHER_FILES.match(data_behind) or _follow(data_behind, 0):
        return Start(None, 0)
    found, frame = SIGNATURE.search(data_behind), None
    if found or position:
        frame = _first_frames(data_behind)
    if found and (frame is None or found.start() < frame):
        return Start(found.lastgroup, position + found.start())
    if position and frame is None:  # the tags announce a wrong length
        return _within(_read(file, 0)) or Start(None, 0)
    return Start(None, 0)


def _within(data: bytes) -> Start | None:
    found, frame = SIGNATURE.search(data), _first_frames(data)
    if found and (frame is None or found.start() < frame):
        return Start(found.lastgroup, found.start())
    return None if frame is None else Start(None, frame)


def _read(file: BinaryIO, position: int) -> bytes:
    if position >= file.seek(0, os.SEEK_END):
        return b""
    file.seek(position)
    return file.read(SEARCHED_BYTES + LONGEST_SIGNATURE)


def _first_frames(data: bytes) -> int | None:
    """Return the position of the first consecutive frames of MPEG audio or AAC."""
    return next((at.start() for at in FRAME.finditer(data) if _follow(data, at.start())), None)


def _follow(data: bytes, position: int) -> bool:
    first = data[position + 1 : position + 2]
    for _ in range(FRAMES):
        head = FRAME.match(data, position)
        size = _frame_bytes(head.group()) if head else 0
        if not size or data[position + 1 : position + 2] != first:
            return False
        position += size
    return True


def _frame_bytes(head: bytes) -> int:
    """Return the length of a frame in bytes; 0 if this is not a frame header."""
    if not head[1] >> 1 & 3:
        return (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    rates, rate_index = RATES[version], head[2] >> 2 & 3
    if rate_index == len(rates):
        return 0
    rate = rates[rate_index]
    bits = 1_000 * KILOBITS[version == MPEG_1, layer][(head[2] >> 4) - 1]
    padding = head[2] >> 1 & 1
    if layer == LAYER_I:
        return 4 * (12 * bits // rate + padding)
    samples = 576 if layer == LAYER_III and version != MPEG_1 else 1_152
    return samples // 8 * bits // rate + padding
