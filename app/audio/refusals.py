"""Reasons to refuse a file, and the one table of their messages.

A decode process reports a reason, numbers and at most a codec of the list below. The service writes
the message, so a file that takes over its decoder can't choose the words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from app.audio.formats import formats
from app.audio.limits import MAX_CHANNELS, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE
from app.domain import Decoders
from app.errors import Kind, RequestError

Number = Literal[
    "sample_rate",
    "channels",
    "decoded_s",
    "announced_s",
    "duration_s",
    "min_duration_s",
    "max_duration_s",
    "longest_s",
]

CODECS = (
    # FFmpeg's names
    *("als", "aptx", "atrac1", "atrac3", "atrac3plus", "atrac9", "cook", "dca", "dolby_e"),
    *("dsd_lsbf", "dsd_lsbf_planar", "dsd_msbf", "dsd_msbf_planar", "dst", "evrc", "g722"),
    *("g723_1", "g729", "ilbc", "imc", "mace3", "mace6", "mlp", "mp3on4", "mp3on4float", "qcelp"),
    *("qdm2", "qdmc", "ralf", "real_144", "real_288", "s302m", "sbc", "shorten", "sipr", "tak"),
    *("truehd", "truespeech", "twinvq", "xma1", "xma2"),
    # libsndfile's
    *("ALAW", "DWVW_12", "DWVW_16", "DWVW_24", "G721_32", "GSM610", "IMA_ADPCM", "MPEG_LAYER_I"),
    *("MPEG_LAYER_II", "MPEG_LAYER_III", "MS_ADPCM", "NMS_ADPCM_16", "NMS_ADPCM_24"),
    *("NMS_ADPCM_32", "PCM_U8", "ULAW"),
)
"""Codecs that a refusal may name; they are not supported, or not in every container."""

MAX_NUMBER = 1e9
"""Larger numbers, which a broken header may contain, are reported as this one."""


class Reason(StrEnum):
    """The reason why a file is refused."""

    NO_AUDIO = "no_audio"
    NOT_READ = "not_read"
    NO_SOUND = "no_sound"
    CODEC = "codec"
    SAMPLE_RATE = "sample_rate"
    CHANNELS = "channels"
    SAMPLES = "samples"
    HEADER = "header"
    SOUND_HEADER = "sound_header"
    OUT_OF_RANGE = "out_of_range"
    CUT = "cut"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    SILENT = "silent"


@dataclass(frozen=True)
class _Message:
    """The message of a reason.

    Attributes:
        kind: The kind of the error.
        detail: The message, with the names of numbers as placeholders.
        members: The numbers that are also members of the error response, if they are known.
    """

    kind: Kind
    detail: str
    members: tuple[Number, ...] = ()


def _unsupported(reason: str) -> _Message:
    return _Message(Kind.UNSUPPORTED_AUDIO, f"{reason} Send {{formats}}.")


def _broken(reason: str) -> _Message:
    return _Message(
        Kind.UNDECODABLE_AUDIO, f"The audio file is broken: {reason}. Export it again and retry."
    )


_MESSAGES = {
    Reason.NO_AUDIO: _unsupported("This is not an audio file."),
    Reason.NOT_READ: _unsupported("This is not an audio file that we can read."),
    Reason.NO_SOUND: _unsupported("The file contains no audio."),
    Reason.CODEC: _unsupported("We can't decode the codec {codec}."),
    Reason.SAMPLE_RATE: _Message(
        Kind.UNSUPPORTED_AUDIO,
        "The sample rate is {sample_rate:.0f} Hz; "
        f"send between {MIN_SAMPLE_RATE} and {MAX_SAMPLE_RATE} Hz.",
    ),
    Reason.CHANNELS: _Message(
        Kind.UNSUPPORTED_AUDIO,
        f"The file has {{channels:.0f}} channels; send at most {MAX_CHANNELS}.",
    ),
    Reason.SAMPLES: _Message(
        Kind.UNSUPPORTED_AUDIO,
        "The file contains too many samples: of {channels:.0f} channels at {sample_rate:.0f} Hz "
        "send at most {longest_s:.0f} s, or export it as 48 kHz stereo.",
    ),
    Reason.HEADER: _broken("its header can't be read"),
    Reason.SOUND_HEADER: _broken("its header describes the audio wrongly"),
    Reason.OUT_OF_RANGE: _broken("its samples are out of range"),
    Reason.CUT: _broken("{decoded_s:.2f} s of {announced_s:.2f} s can be decoded"),
    Reason.TOO_SHORT: _Message(
        Kind.AUDIO_TOO_SHORT,
        "The track lasts {duration_s:.2f} s; send at least {min_duration_s:g} s.",
        ("duration_s", "min_duration_s"),
    ),
    Reason.TOO_LONG: _Message(
        Kind.AUDIO_TOO_LONG,
        "The track is longer than {max_duration_s:g} s; send a shorter one.",
        ("duration_s", "max_duration_s"),
    ),
    Reason.SILENT: _Message(
        Kind.SILENT_AUDIO,
        "Nothing in the track is above the noise floor. Check that the export is not muted "
        "and that its channels do not cancel each other out.",
    ),
}


class RefusedFileError(RequestError):
    """A file is refused.

    Attributes:
        reason: Why.
        numbers: The numbers of the message, at most `MAX_NUMBER`.
        codec: Its codec, if that is one of `CODECS`.
    """

    def __init__(
        self,
        reason: Reason,
        numbers: Mapping[Number, float] | None = None,
        codec: str | None = None,
        decoders: Decoders = Decoders.ALL,
    ) -> None:
        """Write the message.

        Args:
            reason: Why the file is refused.
            numbers: The numbers of the message.
            codec: Its codec; any string.
            decoders: The decoders in use; the message lists their formats.

        Raises:
            KeyError: A number of the message is missing.
        """
        message = _MESSAGES[reason]
        self.reason = reason
        self.numbers = {name: min(number, MAX_NUMBER) for name, number in (numbers or {}).items()}
        self.codec = codec if codec in CODECS else None
        *names, last = [format_.name for format_ in formats(decoders)]
        words = {"formats": f"{', '.join(names)} or {last}", "codec": self.codec or "of this file"}
        detail = message.detail.format(**words, **self.numbers)
        known = [name for name in message.members if name in self.numbers]
        super().__init__(
            message.kind, detail, {name: round(self.numbers[name], 3) for name in known}
        )
        self.args = (reason, self.numbers, self.codec, decoders)  # so that it survives a pickle
