"""The one table of the audio formats that are read; a file is judged by its bytes, not its name."""

from dataclasses import dataclass
from typing import BinaryIO

from app.domain import Decoders
from app.errors import Kind, RequestError


@dataclass(frozen=True)
class Format:
    """What files of a format are called.

    Attributes:
        name: By people.
        extensions: Of their names, in lower case.
        media_types: By browsers, which differ.
        demuxers: FFmpeg's names of what reads such a file.
        soundfile: Whether libsndfile reads it too.
    """

    name: str
    extensions: tuple[str, ...]
    media_types: tuple[str, ...]
    demuxers: tuple[str, ...]
    soundfile: bool = False


FORMATS = (
    Format("MP3", (".mp3", ".mp2", ".mpga"), ("audio/mpeg", "audio/mp3"), ("mp3",), soundfile=True),
    Format(
        "WAV",
        (".wav", ".wave", ".bwf", ".rf64", ".bw64", ".w64"),
        ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave", "audio/x-w64"),
        ("wav", "w64"),
        soundfile=True,
    ),
    Format("FLAC", (".flac",), ("audio/flac", "audio/x-flac"), ("flac",), soundfile=True),
    Format(
        "AIFF",
        (".aiff", ".aif", ".aifc"),
        ("audio/aiff", "audio/x-aiff", "audio/x-aifc"),
        ("aiff",),
        soundfile=True,
    ),
    Format(
        "M4A",
        (".m4a", ".mp4", ".m4b", ".m4p", ".m4r", ".m4v", ".f4a", ".3gp", ".3g2", ".mov", ".qt"),
        (
            *("audio/mp4", "audio/x-m4a", "audio/m4a", "audio/3gpp", "audio/3gpp2"),
            *("video/mp4", "video/3gpp", "video/3gpp2", "video/quicktime"),
        ),
        ("mov",),
    ),
    Format(
        "AAC",
        (".aac", ".adts", ".latm", ".loas"),
        ("audio/aac", "audio/aacp", "audio/x-aac", "audio/vnd.dlna.adts"),
        ("aac", "loas"),
    ),
    Format(
        "Ogg Vorbis",
        (".ogg", ".oga", ".ogx", ".spx"),
        ("audio/ogg", "application/ogg", "audio/x-vorbis+ogg", "video/ogg"),
        ("ogg",),
        soundfile=True,
    ),
    Format(
        "Opus",
        (".opus",),
        ("audio/opus", "audio/ogg", "audio/x-opus+ogg"),
        ("ogg",),
        soundfile=True,
    ),
    Format(
        "WebM",
        (".webm", ".weba", ".mka", ".mkv"),
        ("audio/webm", "video/webm", "audio/x-matroska", "video/x-matroska"),
        ("matroska",),
    ),
    Format("WMA", (".wma", ".asf"), ("audio/x-ms-wma", "video/x-ms-asf"), ("asf",)),
    Format("CAF", (".caf",), ("audio/x-caf",), ("caf",)),
    Format("AMR", (".amr", ".awb"), ("audio/amr", "audio/amr-wb"), ("amr",)),
    Format("WavPack", (".wv",), ("audio/x-wavpack",), ("wv",)),
    Format("Monkey's Audio", (".ape",), ("audio/x-ape", "audio/ape"), ("ape",)),
    Format("TTA", (".tta",), ("audio/x-tta",), ("tta",)),
    Format("Musepack", (".mpc", ".mpp"), ("audio/x-musepack", "audio/musepack"), ("mpc", "mpc8")),
    Format("AU", (".au", ".snd"), ("audio/basic", "audio/x-au"), ("au",)),
    Format("AC-3", (".ac3", ".eac3", ".ec3"), ("audio/ac3", "audio/eac3"), ("ac3", "eac3")),
    Format("AVI", (".avi",), ("video/x-msvideo", "video/avi"), ("avi",)),
    Format("FLV", (".flv",), ("video/x-flv",), ("flv",)),
    Format(
        "MPEG",
        (".mpg", ".mpeg", ".vob", ".ts", ".mts", ".m2ts"),
        ("video/mpeg", "video/mp2t"),
        ("mpeg", "mpegts"),
    ),
)

EXTENSIONS = frozenset(extension for format_ in FORMATS for extension in format_.extensions)

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
"""FFmpeg's demuxer by how a file begins, where that leaves no doubt."""

FORM_TYPES = {"wav": (b"WAVE",), "aiff": (b"AIFF", b"AIFC")}
"""What follows the length of a file in these; there are pictures and films of the same kind."""

BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"moof"}
"""What the first box of a file of the MPEG-4 family may be."""

HEAD_BYTES = 12


def sniff(file: BinaryIO, place: int) -> str | None:
    """Return the demuxer that the bytes at a place of a file name; None if in doubt.

    Raises:
        RequestError: `unsupported_audio` where they name a kind of file that holds no sound.
    """
    file.seek(place)
    head = file.read(HEAD_BYTES)
    if head[4:8] in BOXES:
        return "mov"
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return "avi"
    demuxer = next((SIGNATURES[magic] for magic in SIGNATURES if head.startswith(magic)), None)
    if demuxer in FORM_TYPES and head[8:12] not in FORM_TYPES[demuxer]:
        raise unsupported("This is not an audio file.")
    return demuxer


def formats(decoders: Decoders) -> tuple[Format, ...]:
    """The formats that these decoders read."""
    return tuple(each for each in FORMATS if decoders is Decoders.ALL or each.soundfile)


def unsupported(what: str, decoders: Decoders = Decoders.ALL) -> RequestError:
    """A file that is not of the formats that we read; `what` is a sentence about it."""
    *names, last = [format_.name for format_ in formats(decoders)]
    return RequestError(Kind.UNSUPPORTED_AUDIO, f"{what} Send {', '.join(names)} or {last}.")
