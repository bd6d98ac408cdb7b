"""What a decode process gives up for good: capabilities, and a life without its parent."""

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1
PR_CAPBSET_DROP = 24
CAPABILITY_VERSION = 0x20080522
CAPABILITIES = 64
"""As many as the kernel can count; each knows fewer."""

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.prctl.argtypes = (ctypes.c_int, *4 * (ctypes.c_ulong,))


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


def end_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, though it may be stopped then.

    Args:
        parent: Its id; where that has ended by now, so does this process.
    """
    _check(LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")
    if os.getppid() != parent:
        os._exit(1)


def drop_capabilities() -> None:
    """Give up what root may do, and what this process could get back."""
    for capability in range(CAPABILITIES):
        if LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
            break  # it was the last one, or we are not root: then no program gets any
    nothing = (ctypes.c_uint32 * 6)()
    header = _Header(CAPABILITY_VERSION, 0)
    _check(LIBC.capset(ctypes.byref(header), ctypes.byref(nothing)), "capset")


def _check(result: int, name: str) -> None:
    if result:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")
