"""What runs in a decode process: one file, then its end.

It talks over a socket that keeps messages apart. In comes one, with the descriptors of the file and
of the memory for its samples. Out goes JSON: `Progress` while the samples come, at last a complete
one, or else a `Refusal`. No pickle and no words: a decoder that a file has taken over can tell the
service lies, but neither what to run nor what to say.
"""

import os
import socket
from contextlib import suppress
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from app.audio.decoders.track_reader import TrackReader
from app.audio.limits import MAX_CHANNELS, MAX_SAMPLE_RATE, AudioLimits
from app.audio.refusals import MOST, Number, Reason, RefusedFileError
from app.audio.worker.rights import end_with
from app.audio.worker.sandbox import STDERR, confine
from app.audio.worker.shared_samples import mapped
from app.domain import Decoders, Samples

MESSAGE_BYTES = 4096
"""More than any message has."""


class Progress(BaseModel):
    """How many samples lie in the memory, and whether more will come.

    Attributes:
        samples: How many there are by now.
        complete: Whether they are all.
        announced_s: Of a damaged file, once it is complete, how long it should be.
    """

    samples: int
    complete: bool
    announced_s: Annotated[float, Field(gt=0, le=MOST, allow_inf_nan=False)] | None = None


class Header(BaseModel):
    """What a file's header says: the first message, before anything is decoded.

    Attributes:
        sample_rate: In Hz.
        channels: How many there are.
        length_s: How long the file is, or seems to be; none where nothing is known.
    """

    sample_rate: Annotated[int, Field(ge=0, le=MAX_SAMPLE_RATE)]
    channels: Annotated[int, Field(ge=0, le=MAX_CHANNELS)]
    length_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None


class Refusal(BaseModel):
    """What a `RefusedFileError` is made from; no codec but those that it knows is named."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason
    numbers: dict[Number, Annotated[float, Field(ge=0, le=MOST, allow_inf_nan=False)]]
    codec: str | None


JOB, PROBE = b"job", b"see"
"""What the service asks for: all of a file, or its header alone; both as long."""

FORK_SERVER = os.getpid()
"""The process that imports this module for all decoders, and forks them."""

NEWS_SAMPLES = 2**17
"""The service is notified after each such number of samples: each message wakes it up."""


def main(service: socket.socket, limits: AudioLimits, cpu_s: float) -> None:
    """Wait for a file, decode it, end."""
    end_with(FORK_SERVER)
    _close_all_but(service)
    if limits.decoders is Decoders.ALL:
        import app.audio.decoders.av_source  # noqa: F401, PLC0415 - no module can be opened later
    job, descriptors, _, _ = socket.recv_fds(service, len(JOB), 2)
    if not job:
        return  # the service ended
    file, *memory = descriptors
    samples = mapped(memory[0]) if job == JOB else None
    with os.fdopen(file, "rb", buffering=0) as opened:
        confine(cpu_s)
        _answer(TrackReader(opened, limits), samples, service)


def _close_all_but(service: socket.socket) -> None:
    """Close what the fork server and multiprocessing left open.

    Among it is what a fork server waits for to be closed by all, before it ends: a decoder that is
    stopped would keep it.
    """
    os.closerange(STDERR + 1, service.fileno())
    os.closerange(service.fileno() + 1, os.sysconf("SC_OPEN_MAX"))


def _answer(reader: TrackReader, memory: Samples | None, service: socket.socket) -> None:
    """Send what the header says, and then decode where there is memory for the samples."""
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
        if written - reported >= NEWS_SAMPLES:
            _tell(service, written)
            reported = written
    return Progress(samples=written, complete=True, announced_s=reader.announced_s)


def _send(service: socket.socket, message: BaseModel) -> None:
    service.sendall(message.model_dump_json().encode())


def _tell(service: socket.socket, written: int) -> None:
    """Say how far the samples go; where the service does not keep up, the next word will do."""
    news = Progress(samples=written, complete=False).model_dump_json().encode()
    with suppress(BlockingIOError):
        service.send(news, socket.MSG_DONTWAIT)
