"""A taggram as bytes: MessagePack with the scores as float32, so that no code can hide in it."""

from typing import Annotated

import msgpack
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from app.domain import Taggram, TaggramKey


class _Packed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    duration_s: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    window_s: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    hop_s: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    tags: Annotated[int, Field(gt=0)]
    scores: bytes


def pack(taggram: Taggram) -> bytes:
    """Write a taggram; its key is not in it, the cache knows that."""
    packed = _Packed(
        duration_s=taggram.duration_s,
        window_s=taggram.window_s,
        hop_s=taggram.hop_s,
        tags=taggram.scores.shape[1],
        scores=taggram.scores.astype("<f4").tobytes(),
    )
    data: bytes = msgpack.packb(packed.model_dump())
    return data


def unpack(key: TaggramKey, data: bytes) -> Taggram:
    """Read a taggram.

    Raises:
        ValueError: The bytes are no taggram (pydantic's and msgpack's errors are ValueErrors too).
    """
    try:
        packed = _Packed.model_validate(msgpack.unpackb(data))
    except (msgpack.UnpackException, TypeError) as error:
        raise ValueError("not MessagePack") from error
    scores = np.frombuffer(packed.scores, "<f4").reshape(-1, packed.tags)
    if not len(scores) or not np.all((scores >= 0) & (scores <= 1)):
        raise ValueError("scores outside 0..1, or none")
    return Taggram(key, packed.duration_s, packed.window_s, packed.hop_s, scores)
