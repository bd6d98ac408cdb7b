"""Finds the decode processes of this process."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from unittest import mock

import psutil

from testing.processes import below, opened


def fork_server() -> int | None:
    """The process that the decoders of this process are forked from."""
    for child in below(os.getpid(), recursive=False):
        with suppress(psutil.NoSuchProcess):
            if "multiprocessing.forkserver" in " ".join(child.cmdline()):
                return int(child.pid)
    return None


def decoders() -> list[int]:
    """All decode processes of this process."""
    server = fork_server()
    return [child.pid for child in below(server, recursive=False)] if server else []


def decoders_of(path: Path) -> list[int]:
    """Those that have this file open."""
    return [pid for pid in decoders() if str(path) in opened(pid)]


@contextmanager
def main_module_hidden() -> Iterator[None]:
    """Start decoders without this program's main module.

    Each would import it. That of the service is empty, pytest's takes most of a decoder's time.
    """
    main = sys.modules["__main__"]
    with mock.patch.multiple(main, create=True, __spec__=None, __file__=None):
        yield
