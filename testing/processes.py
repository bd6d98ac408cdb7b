"""Child processes of a process, and their open descriptors."""

from contextlib import suppress
from pathlib import Path

import psutil


def below(pid: int, *, recursive: bool = True) -> list[psutil.Process]:
    """The processes that run below one; those that ended and were not yet collected do not."""
    with suppress(psutil.NoSuchProcess):
        children = psutil.Process(pid).children(recursive=recursive)
        return [child for child in children if is_running(child)]
    return []


def is_running(process: psutil.Process) -> bool:
    """Whether a process has not ended."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def opened(pid: int) -> list[str]:
    """Return the target of each descriptor of a process; empty if it has ended."""
    found = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                found.append(str(descriptor.readlink()))
    return found
