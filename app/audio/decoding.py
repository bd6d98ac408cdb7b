"""One file to one mono waveform, in blocks, so that a file that lies about its size costs little.

Runs in a decode process (`app.audio.processes`): a crash of a decoder library ends that process
alone.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO

import numpy as np
import soxr

from app.audio import ogg, soundfile_source, whole_mp3
from app.audio.formats import Container, check_magic
from app.audio.limits import (
    MAX_MAGNITUDE,
    NOISE_FLOOR,
    AudioLimits,
    check_channels,
    check_sample_rate,
)
from app.audio.refusals import undecodable
from app.audio.scratch import Scratch
from app.audio.source import Block, Source
from app.domain import Samples
from app.errors import Kind, RequestError


def decode(file: BinaryIO, limits: AudioLimits, scratch: Scratch) -> Iterator[Samples]:
    """Decode, mix to mono (the mean of the channels) and resample (soxr HQ) a file.

    Args:
        file: From its beginning; unbuffered.
        limits: What it may be.
        scratch: For a file that must be written anew to be heard.

    Yields:
        (samples,) float32 at `limits.sample_rate`, piece after piece as they are decoded.

    Raises:
        RequestError: `unsupported_audio`, `undecodable_audio`, `audio_too_short`,
            `audio_too_long` or `silent_audio`, the latter three after the last piece.
    """
    with _opened(file, limits, scratch) as source:
        check_sample_rate(source.sample_rate)
        check_channels(source.channels)
        pieces = _resample(_mono_blocks(source, limits), source.sample_rate, limits.sample_rate)
        yield from _checked(pieces, limits)


def _opened(
    file: BinaryIO, limits: AudioLimits, scratch: Scratch
) -> AbstractContextManager[Source]:
    container = check_magic(file, accept_m4a=limits.accept_m4a)
    if container in {Container.MP4, Container.AAC}:
        from app.audio import av_source  # noqa: PLC0415 - where an operator wants it, not before

        return av_source.opened(file, container.value)
    if container is Container.OGG:
        ogg.check_headers(file)
        ogg.check_alone(file)
    if container is Container.MP3:
        file = whole_mp3.whole(file, scratch)
    return soundfile_source.opened(file)


def _mono_blocks(source: Source, limits: AudioLimits) -> Iterator[Samples]:
    """Yield the file block by block, mixed down, until it ends or is too long."""
    budget = round(limits.max_duration_s * source.sample_rate)
    for block in source.blocks:
        budget -= len(block)
        if budget < 0:
            raise RequestError(
                Kind.AUDIO_TOO_LONG,
                f"The track is longer than {limits.max_duration_s:g} s; send a shorter one.",
                {"max_duration_s": limits.max_duration_s},
            )
        mono = _mix_down(block)
        # Not finite fails the comparison too.
        if not np.max(np.abs(mono)) <= MAX_MAGNITUDE:
            raise undecodable("its samples are out of any range")
        yield mono


def _mix_down(block: Block) -> Samples:
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
