"""A file in memory that a decode process may still write, when it may make no file any more."""

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

ROOM_BYTES = 1_024
"""For what is written in front of the other file's bytes."""


@dataclass(frozen=True)
class Scratch:
    """A file, zeros at first; only what is written takes room.

    Attributes:
        file: To read.
        memory: To write: its bytes.
    """

    file: BinaryIO
    memory: memoryview


@contextmanager
def scratch_for(file: int) -> Iterator[Scratch]:
    """Make one as large as the file of this descriptor, and `ROOM_BYTES` larger."""
    descriptor = os.memfd_create("taggram-scratch", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "rb", buffering=0) as made:
        size = os.fstat(file).st_size + ROOM_BYTES
        os.ftruncate(descriptor, size)
        yield Scratch(made, memoryview(mmap.mmap(descriptor, size)))
