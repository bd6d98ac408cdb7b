"""Decodes with libsndfile: intact WAV and AIFF, or every format that it reads if it is used alone.

libsndfile's own messages contain paths of the server, so they are not passed on.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np
import soundfile

from app.audio.containers.start import find_start
from app.audio.decoders.source import BLOCK_FRAMES, Block, DecodedSource
from app.audio.formats import FORMATS
from app.audio.limit_checks import check_channels
from app.audio.refusals import Reason, RefusedFileError
from app.domain import Decoders

SUBTYPES = {
    "WAV": {"PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"},
    "WAVEX": {"PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"},
    "RF64": {"PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"},
    "AIFF": {"PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"},
    "FLAC": {"PCM_S8", "PCM_16", "PCM_24"},
    "OGG": {"VORBIS", "OPUS"},
    "MP3": {"MPEG_LAYER_III"},
}
"""libsndfile's names of the containers and codecs that it may decode; it supports many more."""

DEMUXERS = {name for each in FORMATS if each.soundfile for name in each.demuxers}
"""FFmpeg's demuxers for formats that libsndfile reads too."""

ANNOUNCING = {"FLAC", "OGG"}
"""Containers of which libsndfile reports the length in the header. Of others it reports the length
of the data, or an estimate."""

UNKNOWN_LENGTH = 2**63 - 1
"""The length that libsndfile reports for a FLAC from a pipe, which has none in its header."""


class _Sound(soundfile.SoundFile):  # type: ignore[misc]  # it has no types
    """A file that is read sequentially.

    After each read `soundfile` seeks to the current position: in an MP3 of variable bit rate that
    corrupts the next samples, and at the end of a FLAC from a pipe it fails.
    """

    def seekable(self) -> bool:
        """Return False, so that `soundfile` does not seek."""
        return False


@contextmanager
def open_source(file: BinaryIO) -> Iterator[DecodedSource]:
    """Open a file; its blocks can be read during the body.

    Yields:
        The opened file.

    Raises:
        RefusedFileError: `unsupported_audio` or `undecodable_audio`.
    """
    os.lseek(file.fileno(), 0, os.SEEK_SET)  # a buffer may have read ahead
    try:
        sound = _Sound(file.fileno(), closefd=False)
    except soundfile.LibsndfileError:
        if find_start(file).demuxer not in DEMUXERS:
            raise RefusedFileError(Reason.NOT_READ, decoders=Decoders.SOUNDFILE) from None
        raise RefusedFileError(Reason.HEADER) from None
    with sound:
        if sound.subtype not in SUBTYPES.get(sound.format, set()):
            raise RefusedFileError(Reason.CODEC, codec=sound.subtype, decoders=Decoders.SOUNDFILE)
        check_channels(sound.channels)  # before a block is allocated
        yield _source(sound)


def _source(sound: _Sound) -> DecodedSource:
    source = DecodedSource(iter(()))
    source.blocks = _blocks(sound, source)
    source.sample_rate, source.channels = sound.samplerate, sound.channels
    if sound.frames != UNKNOWN_LENGTH:
        source.length_s = sound.frames / sound.samplerate
    if sound.format in ANNOUNCING:
        source.announced_s = source.length_s
    return source


def _blocks(sound: _Sound, source: DecodedSource) -> Iterator[Block]:
    block = np.empty((BLOCK_FRAMES, sound.channels), np.float32)
    try:
        while frames := sound.buffer_read_into(block, "float32"):
            yield Block(sound.samplerate, list(block[:frames].T))
    except soundfile.LibsndfileError:
        source.lost_s = len(block) / sound.samplerate  # the length of the rest is not known
