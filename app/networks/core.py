"""OpenVINO's one `Core` of this process."""

from functools import cache
from threading import Lock

import openvino

_making = Lock()


def core() -> openvino.Core:
    """Return the `Core` that reads and compiles all networks.

    `openvino.compile_model` makes one for each network, and each gives its thread a new stack for
    signal handlers. When networks end in the order in which they began, OpenVINO 2026 leaves the
    thread with a stack that is freed, and the next Ctrl-C or SIGTERM kills the process at once. Its
    pull request 11894 added these stacks.
    """
    with _making:  # models load in several threads at once
        return _make_core()


@cache
def _make_core() -> openvino.Core:
    return openvino.Core()
