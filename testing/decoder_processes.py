"""Finds the decode processes of this process, and what they have open."""

import os
from contextlib import suppress
from pathlib import Path


def fork_server() -> int | None:
    """The process that decoders come from."""
    for pid in _children(os.getpid()):
        with suppress(FileNotFoundError, ProcessLookupError):
            if b"multiprocessing.forkserver" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
    return None


def decoders() -> list[int]:
    """All decode processes that there are just now."""
    server = fork_server()
    return _children(server) if server else []


def decoders_of(path: Path) -> list[int]:
    """Those that were given this file."""
    return [pid for pid in decoders() if str(path) in opened(pid)]


def opened(pid: int) -> list[str]:
    """What is behind each descriptor of a process."""
    found = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                found.append(str(descriptor.readlink()))
    return found


def _children(parent: int) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            # After the name, which may hold anything: the state and the parent.
            state, its_parent = (process / "stat").read_text().rpartition(")")[2].split()[:2]
            if int(its_parent) == parent and state != "Z":
                found.append(int(process.name))
    return found
