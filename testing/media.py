"""Real files of many containers, by FFmpeg's own muxers and encoders."""

import io
from collections.abc import Iterator

import av
import numpy as np
from av.container import OutputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from testing.sounds import Sound, tone

RATE = 44_100
LAYOUTS = {1: "mono", 2: "stereo", 5: "5.0"}


def media(
    sound: Sound | None = None,
    codec: str = "aac",
    container: str = "ipod",
    *,
    rate: int = RATE,
    channels: int = 2,
    bit_rate: int | None = None,
    options: dict[str, str] | None = None,
    cover: bool = False,
    video: bool = False,
    title: str = "",
) -> bytes:
    """Return a file of a sound, (samples,) or (samples, channels), with a cover or a video."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=options or {}) as made:
        made.metadata["title"] = title
        pictures = _pictures(made, "mjpeg" if cover else "mpeg4") if cover or video else None
        if pictures and cover:
            pictures.disposition = Disposition.attached_pic
        stream = made.add_stream(codec, rate=rate, layout=LAYOUTS[channels])
        assert isinstance(stream, av.AudioStream)
        if bit_rate:
            stream.bit_rate = bit_rate
        if pictures:
            _encode_pictures(made, pictures, 1 if cover else 20)
        _encode(made, stream, tone(rate) if sound is None else sound, rate)
    return file.getvalue()


def remuxed(file: bytes, container: str) -> bytes:
    """The packets of a file in another container."""
    other = io.BytesIO()
    with av.open(io.BytesIO(file), "r") as source, av.open(other, "w", format=container) as made:
        stream = made.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.size:
                packet.stream = stream
                made.mux(packet)
    return other.getvalue()


def film() -> bytes:
    """Pictures without sound."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as made:
        _encode_pictures(made, _pictures(made, "mpeg4"), 20)
    return file.getvalue()


def referring(file: bytes, path: bytes) -> bytes:
    """The same, but with a QuickTime reference to the sound in the file of this path."""
    reference = bytes(4 + 10) + bytes(28) + bytes(12) + bytes(64) + bytes(16)
    reference += bytes(4) + bytes(16) + (2).to_bytes(2, "big") + len(path).to_bytes(2, "big")
    reference += path + bytes(len(path) % 2) + b"\xff\xff\0\0"
    table = bytes(4) + (1).to_bytes(4, "big") + _box(b"alis", reference)
    return _replaced(file, [b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"], table)


def _encode(made: OutputContainer, stream: av.AudioStream, sound: Sound, rate: int) -> None:
    context = stream.codec_context
    resampler = av.AudioResampler(
        format=context.format,
        layout=context.layout,
        rate=rate,
        frame_size=context.frame_size or 4_096,
    )
    planes = np.stack([sound] * stream.channels) if sound.ndim == 1 else sound.T.copy()
    whole = av.AudioFrame.from_ndarray(planes, "fltp", context.layout.name)
    whole.sample_rate = rate
    for frame in [*resampler.resample(whole), *resampler.resample(None), None]:
        made.mux([packet for packet in stream.encode(frame) if packet.size])


def _pictures(made: OutputContainer, codec: str) -> VideoStream:
    pictures = made.add_stream(codec, rate=10)
    assert isinstance(pictures, VideoStream)
    pictures.width = pictures.height = 64
    pictures.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    return pictures


def _encode_pictures(made: OutputContainer, stream: VideoStream, count: int) -> None:
    for number in range(count):
        frame = VideoFrame(64, 64, stream.pix_fmt or "")
        frame.pts = number
        made.mux(stream.encode(frame))
    made.mux(stream.encode(None))


def _box(name: bytes, body: bytes) -> bytes:
    return (8 + len(body)).to_bytes(4, "big") + name + body


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    while data:
        size = int.from_bytes(data[:4], "big")
        yield data[4:8], data[8:size]
        data = data[size:]


def _replaced(data: bytes, path: list[bytes], body: bytes) -> bytes:
    """The boxes with another body in the one that the path leads to."""
    if not path:
        return body
    return b"".join(
        _box(name, _replaced(inner, path[1:], body) if name == path[0] else inner)
        for name, inner in _boxes(data)
    )
