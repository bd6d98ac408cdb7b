"""What a decode process may still do once it holds its file: read it, compute, and report.

A file that takes its decoder over has no network, can open and make no file, start no process and
no program, and has no rights of root. What it tries fails with "permission denied", as a decoder's
own mistake would.
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

from app.audio.worker.environment import kept
from app.audio.worker.rights import drop_capabilities
from app.errors import SetupError

MEMORY_BYTES = 128 * 2**20
"""Address space that a decoder may add to what it starts with: some 35 MiB, and 38 MiB for the
samples of ten minutes. Music takes 5 MiB of it, and twice what else a file carries (a cover)."""

SECCOMP = "pyseccomp"
"""Its import ends in an error where the machine has no libseccomp."""

STDERR = 2

ALLOWED = (
    *("read", "lseek", "fstat", "newfstatat", "close"),  # its file
    "sendto",  # the service
    *("brk", "munmap", "mremap", "futex", "getrandom"),  # memory; see below for more
    *("clock_gettime", "getpid", "rt_sigreturn", "exit", "exit_group"),
)


def check_available() -> None:
    """Find out whether decoders can be confined here; the first time takes a moment.

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
    """Confine a process that does nothing else: a filter and limits are for good."""
    program = f"from {__name__} import confine; confine(1)"
    path = os.pathsep.join(filter(None, sys.path))
    tried = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", program],
        env={**kept(os.environ), "PYTHONPATH": path},
        stderr=subprocess.DEVNULL,
        check=False,
    )
    if tried.returncode:
        raise SetupError(
            "Decoders can't be confined: this machine, or the container, lets no process set a "
            "seccomp filter and limits for itself. Allow that, or run the service elsewhere."
        )


def confine(cpu_s: float) -> None:
    """Bound what this process can take and do from here on; all imports must be done.

    Also mutes libmpg123, which floods stderr.
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
    for what, most in (
        (resource.RLIMIT_AS, pages * resource.getpagesize() + MEMORY_BYTES),
        (resource.RLIMIT_CPU, math.ceil(cpu_s)),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 0),  # what is open stays open
    ):
        resource.setrlimit(what, (most, most))


def _filter_calls(seccomp: ModuleType) -> None:
    calls = seccomp.SyscallFilter(seccomp.ERRNO(EACCES))
    for name in ALLOWED:
        calls.add_rule(seccomp.ALLOW, name)
    not_to_run = seccomp.Arg(2, seccomp.MASKED_EQ, PROT_EXEC, 0)
    no_file = seccomp.Arg(3, seccomp.MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS)
    calls.add_rule(seccomp.ALLOW, "mmap", not_to_run, no_file)
    calls.add_rule(seccomp.ALLOW, "mprotect", not_to_run)
    given_back = seccomp.Arg(2, seccomp.EQ, MADV_DONTNEED)  # as the allocator does
    calls.add_rule(seccomp.ALLOW, "madvise", given_back)
    calls.add_rule(seccomp.ALLOW, "write", seccomp.Arg(0, seccomp.EQ, STDERR))
    calls.load()


def _seccomp() -> ModuleType:
    return importlib.import_module(SECCOMP)
