"""Which files we open: decided by their first bytes, never by a name that a client chose."""

import os
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO

from app.errors import Kind, RequestError


@dataclass(frozen=True)
class Format:
    """What files of a format are called.

    Attributes:
        name: By people.
        extensions: Of their names, in lower case.
        media_types: By browsers, which differ.
    """

    name: str
    extensions: tuple[str, ...]
    media_types: tuple[str, ...]


FORMATS = (
    Format("MP3", (".mp3",), ("audio/mpeg", "audio/mp3")),
    Format("WAV", (".wav", ".wave"), ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave")),
    Format("FLAC", (".flac",), ("audio/flac", "audio/x-flac")),
    Format("AIFF", (".aiff", ".aif", ".aifc"), ("audio/aiff", "audio/x-aiff", "audio/x-aifc")),
    Format("Ogg Vorbis", (".ogg", ".oga"), ("audio/ogg", "application/ogg", "audio/x-vorbis+ogg")),
    Format("Opus", (".opus",), ("audio/opus", "audio/ogg", "audio/x-opus+ogg")),
)

M4A_FORMATS = (
    Format("M4A", (".m4a", ".mp4"), ("audio/mp4", "audio/x-m4a", "audio/m4a")),
    Format("AAC", (".aac",), ("audio/aac", "audio/x-aac", "audio/vnd.dlna.adts")),
)
"""Where an operator wants them."""

SUBTYPES = {
    "WAV": {"PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"},
    "WAVEX": {"PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"},
    "RF64": {"PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"},
    "AIFF": {"PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"},
    "FLAC": {"PCM_S8", "PCM_16", "PCM_24"},
    "OGG": {"VORBIS", "OPUS"},
    "MP3": {"MPEG_LAYER_III"},
}
"""libsndfile's names of the containers and codecs that we let it decode; it knows many more."""

MP4_BRANDS = {b"M4A ", b"M4B ", b"mp41", b"mp42", b"isom", b"iso2", b"iso5", b"iso6", b"dash"}
"""Of files that may hold nothing but sound; whether one does is seen once it is open."""

HEAD_BYTES = 12
MAX_TAGS = 8
MOST_ZEROS = 2**16
"""Behind a tag; some taggers leave room there and do not count it."""

SYNC_MASK = 0b11111111_11100000
VERSION_MASK, RESERVED_VERSION = 0b11000, 0b01000
LAYER_MASK, LAYER_III = 0b00110, 0b00010
"""The first two bytes of an MPEG audio frame (ISO/IEC 11172-3, 2.4.1.3)."""

ADTS_MASK, ADTS = 0b11111111_11110110, 0b11111111_11110000
"""Those of an AAC frame (ISO/IEC 13818-7, 6.2): a sync word of 12 bits, and layer 0."""


class Container(StrEnum):
    """What files begin with; the last two by FFmpeg's names."""

    WAV = "wav"
    AIFF = "aiff"
    FLAC = "flac"
    OGG = "ogg"
    MP3 = "mp3"
    MP4 = "mp4"
    AAC = "aac"


def check_magic(file: BinaryIO, *, accept_m4a: bool) -> Container:
    """Look at a file's first bytes, before any decoder sees it, and go back to them.

    Raises:
        RequestError: `unsupported_audio` where they open none of the accepted containers.
    """
    head, tags = file.read(HEAD_BYTES), 0
    while head[:3] == b"ID3" and tags < MAX_TAGS:
        head = _after_tag(file, head)
        tags += 1
    file.seek(-len(head), os.SEEK_CUR)
    zeros = _skip_zeros(file) if tags else 0
    head = file.read(HEAD_BYTES)
    file.seek(-len(head), os.SEEK_CUR)
    container = _container(head)
    optional = container in {Container.MP4, Container.AAC}
    # Ogg's pages begin where the file does, and only MPEG's frames where a tag forgot its padding.
    hidden = (tags and container is Container.OGG) or (zeros and container is not Container.MP3)
    if container is None or hidden or (optional and not accept_m4a):
        raise unsupported("This is not an audio file that we read.", accept_m4a=accept_m4a)
    return container


def check_codec(container: str, codec: str) -> None:
    """Hold what libsndfile found against the list.

    Raises:
        RequestError: `unsupported_audio` where it is not on it.
    """
    if codec not in SUBTYPES.get(container, set()):
        raise unsupported(f"We do not read the codec {codec} in {container}.")


def unsupported(what: str, *, accept_m4a: bool = False) -> RequestError:
    """A file that is not of the formats that we read; `what` is a sentence about it."""
    *names, last = [format_.name for format_ in formats(accept_m4a=accept_m4a)]
    return RequestError(Kind.UNSUPPORTED_AUDIO, f"{what} Send {', '.join(names)} or {last}.")


def formats(*, accept_m4a: bool) -> tuple[Format, ...]:
    """The formats that we read."""
    return FORMATS + M4A_FORMATS if accept_m4a else FORMATS


def _after_tag(file: BinaryIO, head: bytes) -> bytes:
    """The first bytes behind an ID3 tag, where libsndfile looks too.

    The tag's length, without its first ten bytes, has seven bits in each byte.
    """
    high, upper, lower, low = (byte & 0x7F for byte in head[6:10].ljust(4, b"\0"))
    length = high << 21 | upper << 14 | lower << 7 | low
    file.seek(10 + length - len(head), os.SEEK_CUR)
    return file.read(HEAD_BYTES)


def _skip_zeros(file: BinaryIO) -> int:
    """Go to what follows; tell how many they are."""
    padding = file.read(MOST_ZEROS)
    zeros = len(padding) - len(padding.lstrip(b"\0"))
    file.seek(zeros - len(padding), os.SEEK_CUR)
    return zeros


def _container(head: bytes) -> Container | None:
    match head[:4], head[8:12]:
        case (b"RIFF" | b"RF64", b"WAVE"):
            return Container.WAV
        case (b"FORM", b"AIFF" | b"AIFC"):
            return Container.AIFF
        case (b"fLaC", _):
            return Container.FLAC
        case (b"OggS", _):
            return Container.OGG
    if head[4:8] == b"ftyp":
        return Container.MP4 if head[8:12] in MP4_BRANDS else None
    return _of_frame(int.from_bytes(head[:2], "big"))


def _of_frame(first: int) -> Container | None:
    """By a sync word, then a version that is not reserved and a layer."""
    if first & ADTS_MASK == ADTS:
        return Container.AAC
    is_mp3 = (
        first & SYNC_MASK == SYNC_MASK
        and first & VERSION_MASK != RESERVED_VERSION
        and first & LAYER_MASK == LAYER_III
    )
    return Container.MP3 if is_mp3 else None
