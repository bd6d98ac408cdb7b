"""Waits for conditions, so that nothing depends on how long something takes."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_S = 180
"""Only a defect takes longer, on a busy machine too."""

PAUSE_S = 0.05


def wait_for(condition: Callable[[], T], what: str, patience_s: float = PATIENCE_S) -> T:
    """Return the first result of a condition that is true.

    Raises:
        AssertionError: There was none within `patience_s`.
    """
    deadline = time.monotonic() + patience_s
    while not (result := condition()):
        assert time.monotonic() < deadline, f"waited {patience_s:g} s in vain for {what}"
        time.sleep(PAUSE_S)
    return result


async def wait_for_async(condition: Callable[[], T], what: str) -> T:
    """The same while the event loop goes on."""
    deadline = time.monotonic() + PATIENCE_S
    while not (result := condition()):
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s in vain for {what}"
        await asyncio.sleep(PAUSE_S)
    return result
