"""Networks that come and go leave a process that handles signals."""

import signal
import subprocess
import sys

SCRIPT = """
import signal

import numpy as np
import openvino
from openvino import opset13 as ops

from app.networks.core import core


def compiled() -> openvino.CompiledModel:
    taken = ops.parameter([1, 4], np.float32)
    return core().compile_model(openvino.Model([ops.relu(taken)], [taken], "small"), "CPU")


signal.signal(signal.SIGTERM, lambda *_: print("handled"))
networks = [compiled(), compiled()]
while networks:
    networks.pop(0)
signal.raise_signal(signal.SIGTERM)
"""


def test_signals_are_handled_after_networks_ended_in_the_order_in_which_they_began() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=300, check=False
    )

    assert ran.returncode != -signal.SIGSEGV
    assert (ran.returncode, ran.stdout) == (0, "handled\n"), ran.stderr
