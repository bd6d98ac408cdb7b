"""Which files we open: decided by their first bytes, never by a name that a client chose."""

from typing import BinaryIO

from app.errors import Kind, RequestError

ACCEPTED = "WAV, AIFF, FLAC, MP3, Ogg Vorbis and Opus"

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

HEAD_BYTES = 12

SYNC_MASK = 0b11111111_11100000
VERSION_MASK, RESERVED_VERSION = 0b11000, 0b01000
LAYER_MASK, LAYER_III = 0b00110, 0b00010
"""The first two bytes of an MPEG audio frame (ISO/IEC 11172-3, 2.4.1.3)."""


def check_magic(file: BinaryIO) -> None:
    """Look at a file's first bytes, before any decoder sees it.

    Raises:
        RequestError: `unsupported_audio` where they open none of the accepted containers.
    """
    head = file.read(HEAD_BYTES)
    if not _is_accepted(head):
        raise RequestError(
            Kind.UNSUPPORTED_AUDIO, f"This is not an audio file that we read. Send {ACCEPTED}."
        )


def check_codec(container: str, codec: str) -> None:
    """Hold what libsndfile found against the list.

    Raises:
        RequestError: `unsupported_audio` where it is not on it.
    """
    if codec not in SUBTYPES.get(container, set()):
        raise RequestError(
            Kind.UNSUPPORTED_AUDIO,
            f"We do not read the codec {codec} in {container}. Send {ACCEPTED}.",
        )


def _is_accepted(head: bytes) -> bool:
    if head[:4] in (b"RIFF", b"RF64"):
        return head[8:12] == b"WAVE"
    if head[:4] == b"FORM":
        return head[8:12] in (b"AIFF", b"AIFC")
    return head[:4] in (b"fLaC", b"OggS") or head[:3] == b"ID3" or _is_mpeg_frame(head)


def _is_mpeg_frame(head: bytes) -> bool:
    """An 11-bit sync word, then a version that is not reserved and layer III."""
    first = int.from_bytes(head[:2], "big")
    return (
        first & SYNC_MASK == SYNC_MASK
        and first & VERSION_MASK != RESERVED_VERSION
        and (first & LAYER_MASK == LAYER_III)
    )
