"""Drops the capabilities of a decode process, and ends it together with its parent."""

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1
PR_CAPBSET_DROP = 24
CAPABILITY_VERSION = 0x20080522
CAPABILITIES = 64
"""More than any kernel has."""

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.prctl.argtypes = (ctypes.c_int, *4 * (ctypes.c_ulong,))


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


def end_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, even if this process is paused.

    Args:
        parent: The id of the parent; if it has ended already, this process ends at once.

    Raises:
        OSError: The kernel refuses.
    """
    _check(LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")
    if os.getppid() != parent:
        os._exit(1)


def drop_capabilities() -> None:
    """Drop all capabilities, and those that a program could gain.

    Raises:
        OSError: The kernel refuses.
    """
    for capability in range(CAPABILITIES):
        if LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
            break  # it was the last one, or this is not root: then programs can't gain any
    nothing = (ctypes.c_uint32 * 6)()
    header = _Header(CAPABILITY_VERSION, 0)
    _check(LIBC.capset(ctypes.byref(header), ctypes.byref(nothing)), "capset")


def _check(result: int, name: str) -> None:
    if result:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")
