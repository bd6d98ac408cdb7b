"""OpenVINO's one `Core` of this process."""

from functools import cache

import openvino


@cache
def core() -> openvino.Core:
    """Return the `Core` that reads and compiles all networks.

    `openvino.compile_model` makes one for each network, and each gives its thread a new stack for
    signal handlers. When networks end in the order in which they began, OpenVINO 2026 leaves the
    thread with a stack that is freed, and the next Ctrl-C or SIGTERM kills the process at once.
    """
    return openvino.Core()
