"""Memory for samples that a decode process writes and the service reads."""

import fcntl
import mmap
import os
from types import TracebackType

import numpy as np

from app.domain import Samples
from app.samples import sample_shape


class SharedSamples:
    """Memory that two processes share, zeros at first; pages are allocated when they are written.

    Its size is sealed, so that a compromised decode process can't shrink it, which would crash the
    service.

    Attributes:
        descriptor: Its file descriptor.
        samples: (samples,) float32, or (samples, channels).
    """

    def __init__(self, count: int, channels: int = 1) -> None:
        """Allocate memory for `count` samples of each channel.

        Raises:
            OSError: The machine has not enough memory.
        """
        self.descriptor = os.memfd_create("taggram-samples", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(self.descriptor, count * channels * np.dtype(np.float32).itemsize)
            fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
            self.samples = map_samples(self.descriptor, channels)
        except OSError:
            os.close(self.descriptor)
            raise

    def __enter__(self) -> "SharedSamples":
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the descriptor; the memory is freed with the last array that uses it."""
        os.close(self.descriptor)


def map_samples(descriptor: int, channels: int = 1) -> Samples:
    """Map the samples of a descriptor, (samples,) float32, or (samples, channels).

    Raises:
        OSError: It can't be mapped.
    """
    return np.frombuffer(mmap.mmap(descriptor, 0), np.float32).reshape(-1, *sample_shape(channels))
