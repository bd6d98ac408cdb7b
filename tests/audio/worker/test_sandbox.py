import ctypes.util
import re
import signal
import subprocess
import sys
import tempfile
from types import SimpleNamespace

import pyseccomp
import pytest

from app.audio.worker import sandbox
from app.audio.worker.processes import Decoder
from app.errors import SetupError
from testing.sounds import LIMITS


def confined(program: str) -> int:
    """How a program ends that is confined to a second of CPU."""
    code = f"from app.audio.worker.sandbox import confine; confine(0.5); {program}"
    return subprocess.run([sys.executable, "-c", code], timeout=300, check=False).returncode


def test_a_sandboxed_program_within_its_limits_succeeds():
    assert confined("assert len(bytes(64 * 2**20))") == 0


def test_a_sandboxed_program_past_its_cpu_time_is_killed():
    assert confined("\nwhile True: pass") == -signal.SIGKILL


def test_a_sandboxed_program_cannot_exceed_its_memory_limit():
    assert confined("bytes(256 * 2**20)") == 1


def test_without_libseccomp_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "pyseccomp", raising=False)
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)

    with pytest.raises(SetupError, match="apt-get install libseccomp2"):
        Decoder(LIMITS, workers=1, timeout_s=1)


def test_a_machine_without_sandbox_support_fails_the_start_with_a_message():
    program = """
import pyseccomp as seccomp
refusing = seccomp.SyscallFilter(seccomp.ALLOW)
refusing.add_rule(seccomp.ERRNO(1), "seccomp")
refusing.add_rule(seccomp.ERRNO(1), "prctl", seccomp.Arg(0, seccomp.EQ, 22))  # the older way
refusing.load()
from app.audio.worker.sandbox import check_available
check_available()
"""
    tried = subprocess.run(
        [sys.executable, "-c", program], timeout=300, check=False, capture_output=True, text=True
    )

    assert "SetupError: Decoders can't be confined: this machine" in tried.stderr


def filter_on_arm64(monkeypatch: pytest.MonkeyPatch) -> str:
    """The filter of decoders as libseccomp makes it for arm64, in its readable form."""
    made = []

    def create(default: int) -> pyseccomp.SyscallFilter:
        calls = pyseccomp.SyscallFilter(default)
        calls.add_arch(pyseccomp.Arch.AARCH64)
        calls.remove_arch(pyseccomp.Arch.NATIVE)
        monkeypatch.setattr(calls, "load", lambda: made.append(calls))
        return calls

    if pyseccomp.system_arch() != pyseccomp.Arch.X86_64:
        pytest.skip("this machine is not of x86-64, so other tests try the filter itself")
    sandbox._filter_calls(SimpleNamespace(**{**vars(pyseccomp), "SyscallFilter": create}))
    with tempfile.TemporaryFile() as file:
        made[0].export_pfc(file)
        file.seek(0)
        return file.read().decode()


def test_the_filter_allows_the_same_calls_on_arm64(monkeypatch: pytest.MonkeyPatch):
    written = filter_on_arm64(monkeypatch)

    allowed = {*sandbox.ALLOWED, "mmap", "mprotect", "madvise", "write"}
    assert written.count("filter for arch") == written.count("filter for arch aarch64") == 1
    assert set(re.findall(r'filter for syscall "(\w+)"', written)) == allowed
    assert "# default action\n  action ERRNO(13);" in written
