"""A peer's side of the protocol: a line of JSON names a track, a line of JSON holds the result.

This runs in the environments of the peers, so it needs nothing but the standard library.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

Measure = Callable[[str], tuple[float, Any]]
"""From a path to the seconds of loading and an array of scores, (windows, tags)."""


def answer(infer: Measure) -> None:
    """Answer until the caller closes the pipe; output of libraries goes to the log."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    for line in sys.stdin:
        path = json.loads(line)["path"]
        started = time.perf_counter()
        load_s, scores = infer(path)
        total_s = time.perf_counter() - started
        result = {"load_s": load_s, "model_s": total_s - load_s, "total_s": total_s}
        answers.write(json.dumps({**result, "scores": scores.tolist()}) + "\n")
