"""Confines a decode process once it has its file: it may read the file, compute and report.

A file that takes over its decoder has no network access, can't open or create files, can't start
processes or programs, and has no root privileges. Its system calls fail with "permission denied".
"""

import importlib
import math
import os
import resource
import subprocess
import sys
from errno import EACCES
from functools import cache
from mmap import MADV_DONTNEED, MAP_ANONYMOUS, PROT_EXEC
from pathlib import Path
from types import ModuleType

from app.audio.worker.environment import without_secrets
from app.audio.worker.rights import drop_capabilities
from app.errors import SetupError

MEMORY_BYTES = 128 * 2**20
"""Address space that a decoder may add to that at its start (about 35 MiB, and 38 MiB for
the samples of ten minutes). Decoding music takes 5 MiB, plus twice the size of other data in the
file, such as a cover."""

SECCOMP = "pyseccomp"
"""Its import raises `RuntimeError` if the machine has no libseccomp."""

STDERR = 2

ALLOWED = (
    *("read", "lseek", "fstat", "newfstatat", "close"),  # its file
    "sendto",  # the service
    *("brk", "munmap", "mremap", "futex", "getrandom"),  # memory; see below for more
    *("clock_gettime", "getpid", "rt_sigreturn", "exit", "exit_group"),
)


def check_available() -> None:
    """Check that decoders can be confined on this machine; the first call starts a process.

    Raises:
        SetupError: libseccomp is missing, or the machine refuses to confine a process.
    """
    try:
        _seccomp()
    except RuntimeError:
        raise SetupError(
            "Decoders can't be confined: libseccomp is missing. Install it, on Debian and Ubuntu "
            "with `apt-get install libseccomp2`."
        ) from None
    _try_out()


@cache
def _try_out() -> None:
    """Confine a process that does nothing else, as filters and limits can't be removed."""
    program = f"from {__name__} import confine; confine(1)"
    path = os.pathsep.join(filter(None, sys.path))
    tried = subprocess.run(  # noqa: S603 - a fixed program
        [sys.executable, "-c", program],
        env={**without_secrets(os.environ), "PYTHONPATH": path},
        stderr=subprocess.DEVNULL,
        check=False,
    )
    if tried.returncode:
        raise SetupError(
            "Decoders can't be confined: this machine, or the container, does not allow a process "
            "to set a seccomp filter and resource limits. Allow that, or run the service elsewhere."
        )


def confine(cpu_s: float) -> None:
    """Limit the resources and system calls of this process; all imports must be done before.

    Also mutes libmpg123, which floods stderr.

    Args:
        cpu_s: CPU time that the process may use, in seconds.

    Raises:
        OSError: The kernel refuses.
    """
    seccomp = _seccomp()
    with Path(os.devnull).open("r+") as null:
        for stream in range(STDERR + 1):
            os.dup2(null.fileno(), stream)
    drop_capabilities()
    _limit(cpu_s)
    _filter_calls(seccomp)


def _limit(cpu_s: float) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    for kind, limit in (
        (resource.RLIMIT_AS, pages * resource.getpagesize() + MEMORY_BYTES),
        (resource.RLIMIT_CPU, math.ceil(cpu_s)),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 0),  # open files stay open
    ):
        resource.setrlimit(kind, (limit, limit))


def _filter_calls(seccomp: ModuleType) -> None:
    calls = seccomp.SyscallFilter(seccomp.ERRNO(EACCES))
    for name in ALLOWED:
        calls.add_rule(seccomp.ALLOW, name)
    not_executable = seccomp.Arg(2, seccomp.MASKED_EQ, PROT_EXEC, 0)
    anonymous = seccomp.Arg(3, seccomp.MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS)
    calls.add_rule(seccomp.ALLOW, "mmap", not_executable, anonymous)
    calls.add_rule(seccomp.ALLOW, "mprotect", not_executable)
    to_free = seccomp.Arg(2, seccomp.EQ, MADV_DONTNEED)  # the allocator uses it
    calls.add_rule(seccomp.ALLOW, "madvise", to_free)
    calls.add_rule(seccomp.ALLOW, "write", seccomp.Arg(0, seccomp.EQ, STDERR))
    calls.load()


def _seccomp() -> ModuleType:
    return importlib.import_module(SECCOMP)
