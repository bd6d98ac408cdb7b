"""`taggram serve` whose models fail on demand: the real service with a fault planted in its engine.

The file that FAULT_FILE names says how: `nan`, `raise` or `hang`; empty, all is well.
"""

import os
import time
from pathlib import Path

import numpy as np


def main() -> None:
    """Plant the fault, then run the command."""
    from app.cli import main as taggram
    from app.inference.openvino_engine import OpenVINOEngine

    file = Path(os.environ["FAULT_FILE"])
    score = OpenVINOEngine.score

    def faulty(self: OpenVINOEngine, windows: np.ndarray) -> np.ndarray:
        match file.read_text():
            case "nan":
                return np.full_like(score(self, windows), np.nan)
            case "raise":
                raise RuntimeError("planted")
            case "hang":
                time.sleep(3_600)
        return score(self, windows)

    OpenVINOEngine.score = faulty
    taggram()


if __name__ == "__main__":
    main()
