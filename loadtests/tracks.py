"""Tracks to measure with: free music from Debian's packages, encoded afresh and never committed.

Each track starts elsewhere in the same song, so that no two are alike and none is answered from
the cache unless it is sent twice.
"""

import io

import av
import numpy as np
import numpy.typing as npt
import soundfile

from testing import sounds
from testing.media import media
from testing.packages.audio import fetch

SONG = "Metal madness"
RATE = 44_100
FORMATS = {"mp3": ("MP3", None), "wav": ("WAV", "PCM_16"), "flac": ("FLAC", "PCM_16"),
           "ogg": ("OGG", "VORBIS")}  # fmt: skip
"""File name extensions and their names in libsndfile."""

Stereo = npt.NDArray[np.float32]
"""(frames, 2) at `RATE`."""

_songs: dict[str, Stereo] = {}


def song() -> Stereo:
    """The whole song."""
    if not _songs:
        path = fetch("fretsonfire-songs-sectoid") / SONG / "song.ogg"
        samples, rate = soundfile.read(path, dtype="float32")
        assert rate == RATE, f"{path} is at {rate} Hz"
        _songs[SONG] = samples
    return _songs[SONG]


def audio(seconds: float, start_s: float = 0.0) -> Stereo:
    """Return `seconds` of the song from `start_s` on, starting over at its end."""
    turned = np.roll(song(), -round(start_s * RATE), axis=0)
    return np.resize(turned, (round(seconds * RATE), turned.shape[1]))


def encoded(seconds: float, start_s: float = 0.0, ending: str = "mp3") -> bytes:
    """`audio` as a file, 44.1 kHz stereo: `mp3`, `wav`, `flac`, `ogg` or, in mono, `m4a`."""
    if ending == "m4a":
        return media(audio(seconds, start_s).mean(axis=1), rate=RATE, bit_rate=192_000)
    return sounds.encoded(np.clip(audio(seconds, start_s), -1, 1), RATE, *FORMATS[ending])


def repeated(mp3: bytes, times: int) -> bytes:
    """Return an MP3 several times over as one file, which encoding would take minutes for."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as made:
        stream, end = None, 0
        for _ in range(times):
            with av.open(io.BytesIO(mp3), "r") as source:
                stream = stream or made.add_stream_from_template(source.streams.audio[0])
                for packet in source.demux(audio=0):
                    if packet.size:
                        packet.stream, packet.pts, packet.dts = stream, end, end
                        end += packet.duration or 0
                        made.mux(packet)
    return file.getvalue()
