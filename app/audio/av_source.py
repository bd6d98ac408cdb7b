"""Sound from M4A and AAC, through PyAV (FFmpeg), which can read far more than it is let.

Imported only where an operator asked for it. The container is forced, so nothing is guessed from a
file; of its codecs two are let run, not even to look at what else is in there; and no file leads to
another one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import av
import av.subtitles.codeccontext
import av.subtitles.stream  # PyAV would import these two later, when no file can be opened
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition

from app.audio.formats import unsupported
from app.audio.refusals import undecodable
from app.audio.source import BLOCK_FRAMES, Block, Source

CODECS = ("aac", "alac")

OPTIONS = {"protocol_whitelist": "pipe", "codec_whitelist": ",".join(CODECS)}

SCALE = {"fltp": 1.0, "s16p": 2.0**-15, "s32p": 2.0**-31}
"""By the forms in which the two decoders give samples."""


@contextmanager
def opened(file: BinaryIO, container: str) -> Iterator[Source]:
    """Open a file whose first bytes were checked.

    Args:
        file: The file.
        container: FFmpeg's name of what these bytes were of.

    Raises:
        RequestError: `unsupported_audio` or `undecodable_audio`.
    """
    file.seek(0)
    try:
        media = av.open(
            file, mode="r", format=container, container_options=OPTIONS, metadata_errors="replace"
        )
    except av.FFmpegError:
        raise undecodable("its header can't be read") from None
    with media:
        stream = _stream(media)
        yield Source(stream.sample_rate, stream.channels, _blocks(media, stream))


def _stream(media: InputContainer) -> AudioStream:
    """The one stream to decode; a picture of the cover may be beside it."""
    if any(not video.disposition & Disposition.attached_pic for video in media.streams.video):
        raise unsupported("We do not read videos.", accept_m4a=True)
    if not media.streams.audio:
        raise undecodable("there is no sound in it")
    stream = media.streams.audio[0]
    codec = stream.codec_context  # PyAV has none where FFmpeg knows no name
    if codec is None or codec.name not in CODECS:
        name = codec.name if codec else "of this file"
        raise unsupported(f"We do not read the codec {name} in M4A.", accept_m4a=True)
    codec.thread_count = 1
    return stream


def _blocks(media: InputContainer, stream: AudioStream) -> Iterator[Block]:
    frames: list[Block] = []
    count = decoded = 0
    for frame in _frames(media, stream):
        frames.append(frame)
        count += len(frame)
        if count >= BLOCK_FRAMES:
            yield np.concatenate(frames)
            decoded += count
            frames, count = [], 0
    if frames:
        yield np.concatenate(frames)
    elif not decoded:
        raise undecodable("its sound is not in it")


def _frames(media: InputContainer, stream: AudioStream) -> Iterator[Block]:
    """Yield a thousand samples or so at a time."""
    form = stream.sample_rate, stream.channels  # what the stream says changes with its frames
    try:
        for packet in media.demux(stream):
            for frame in packet.decode():
                yield _samples(frame, form)
    except av.FFmpegError:
        raise undecodable("it breaks off or is damaged") from None


def _samples(frame: AudioFrame, form: tuple[int, int]) -> Block:
    if (frame.sample_rate, frame.layout.nb_channels) != form:
        raise undecodable("its sample rate or its channels change in the middle")
    if frame.format.name not in SCALE:
        raise unsupported(f"We do not read samples of the form {frame.format.name}.")
    planes = frame.to_ndarray()
    return np.ascontiguousarray(planes.T, np.float32) * np.float32(SCALE[frame.format.name])
