"""Decodes with PyAV (FFmpeg), restricted to the supported demuxers and audio codecs.

The demuxer is set if the first bytes of the file identify it. For other files (MPEG audio, which
has no magic number) FFmpeg probes it: every demuxer then reads the first bytes, which is one reason
for the sandbox, and the result is checked against the list before the file is opened. Only audio
decoders run, and no file can refer to another one.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any, BinaryIO, cast

import av
import av.subtitles.codeccontext
import av.subtitles.stream  # PyAV would import these two later, when no file can be opened
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from app.audio.containers import chunks, mp3_header
from app.audio.containers.sections import ends_within_page, sections
from app.audio.containers.start import Start
from app.audio.containers.tags import end_of_tags
from app.audio.decoders.source import BLOCK_FRAMES, Block, DecodedSource
from app.audio.formats import FORMATS
from app.audio.refusals import Reason, RefusedFileError, check_channels
from app.domain import Samples

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

TYPES: dict[str, npt.DTypeLike] = {
    "u8": np.uint8,
    "s16": np.int16,
    "s32": np.int32,
    "s64": np.int64,
    "flt": np.float32,
    "dbl": np.float64,
}
"""Sample types by FFmpeg's names of the packed sample formats."""

RESYNCING = {"mp3", "aac", "loas"}
JUNK_S = 0.1
"""Length of junk that these demuxers may take for frames: tags between concatenated files."""

MAX_FAILED_PACKETS = 10_000
"""Packets in a row that can't be decoded, after which decoding ends."""

FFMPEG_PLANES = 8
"""The planes of an FFmpeg frame. If all are used, PyAV reads beyond them and crashes."""

UNKNOWN_S = 0.001
"""The assumed length of a packet without one."""


@contextmanager
def open_source(file: BinaryIO, start: Start) -> Iterator[DecodedSource]:
    """Open a file; its blocks can be read during the body.

    Args:
        file: The file, unbuffered.
        start: Its demuxer and where its audio begins.

    Raises:
        RefusedFileError: `unsupported_audio` or `undecodable_audio`.
    """
    demuxer = start.demuxer
    first, *others = sections(file, start)
    with _opened(first, demuxer) as media:
        stream = _stream(media)
        place = first.tell()
        source = DecodedSource(iter(()), _announced_s(media, stream, first))
        source.length_s = source.announced_s or _guessed_s(media)
        source.sample_rate, source.channels = stream.sample_rate, stream.channels
        first.seek(place)
        later = (_later_blocks(other, demuxer, source) for other in others)
        if demuxer == "ogg" and ends_within_page(file):  # a missing end page is usual
            source.lost_s = UNKNOWN_S
        source.blocks = chain(_blocks(media, stream, source), chain.from_iterable(later))
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
            yield from _blocks(media, _stream(media), source)
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


def _blocks(media: InputContainer, stream: AudioStream, source: DecodedSource) -> Iterator[Block]:
    """Yield blocks of frames of one form: sample rate, channels and sample format."""
    fifo, count, form = av.AudioFifo(), 0, None
    for frame in _frames(media, stream, source):
        frame_form = frame.sample_rate, frame.layout.nb_channels, frame.format.name
        if frame_form != form:  # PyAV's FIFO would accept the frame and crash
            yield from _block(fifo)
            fifo, count, form = av.AudioFifo(), 0, frame_form
            check_channels(frame.layout.nb_channels)
        frame.pts = None  # otherwise the FIFO refuses gaps between frames
        fifo.write(frame)
        count += frame.samples
        if count >= BLOCK_FRAMES:
            yield from _block(fifo)
            count = 0
    yield from _block(fifo)


def _block(fifo: av.AudioFifo) -> Iterator[Block]:
    """Yield the frames in the FIFO as a block, if there are any."""
    frame = fifo.read()
    if frame is not None:
        yield Block(frame.sample_rate, _channels(frame))


def _frames(
    media: InputContainer, stream: AudioStream, source: DecodedSource
) -> Iterator[AudioFrame]:
    """Yield frames of about a thousand samples; damaged packets between them count as lost."""
    lost_s, began, failed = 0.0, False, 0
    ignored_s = 0.0
    if media.format.name in RESYNCING:
        ignored_s = (
            JUNK_S if source.announced_s is None else math.inf
        )  # the header has the number of frames
    for packet in _packets(media, stream):
        try:
            frames = packet.decode()
        except (av.FFmpegError, ValueError):  # the latter for invalid codec parameters
            lost_s += _length_s(packet)
            failed += 1
            if failed == MAX_FAILED_PACKETS:
                break
            continue
        for frame in frames:
            if frame.samples:
                if began and lost_s > ignored_s:
                    source.lost_s += lost_s
                lost_s, began, failed = 0.0, True, 0
                yield frame
    if not began:
        source.lost_s += lost_s


def _packets(media: InputContainer, stream: AudioStream) -> Iterator["Packet[AudioStream]"]:
    """Yield packets until the file ends or can't be read."""
    try:
        yield from media.demux(stream)
    except av.FFmpegError:
        return


def _length_s(packet: "Packet[AudioStream]") -> float:
    if packet.duration and packet.time_base:
        return float(packet.duration * packet.time_base)
    return UNKNOWN_S


def _channels(frame: AudioFrame) -> list[Samples]:
    """Return the samples of each channel; float32 without a copy, unlike `to_ndarray`."""
    if frame.format.is_planar and frame.layout.nb_channels == FFMPEG_PLANES:
        (frame,) = av.AudioResampler(frame.format.packed.name).resample(frame)
    count, dtype = frame.layout.nb_channels, TYPES[frame.format.packed.name]
    planes = [np.frombuffer(cast("memoryview", plane), dtype) for plane in frame.planes]
    if frame.format.is_planar:
        return [_scaled(plane[: frame.samples]) for plane in planes]
    return list(_scaled(planes[0][: frame.samples * count]).reshape(-1, count).T)


def _scaled(values: npt.NDArray[Any]) -> Samples:
    if values.dtype.kind == "f":
        floats: Samples = values.astype(np.float32, copy=False)
        return floats
    info = np.iinfo(str(values.dtype))
    scale = np.float32(2.0 ** (1 - info.bits))
    scaled: Samples = np.multiply(values, scale, dtype=np.float32)
    return scaled if info.min else scaled - np.float32(1)
