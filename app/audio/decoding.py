"""One file to one mono waveform, in blocks, so that a file that lies about its size costs little.

Runs in a decode process (`app.audio.processes`): a crash of libsndfile ends that process alone.
libsndfile's own messages hold paths of the server and stay here.
"""

import os
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

from app.audio.formats import check_codec, check_magic
from app.audio.limits import (
    MAX_CHANNELS,
    MAX_MAGNITUDE,
    MAX_SAMPLE_RATE,
    MIN_SAMPLE_RATE,
    NOISE_FLOOR,
    AudioLimits,
)
from app.domain import Samples
from app.errors import Kind, RequestError

BLOCK_FRAMES = 65_536
UNKNOWN_LENGTH = 2**63 - 1
"""What libsndfile gives for the length of a FLAC that was piped and so never learnt its own."""

FAILED_SEEK = 39
"""The error at the true end of such a FLAC; damage before it has other codes."""


def decode(file: BinaryIO, limits: AudioLimits) -> Iterator[Samples]:
    """Decode, mix to mono (the mean of the channels) and resample (soxr HQ) a file.

    Yields:
        (samples,) float32 at `limits.sample_rate`, piece after piece as they are decoded.

    Raises:
        RequestError: `unsupported_audio`, `undecodable_audio`, `audio_too_short`,
            `audio_too_long` or `silent_audio`, the latter three after the last piece.
    """
    check_magic(file)
    with _opened(file) as sound:
        check_codec(sound.format, sound.subtype)
        _check_parameters(sound.samplerate, sound.channels)
        pieces = _resample(_mono_blocks(sound, limits), sound.samplerate, limits.sample_rate)
        yield from _checked(pieces, limits)


def _opened(file: BinaryIO) -> soundfile.SoundFile:
    os.lseek(file.fileno(), 0, os.SEEK_SET)  # whatever a buffer has read ahead
    try:
        return soundfile.SoundFile(file.fileno(), closefd=False)
    except soundfile.LibsndfileError:
        raise _undecodable("its header can't be read") from None


def _check_parameters(sample_rate: int, channels: int) -> None:
    if not MIN_SAMPLE_RATE <= sample_rate <= MAX_SAMPLE_RATE:
        raise RequestError(
            Kind.UNSUPPORTED_AUDIO,
            f"The sample rate is {sample_rate} Hz; "
            f"send between {MIN_SAMPLE_RATE} and {MAX_SAMPLE_RATE} Hz.",
        )
    if channels > MAX_CHANNELS:
        raise RequestError(
            Kind.UNSUPPORTED_AUDIO,
            f"The file has {channels} channels; send at most {MAX_CHANNELS}.",
        )


def _mono_blocks(sound: soundfile.SoundFile, limits: AudioLimits) -> Iterator[Samples]:
    """Yield the file block by block, mixed down, until it ends or is too long."""
    budget = round(limits.max_duration_s * sound.samplerate)
    decoded = 0
    for block in _blocks(sound):
        decoded += len(block)
        if decoded > budget:
            raise RequestError(
                Kind.AUDIO_TOO_LONG,
                f"The track is longer than {limits.max_duration_s:g} s; send a shorter one.",
                {"max_duration_s": limits.max_duration_s},
            )
        mono = _mix_down(block)
        # Not finite fails the comparison too.
        if not np.max(np.abs(mono)) <= MAX_MAGNITUDE:
            raise _undecodable("its samples are out of any range")
        yield mono
    if decoded < sound.frames and sound.format == "FLAC" and sound.frames != UNKNOWN_LENGTH:
        raise _undecodable("it ends before it should")


def _blocks(sound: soundfile.SoundFile) -> Iterator[Samples]:
    """Yield blocks of (frames, channels).

    At the end of a FLAC of unknown length libsndfile fills the block and then reports a failed
    seek, so what it filled is found by what is left of a filling of NaN.
    """
    unknown_length = sound.frames == UNKNOWN_LENGTH
    block = np.empty((BLOCK_FRAMES, sound.channels), np.float32)
    while True:
        if unknown_length:
            block.fill(np.nan)
        try:
            frames = sound.buffer_read_into(block, "float32")
        except soundfile.LibsndfileError as error:
            if not (unknown_length and error.code == FAILED_SEEK):
                raise _undecodable("it breaks off or is damaged") from None
            frames = int(np.count_nonzero(~np.isnan(block[:, 0])))
            if frames:
                yield block[:frames]
            return
        if frames == 0:
            return
        yield block[:frames]


def _mix_down(block: Samples) -> Samples:
    """(frames, channels) to (frames,). Adding columns is ten times as fast as `mean(axis=1)`."""
    mono = block[:, 0].copy()
    for channel in range(1, block.shape[1]):
        mono += block[:, channel]
    mono /= block.shape[1]
    return mono


def _resample(blocks: Iterator[Samples], rate: int, wanted_rate: int) -> Iterator[Samples]:
    if rate == wanted_rate:
        yield from blocks
        return
    stream = soxr.ResampleStream(rate, wanted_rate, 1, dtype="float32", quality="HQ")
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.empty(0, np.float32), last=True)


def _checked(pieces: Iterator[Samples], limits: AudioLimits) -> Iterator[Samples]:
    """Pass the pieces on, and refuse at their end what is too short or silent."""
    count, peak = 0, 0.0
    for piece in pieces:
        if len(piece):
            count += len(piece)
            peak = max(peak, float(np.max(np.abs(piece))))
            yield piece
    duration_s = count / limits.sample_rate
    if duration_s < limits.min_duration_s:
        raise RequestError(
            Kind.AUDIO_TOO_SHORT,
            f"The track lasts {duration_s:.2f} s; send at least {limits.min_duration_s:g} s.",
            {"duration_s": round(duration_s, 3), "min_duration_s": limits.min_duration_s},
        )
    if peak < NOISE_FLOOR:
        raise RequestError(
            Kind.SILENT_AUDIO,
            "Nothing in the track is above the noise floor. Check that the export is not muted "
            "and that its channels do not cancel each other out.",
        )


def _undecodable(reason: str) -> RequestError:
    return RequestError(
        Kind.UNDECODABLE_AUDIO, f"The audio file is broken: {reason}. Export it again and retry."
    )
