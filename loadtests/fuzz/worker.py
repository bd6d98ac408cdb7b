"""What decodes one mutant after the other, confined as a decoder is, until one ends it.

A process for each mutant, as the service has it, would spend nine tenths of the time on processes.
The service's own way is taken by a sample, and by every mutant that ended a worker.
"""

import os
import socket
from typing import BinaryIO

import numpy as np

import app.audio.decoders.av_source  # noqa: F401 - no module can be opened later
from app.audio.decoders.track_reader import TrackReader
from app.audio.limits import MAX_MAGNITUDE, AudioLimits
from app.audio.worker.sandbox import confine
from app.errors import RequestError

ACCEPTED = "accepted"
NEXT = b"n"

CPU_S = 120
"""For all mutants of a worker."""


def main(asker: socket.socket, limits: AudioLimits) -> None:
    """Receive the file once, then decode its content on each request."""
    _, [descriptor], _, _ = socket.recv_fds(asker, len(NEXT), 1)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        confine(CPU_S)
        # The sandbox lets a decoder read what it has, and send, but not receive.
        while os.read(asker.fileno(), len(NEXT)):
            file.seek(0)
            asker.sendall(_verdict(file, limits).encode())


def _verdict(file: BinaryIO, limits: AudioLimits) -> str:
    windows = 0
    try:
        for piece in TrackReader(file, limits).samples():
            if not np.all(np.abs(piece) <= 2 * MAX_MAGNITUDE):
                return "gave samples out of any range"
            windows += len(piece)
    except RequestError as error:
        return error.kind
    except Exception as error:  # noqa: BLE001 - a decoder that raises it ends, which is a finding
        return f"raised {type(error).__name__}"
    within = windows <= (limits.max_duration_s + 1) * limits.sample_rate
    return ACCEPTED if within else "gave more than the longest track"
