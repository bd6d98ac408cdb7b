"""The former names of `tests.api.client`, until no test uses them."""

import io
from collections.abc import Callable

import numpy as np
import soundfile

from testing.multipart import BOUNDARY, multipart
from testing.multipart import CONTENT_TYPE as MULTIPART
from testing.waiting import PATIENCE_S, wait_for
from tests.api.client import (
    answer,
    assert_problem,
    kept_uploads,
    logged,
    metric,
    post,
    post_body,
    response_to,
    series,
    upload,
    wait_for_uploads,
)
from tests.api.client import inferred_s as heard_s

__all__ = [
    "BOUNDARY",
    "MULTIPART",
    "PATIENCE_S",
    "answer",
    "assert_problem",
    "encoded",
    "eventually",
    "heard_s",
    "kept_uploads",
    "logged",
    "metric",
    "multipart",
    "noise",
    "post",
    "post_body",
    "response_to",
    "series",
    "upload",
    "wait_for_uploads",
]


def eventually(condition: Callable[[], object]) -> None:
    """Wait until it holds."""
    wait_for(condition, "the condition")


def noise(seconds: float, rate: int = 16_000, seed: int = 0) -> np.ndarray:
    """White noise, (samples,): another seed, another track."""
    samples = np.random.default_rng(seed).uniform(-0.3, 0.3, round(seconds * rate))
    return samples.astype(np.float32)


def encoded(
    samples: np.ndarray, rate: int = 16_000, container: str = "FLAC", subtype: str | None = None
) -> bytes:
    """Samples as the bytes of an audio file."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=container, subtype=subtype)
    return file.getvalue()
