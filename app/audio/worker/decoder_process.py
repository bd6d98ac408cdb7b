"""The main function of a decode process, which decodes one file and ends.

It communicates over a socket that preserves message boundaries. It receives one message, with the
descriptors of the file and of the memory for its samples. It sends JSON: a `Header`, `Progress`
while it decodes, and at the end a complete `Progress` or a `Refusal`. It sends neither pickles nor
free text: a decoder that a file has taken over can send wrong numbers, but no code and no words.
"""

import os
import socket
from contextlib import suppress
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from app.audio.decoders.track_reader import TrackReader
from app.audio.limits import MAX_CHANNELS, MAX_SAMPLE_RATE, AudioLimits
from app.audio.refusals import MAX_NUMBER, Number, Reason, RefusedFileError
from app.audio.worker.rights import end_with_parent
from app.audio.worker.sandbox import STDERR, confine
from app.audio.worker.shared_samples import map_samples
from app.domain import Decoders, Samples

MESSAGE_BYTES = 4096
"""Larger than any message."""


class Progress(BaseModel):
    """The progress of decoding.

    Attributes:
        samples: The number of samples in the memory.
        complete: Whether the file is fully decoded.
        announced_s: The announced duration of a damaged file, in seconds, once it is complete.
    """

    samples: int
    complete: bool
    announced_s: Annotated[float, Field(gt=0, le=MAX_NUMBER, allow_inf_nan=False)] | None = None


class Header(BaseModel):
    """A file's header: the first message, before anything is decoded.

    Attributes:
        sample_rate: In Hz.
        channels: The number of channels.
        length_s: The duration of the file, or an estimate, in seconds; None if it is unknown.
    """

    sample_rate: Annotated[int, Field(ge=0, le=MAX_SAMPLE_RATE)]
    channels: Annotated[int, Field(ge=0, le=MAX_CHANNELS)]
    length_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None


class Refusal(BaseModel):
    """The arguments of a `RefusedFileError`."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason
    numbers: dict[Number, Annotated[float, Field(ge=0, le=MAX_NUMBER, allow_inf_nan=False)]]
    codec: str | None


JOB, PROBE = b"job", b"see"
"""Requests of the service: decode a file, or read only its header; equally long."""

FORK_SERVER = os.getpid()
"""The process that imports this module for all decoders, and forks them."""

FIRST_SAMPLES, PROGRESS_SAMPLES = 2**16, 2**17
"""The number of samples before the first message, so that inference begins early, and between two
later ones, each of which wakes the service up."""


def main(service: socket.socket, limits: AudioLimits, cpu_s: float) -> None:
    """Wait for a file, decode it, and return.

    Args:
        service: The connection to the service.
        limits: See `AudioLimits`.
        cpu_s: CPU time that decoding may use, in seconds.

    Raises:
        OSError: The process can't be confined; it then ends without an answer.
    """
    end_with_parent(FORK_SERVER)
    _close_all_but(service)
    if limits.decoders is Decoders.ALL:
        import app.audio.decoders.av_source  # noqa: F401, PLC0415 - modules can't be opened later
    job, descriptors, _, _ = socket.recv_fds(service, len(JOB), 2)
    if not job:
        return  # the service ended
    file, *memory = descriptors
    samples = map_samples(memory[0], limits.channels) if job == JOB else None
    with os.fdopen(file, "rb", buffering=0) as opened:
        confine(cpu_s)
        _answer(TrackReader(opened, limits), samples, service)


def _close_all_but(service: socket.socket) -> None:
    """Close all descriptors that the fork server and multiprocessing left open.

    One of them is a pipe that the fork server waits for before it ends: a paused decoder would keep
    it open.
    """
    os.closerange(STDERR + 1, service.fileno())
    os.closerange(service.fileno() + 1, os.sysconf("SC_OPEN_MAX"))


def _answer(reader: TrackReader, memory: Samples | None, service: socket.socket) -> None:
    """Send the header, then decode if there is memory for the samples."""
    try:
        source = reader.open()
        _send(
            service,
            Header(
                sample_rate=min(source.sample_rate, MAX_SAMPLE_RATE),
                channels=min(source.channels, MAX_CHANNELS),
                length_s=source.length_s,
            ),
        )
        if memory is not None:
            _send(service, _decode(reader, memory, service))
    except RefusedFileError as error:
        _send(service, Refusal.model_validate(error, from_attributes=True))


def _decode(reader: TrackReader, memory: Samples, service: socket.socket) -> Progress:
    written = reported = 0
    for piece in reader.samples():
        np.copyto(memory[written : written + len(piece)], piece)
        written += len(piece)
        if written - reported >= (PROGRESS_SAMPLES if reported else FIRST_SAMPLES):
            _send_progress(service, written)
            reported = written
    return Progress(samples=written, complete=True, announced_s=reader.announced_s)


def _send(service: socket.socket, message: BaseModel) -> None:
    service.sendall(message.model_dump_json().encode())


def _send_progress(service: socket.socket, written: int) -> None:
    """Send the number of samples; skipped if the service has not read the earlier messages."""
    message = Progress(samples=written, complete=False).model_dump_json().encode()
    with suppress(BlockingIOError):
        service.send(message, socket.MSG_DONTWAIT)
