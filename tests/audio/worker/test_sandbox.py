import ctypes.util
import signal
import subprocess
import sys

import pytest

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
