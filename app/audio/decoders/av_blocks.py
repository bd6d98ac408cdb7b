"""Decodes the packets of a file that FFmpeg has opened, to blocks of samples."""

import math
from collections.abc import Iterator
from typing import Any, cast

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from app.audio.decoders.source import BLOCK_FRAMES, Block, DecodedSource
from app.audio.limit_checks import check_channels
from app.domain import Samples

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


def read_blocks(
    media: InputContainer, stream: AudioStream, source: DecodedSource
) -> Iterator[Block]:
    """Yield blocks of frames of one form: sample rate, channels and sample format.

    Args:
        media: The open file.
        stream: Its audio stream.
        source: Damaged parts between decoded ones are added to its `lost_s`.

    Raises:
        RefusedFileError: `unsupported_audio` if a frame has too many channels.
    """
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
