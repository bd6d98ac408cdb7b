"""Opens files with PyAV (FFmpeg), restricted to the supported demuxers and audio codecs.

The demuxer is set if the first bytes of the file identify it. For other files (MPEG audio, which
has no magic number) FFmpeg probes it: every demuxer then reads the first bytes, which is one reason
for the sandbox, and the result is checked against the list before the file is opened. Only audio
decoders run, and no file can refer to another one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any, BinaryIO

import av
import av.subtitles.codeccontext
import av.subtitles.stream  # PyAV would import these two later, when no file can be opened
from av.audio.stream import AudioStream
from av.container import InputContainer

from app.audio.containers import chunks, mp3_header
from app.audio.containers.sections import ends_within_page, sections
from app.audio.containers.start import Start
from app.audio.containers.tags import end_of_tags
from app.audio.decoders.av_blocks import UNKNOWN_S, read_blocks
from app.audio.decoders.source import Block, DecodedSource
from app.audio.formats import FORMATS
from app.audio.limit_checks import check_channels
from app.audio.refusals import Reason, RefusedFileError

DEMUXERS = tuple(dict.fromkeys(name for format_ in FORMATS for name in format_.demuxers))

CODECS = (
    *("mp3float", "mp3", "mp2float", "mp2", "mp1float", "mp1", "aac", "aac_latm", "alac", "flac"),
    *("vorbis", "opus", "speex", "wmav1", "wmav2", "wmapro", "wmalossless", "wmavoice"),
    *("amrnb", "amrwb", "wavpack", "ape", "tta", "mpc7", "mpc8"),
    *("adpcm_ms", "adpcm_ima_wav", "adpcm_ima_qt", "adpcm_yamaha", "adpcm_g726", "adpcm_swf"),
    *("gsm", "gsm_ms", "ac3", "eac3", "nellymoser", "pcm_bluray", "pcm_dvd"),
    *("pcm_u8", "pcm_s8", "pcm_mulaw", "pcm_alaw"),
    *("pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be"),
    *("pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be", "pcm_s64le", "pcm_s64be"),
)
"""FFmpeg's decoders that may run."""

OPTIONS = {
    "protocol_whitelist": "pipe",
    "format_whitelist": ",".join(DEMUXERS),
    "codec_whitelist": ",".join(CODECS),
    "max_streams": "64",
}

# PyAV 19 accepts tags in any encoding; earlier versions need this option.
METADATA_OPTIONS: dict[str, Any] = (
    {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}  # noqa: PLR2004
)

ANNOUNCING = {"wav", "aiff", "au", "caf", "flac", "mov", "asf", "wv", "ape", "tta"}
"""Demuxers that report the length in the header, not an estimate from bit rate or last page."""

PLACEHOLDER_BYTES = 2**31 - 2**16
"""A header that announces more was written before the length was known."""


@contextmanager
def open_source(file: BinaryIO, start: Start) -> Iterator[DecodedSource]:
    """Open a file; its blocks can be read during the body.

    Args:
        file: The file, unbuffered.
        start: Its demuxer and where its audio begins.

    Yields:
        The opened file.

    Raises:
        RefusedFileError: `unsupported_audio` or `undecodable_audio`.
    """
    demuxer = start.demuxer
    first, *others = sections(file, start)
    with _opened(first, demuxer) as media:
        stream = _stream(media)
        position = first.tell()
        source = DecodedSource(iter(()), _announced_s(media, stream, first))
        source.length_s = source.announced_s or _guessed_s(media)
        source.sample_rate, source.channels = stream.sample_rate, stream.channels
        first.seek(position)
        later = (_later_blocks(other, demuxer, source) for other in others)
        if demuxer == "ogg" and ends_within_page(file):  # a missing end page is usual
            source.lost_s = UNKNOWN_S
        source.blocks = chain(read_blocks(media, stream, source), chain.from_iterable(later))
        yield source


def _opened(file: BinaryIO, demuxer: str | None) -> InputContainer:
    file.seek(0)
    try:
        media: InputContainer = av.open(
            file, mode="r", format=demuxer, container_options=OPTIONS, **METADATA_OPTIONS
        )
    except (av.FFmpegError, ValueError):
        if demuxer is None:
            raise RefusedFileError(Reason.NOT_READ) from None
        raise RefusedFileError(Reason.HEADER) from None
    return media


def _later_blocks(file: BinaryIO, demuxer: str | None, source: DecodedSource) -> Iterator[Block]:
    """Yield the blocks of a later section; one that can't be opened counts as lost."""
    try:
        with _opened(file, demuxer) as media:
            yield from read_blocks(media, _stream(media), source)
    except RefusedFileError:
        source.lost_s += UNKNOWN_S


def _stream(media: InputContainer) -> AudioStream:
    """Return the audio stream to decode; videos and covers are ignored."""
    if not media.streams.audio:
        raise RefusedFileError(Reason.NO_SOUND)
    stream = media.streams.best("audio")
    if not isinstance(stream, AudioStream):
        raise RefusedFileError(Reason.SOUND_HEADER)
    codec = stream.codec_context  # None for codecs that FFmpeg does not know
    if codec is None or codec.name not in CODECS:
        raise RefusedFileError(Reason.CODEC, codec=codec.name if codec else None)
    check_channels(stream.channels)
    codec.thread_count = 1
    if codec.name == "flac":
        codec.options = {
            "err_detect": "crccheck+explode"
        }  # otherwise damaged frames are decoded to noise
    return stream


def _announced_s(media: InputContainer, stream: AudioStream, file: BinaryIO) -> float | None:
    """Return the duration in the header, in seconds; None if there is no reliable one."""
    names = set(media.format.name.split(","))
    if "mp3" in names:
        return mp3_header.announced_s(file, end_of_tags(file), stream.sample_rate)
    length_s = None
    if names & ANNOUNCING and stream.duration and stream.time_base:
        length_s = float(stream.duration * stream.time_base)
    elif names & {"matroska", "flv"} and media.duration and not stream.duration:
        # The duration of the whole file: a video may be longer than its audio.
        length_s = 0.0 if media.streams.video else media.duration / av.time_base
        if stream.start_time and stream.time_base:
            length_s -= float(stream.start_time * stream.time_base)
    rate = stream.codec_context.bit_rate or 0
    if length_s is None or length_s <= 0:
        return None
    if "wav" in names:  # FFmpeg reports the length of the data
        length_s /= chunks.share_of_audio(file) or 1.0
        if bits := 8 * chunks.announced_audio_bytes(file):  # for MP3 FFmpeg counts later chunks too
            length_s = min(length_s, bits / rate) if rate else length_s
    if "caf" in names and stream.frames > 0 and stream.codec_context.name.startswith("pcm"):
        length_s = stream.frames / stream.sample_rate  # the duration includes later chunks
    return length_s if length_s * rate / 8 < PLACEHOLDER_BYTES else None


def _guessed_s(media: InputContainer) -> float | None:
    """Return FFmpeg's estimate of the length: by the bit rate, the last page, or the video."""
    return media.duration / av.time_base if media.duration and media.duration > 0 else None
