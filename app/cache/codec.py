"""Encodes taggrams as MessagePack with arrays as raw bytes; decoding can't execute code."""

from typing import Annotated

import msgpack
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from app.domain import PEAK_FULL_SCALE, PEAK_PAIRS, Peaks, Scores, Taggram, TaggramKey


class _Packed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    duration_s: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    announced_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None
    window_s: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    hop_s: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    last_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None
    tags: Annotated[int, Field(gt=0)]
    scores: bytes
    peaks: bytes


def pack(taggram: Taggram) -> bytes:
    """Encode a taggram without its key, which the cache stores separately."""
    packed = _Packed(
        duration_s=taggram.duration_s,
        announced_s=taggram.announced_s,
        window_s=taggram.window_s,
        hop_s=taggram.hop_s,
        last_s=taggram.last_s,
        tags=taggram.scores.shape[1],
        scores=taggram.scores.astype("<f4").tobytes(),
        peaks=taggram.peaks.tobytes(),
    )
    data: bytes = msgpack.packb(packed.model_dump())
    return data


def unpack(key: TaggramKey, data: bytes) -> Taggram:
    """Decode a taggram.

    Raises:
        ValueError: The bytes are not a valid taggram (pydantic's and msgpack's errors are
            ValueErrors too).
    """
    try:
        packed = _Packed.model_validate(msgpack.unpackb(data))
    except (msgpack.UnpackException, TypeError) as error:
        raise ValueError("not MessagePack") from error
    return Taggram(
        key,
        packed.duration_s,
        packed.window_s,
        packed.hop_s,
        _scores(packed),
        _peaks(packed),
        packed.announced_s,
        packed.last_s,
    )


def _scores(packed: _Packed) -> Scores:
    scores = np.frombuffer(packed.scores, "<f4").reshape(-1, packed.tags)
    if not len(scores) or not np.all((scores >= 0) & (scores <= 1)):
        raise ValueError("there are no scores, or scores outside 0..1")
    return scores


def _peaks(packed: _Packed) -> Peaks:
    peaks = np.frombuffer(packed.peaks, np.int8).reshape(PEAK_PAIRS, 2)
    least, greatest = peaks.T
    if not np.all((least >= -PEAK_FULL_SCALE) & (greatest >= least)):
        raise ValueError("peaks exceed full scale, or a minimum exceeds its maximum")
    return peaks
