"""Identifies a file by its first bytes; its name is ignored."""

from typing import BinaryIO

from app.audio.refusals import Reason, RefusedFileError

SIGNATURES = {
    **dict.fromkeys((b"RIFF", b"RIFX", b"RF64", b"BW64"), "wav"),
    b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb": "w64",
    b"FORM": "aiff",
    b"caff": "caf",
    b"fLaC": "flac",
    b"OggS": "ogg",
    b"\x1a\x45\xdf\xa3": "matroska",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "asf",
    b"#!AMR": "amr",
    b"wvpk": "wv",
    b"MAC ": "ape",
    **dict.fromkeys((b"TTA1", b"TTA2"), "tta"),
    b"MP+": "mpc",
    b"MPCK": "mpc8",
    b".snd": "au",
    b"FLV\1": "flv",
    b"\0\0\1\xba": "mpeg",
}
"""FFmpeg's demuxers by unambiguous magic numbers."""

FORM_TYPES = {"wav": (b"WAVE",), "aiff": (b"AIFF", b"AIFC")}
"""Form types, behind the length, of audio; others are pictures and videos."""

BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"moof"}
"""Types of the first box of a file of the MPEG-4 family."""

HEAD_BYTES = 12


def sniff(file: BinaryIO, position: int) -> str | None:
    """Return FFmpeg's demuxer for the bytes at a position of a file; None if they are ambiguous.

    Raises:
        RefusedFileError: `unsupported_audio` if they identify a format without audio.
    """
    file.seek(position)
    head = file.read(HEAD_BYTES)
    if head[4:8] in BOXES:
        return "mov"
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return "avi"
    demuxer = next((SIGNATURES[magic] for magic in SIGNATURES if head.startswith(magic)), None)
    if demuxer in FORM_TYPES and head[8:12] not in FORM_TYPES[demuxer]:
        raise RefusedFileError(Reason.NO_AUDIO)
    return demuxer
