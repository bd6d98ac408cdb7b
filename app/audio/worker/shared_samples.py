"""Samples that a decode process writes and the service reads, without a copy in between."""

import fcntl
import mmap
import os
from types import TracebackType

import numpy as np

from app.domain import Samples


class SharedSamples:
    """Memory of two processes, zeros at first; only what is written takes room.

    Its size is sealed: whatever befalls the decode process, it can't pull the memory away from
    under the service.
    """

    def __init__(self, count: int) -> None:
        """Make room for `count` samples.

        Raises:
            OSError: The machine has no room left.
        """
        self.descriptor = os.memfd_create("taggram-samples", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(self.descriptor, count * np.dtype(np.float32).itemsize)
            fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
            self.samples = mapped(self.descriptor)
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
        """Close the descriptor; the memory goes with the last array that looks at it."""
        os.close(self.descriptor)


def mapped(descriptor: int) -> Samples:
    """The samples behind a descriptor."""
    return np.frombuffer(mmap.mmap(descriptor, 0), np.float32)
