"""The one table of supported audio formats."""

from dataclasses import dataclass

from app.domain import Decoders


@dataclass(frozen=True)
class Format:
    """The names of a format.

    Attributes:
        name: As users know it.
        extensions: Extensions of file names, in lower case.
        media_types: Media types that browsers send.
        demuxers: FFmpeg's names of its demuxers.
        soundfile: Whether libsndfile can read it too.
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


def formats(decoders: Decoders) -> tuple[Format, ...]:
    """Return the formats that these decoders can read."""
    return tuple(each for each in FORMATS if decoders is Decoders.ALL or each.soundfile)
