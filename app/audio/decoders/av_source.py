"""Sound through PyAV (FFmpeg), which can read far more than it is let.

Its demuxer is forced where the file's first bytes leave no doubt. Of other files (MPEG audio, which
begins with anything) FFmpeg guesses it: each of its demuxers looks at the first bytes then, which
is why this runs in the sandbox alone, and what it guesses is held against the list before it is
opened. Only decoders of sound are let run, and no file leads to another one.
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
from app.audio.containers.tags import behind_tags
from app.audio.decoders.source import BLOCK_FRAMES, Block, Source
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

# From PyAV 19 on tags may be of any bytes; before, one has to ask for it.
ANY_WORDS: dict[str, Any] = (
    {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}  # noqa: PLR2004
)

ANNOUNCING = {"wav", "aiff", "au", "caf", "flac", "mov", "asf", "wv", "ape", "tta"}
"""Demuxers whose length is what the header says, not a guess from the bit rate or the last page."""

PLACEHOLDER_BYTES = 2**31 - 2**16
"""What says that it holds more was written by who did not know the length yet."""

TYPES: dict[str, npt.DTypeLike] = {
    "u8": np.uint8,
    "s16": np.int16,
    "s32": np.int32,
    "s64": np.int64,
    "flt": np.float32,
    "dbl": np.float64,
}
"""Of samples, by FFmpeg's names of the formats that are not planar."""

RESYNCING = {"mp3", "aac", "loas"}
JUNK_S = 0.1
"""What these demuxers may take for frames of sound: the tags between files that were joined."""

MOST_FAILED = 10_000
"""Packets in a row that can't be decoded: what follows them is no music either."""

FFMPEG_PLANES = 8
"""As many a frame has room for; where all are in use PyAV looks for another one, and crashes."""

UNKNOWN_S = 0.001
"""The length of a packet that says none."""


@contextmanager
def opened(file: BinaryIO, start: Start) -> Iterator[Source]:
    """Open a file.

    Args:
        file: Unbuffered.
        start: What it is and where that begins.

    Raises:
        RefusedFileError: `unsupported_audio` or `undecodable_audio`.
    """
    demuxer = start.demuxer
    first, *others = sections(file, start)
    with _opened(first, demuxer) as media:
        stream = _stream(media)
        place = first.tell()
        source = Source(iter(()), _announced_s(media, stream, first))
        source.length_s = source.announced_s or _guessed_s(media)
        source.sample_rate, source.channels = stream.sample_rate, stream.channels
        first.seek(place)
        later = (_later_blocks(other, demuxer, source) for other in others)
        if demuxer == "ogg" and ends_within_page(file):  # to lack the page that ends it is usual
            source.lost_s = UNKNOWN_S
        source.blocks = chain(_blocks(media, stream, source), chain.from_iterable(later))
        yield source


def _opened(file: BinaryIO, demuxer: str | None) -> InputContainer:
    file.seek(0)
    try:
        media: InputContainer = av.open(
            file, mode="r", format=demuxer, container_options=OPTIONS, **ANY_WORDS
        )
    except (av.FFmpegError, ValueError):
        if demuxer is None:
            raise RefusedFileError(Reason.NOT_READ) from None
        raise RefusedFileError(Reason.HEADER) from None
    return media


def _later_blocks(file: BinaryIO, demuxer: str | None, source: Source) -> Iterator[Block]:
    """Yield the blocks of a part behind the first one, which is lost where it can't be read."""
    try:
        with _opened(file, demuxer) as media:
            yield from _blocks(media, _stream(media), source)
    except RefusedFileError:
        source.lost_s += UNKNOWN_S


def _stream(media: InputContainer) -> AudioStream:
    """The one stream to decode; films and covers beside it are passed over."""
    if not media.streams.audio:
        raise RefusedFileError(Reason.NO_SOUND)
    stream = media.streams.best("audio")
    if not isinstance(stream, AudioStream):
        raise RefusedFileError(Reason.SOUND_HEADER)
    codec = stream.codec_context  # PyAV has none where FFmpeg knows no name
    if codec is None or codec.name not in CODECS:
        raise RefusedFileError(Reason.CODEC, codec=codec.name if codec else None)
    check_channels(stream.channels)
    codec.thread_count = 1
    if codec.name == "flac":
        codec.options = {"err_detect": "crccheck+explode"}  # else damage is decoded to noise
    return stream


def _announced_s(media: InputContainer, stream: AudioStream, file: BinaryIO) -> float | None:
    """How long the header says that the file is, where it does."""
    names = set(media.format.name.split(","))
    if "mp3" in names:
        return mp3_header.announced_s(file, behind_tags(file), stream.sample_rate)
    length_s = None
    if names & ANNOUNCING and stream.duration and stream.time_base:
        length_s = float(stream.duration * stream.time_base)
    elif names & {"matroska", "flv"} and media.duration and not stream.duration:
        # It is that of all streams: a film may outlast its sound.
        length_s = 0.0 if media.streams.video else media.duration / av.time_base
        if stream.start_time and stream.time_base:
            length_s -= float(stream.start_time * stream.time_base)
    rate = stream.codec_context.bit_rate or 0
    if length_s is None or length_s <= 0:
        return None
    if "wav" in names:  # FFmpeg looks at what is there
        length_s /= chunks.share_of_sound(file) or 1.0
        if said := chunks.sound_bytes(file) * 8:  # of MP3, it also counts what stands behind
            length_s = min(length_s, said / rate) if rate else length_s
    if "caf" in names and stream.frames > 0 and stream.codec_context.name.startswith("pcm"):
        length_s = stream.frames / stream.sample_rate  # the other one counts what stands behind
    return length_s if length_s * rate / 8 < PLACEHOLDER_BYTES else None


def _guessed_s(media: InputContainer) -> float | None:
    """Return what FFmpeg takes for the length: by the bit rate, the last page, or a film beside."""
    return media.duration / av.time_base if media.duration and media.duration > 0 else None


def _blocks(media: InputContainer, stream: AudioStream, source: Source) -> Iterator[Block]:
    """Yield blocks of frames of one form; the form may change within a file."""
    fifo, count, form = av.AudioFifo(), 0, None
    for frame in _frames(media, stream, source):
        its_form = frame.sample_rate, frame.layout.nb_channels, frame.format.name
        if its_form != form:  # PyAV's FIFO takes it nonetheless, and crashes
            yield from _block(fifo)
            fifo, count, form = av.AudioFifo(), 0, its_form
            check_channels(frame.layout.nb_channels)
        frame.pts = None  # else the FIFO would insist that they follow one another
        fifo.write(frame)
        count += frame.samples
        if count >= BLOCK_FRAMES:
            yield from _block(fifo)
            count = 0
    yield from _block(fifo)


def _block(fifo: av.AudioFifo) -> Iterator[Block]:
    """Yield what was gathered, if anything, which is forgotten then."""
    frame = fifo.read()
    if frame is not None:
        yield Block(frame.sample_rate, _channels(frame))


def _frames(media: InputContainer, stream: AudioStream, source: Source) -> Iterator[AudioFrame]:
    """Yield a thousand samples or so at a time; what can't be decoded between them is lost."""
    lost_s, began, failed = 0.0, False, 0
    ignored_s = 0.0
    if media.format.name in RESYNCING:
        ignored_s = JUNK_S if source.announced_s is None else math.inf  # the header counts frames
    for packet in _packets(media, stream):
        try:
            frames = packet.decode()
        except (av.FFmpegError, ValueError):  # the latter where the codec's parameters are none
            lost_s += _length_s(packet)
            failed += 1
            if failed == MOST_FAILED:
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
    """Yield packets as far as the file can be read."""
    try:
        yield from media.demux(stream)
    except av.FFmpegError:
        return


def _length_s(packet: "Packet[AudioStream]") -> float:
    if packet.duration and packet.time_base:
        return float(packet.duration * packet.time_base)
    return UNKNOWN_S


def _channels(frame: AudioFrame) -> list[Samples]:
    """The samples of each channel; float32 as they lie in the frame, which `to_ndarray` copies."""
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
