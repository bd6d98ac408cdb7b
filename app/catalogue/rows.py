"""A row of the dataset: the scores of one model for one track, or why there are none."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from app.catalogue.entries import OK, Entry
from app.domain import ModelRef, Samples, Taggram
from app.store.manifest.manifest import Manifest

Embedding = npt.NDArray[np.float16]
"""(dimensions,)."""


@dataclass(frozen=True)
class ScoredTags:
    """What the rows of a model hold.

    Attributes:
        ref: The model.
        names: The tags that it scores, in the order of its scores.
        embedding: The width of the embedding; 0 if rows have none.
    """

    ref: ModelRef
    names: tuple[str, ...]
    embedding: int = 0

    @classmethod
    def of(cls, manifest: Manifest, embedding: int = 0) -> "ScoredTags":
        """Return the tags of a published model, and the width of its embedding in rows."""
        return cls(manifest.ref, manifest.tags.names, embedding)


@dataclass(frozen=True)
class File:
    """A file that was read.

    Attributes:
        fingerprint: Changes with its content; see `app.catalogue.files.fingerprint`.
        track_id: SHA-256 of its bytes, in hex.
    """

    fingerprint: str
    track_id: str


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one model says about a file; it depends on nothing but the file and the model.

    Attributes:
        status: `ok`, or the kind of problem.
        detail: The problem, for people; empty without one.
        duration_s: Length of the decoded track, in seconds; None without scores.
        damaged: Whether less was decoded than the file announces.
        precision: The arithmetic of the model; None without scores.
        scores: The means of the model's scores over the windows, (tags,) float32, or None.
        embedding: The mean of its embedding over the windows, (dimensions,) float16, or None.
    """

    status: str
    detail: str = ""
    duration_s: float | None = None
    damaged: bool = False
    precision: str | None = None
    scores: Samples | None = None
    embedding: Embedding | None = None

    @classmethod
    def of(cls, taggram: Taggram) -> "Outcome":
        """Return the outcome of an inference."""
        return cls(
            *(OK, "", taggram.duration_s, taggram.announced_s is not None),
            *(taggram.key.precision.value, taggram.scores.mean(axis=0)),
            None if taggram.embedding is None else _to_float16(taggram.embedding),
        )


@dataclass(frozen=True, eq=False)
class TrackRow:
    """A row of the dataset.

    Attributes:
        entry: The track of the platform.
        file: Its file; None if that could not be read.
        outcome: The scores of the model, or the problem.
        tagged_at: The time of the row; the latest one of a track is valid.
    """

    entry: Entry
    file: File | None
    outcome: Outcome
    tagged_at: datetime


def entry_key(*texts: str) -> bytes:
    """Return a key in 16 bytes: millions of them fit into memory.

    Args:
        texts: The external id of a track, and maybe the URI and the fingerprint of its file.
    """
    parts = [as_text(text).encode() for text in texts]
    return blake2b(b"\0".join(parts), digest_size=16).digest()


def _to_float16(embedding: Samples) -> Embedding:
    """Return an embedding in half precision; larger numbers become the largest one."""
    largest = np.finfo(np.float16).max
    return np.clip(embedding, -largest, largest).astype(np.float16)


def as_text(path: str) -> str:
    r"""Return a path as valid UTF-8; bytes of a name that are not are escaped, as `\udcff`."""
    return path.encode(errors="backslashreplace").decode()
