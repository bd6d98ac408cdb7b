"""Finds tracks that are probably the same recording, by the distance of their embeddings.

Each embedding is compared with all others, a block at a time: exact, and in memory only the
embeddings themselves, the pairs found, and two blocks. The time grows with the square of the number
of tracks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from app.catalogue.scored import EMBEDDING, matrix, scored_rows
from app.catalogue.storage import Storage
from app.domain import ModelRef
from app.errors import SetupError

BLOCK = 2048
"""Embeddings that are compared with as many others at a time."""

MAX_PAIRS = 2_000_000

IDS = ("external_id", "uri", "artist_id", "track_id", "duration_s")

Embeddings = npt.NDArray[np.float16]
"""(files, dimensions)."""

Pairs = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float32]]
"""The two files and the distance of each pair."""


@dataclass(frozen=True, slots=True)
class Member:
    """A track of a group.

    Attributes:
        external_id: The platform's id.
        uri: The place of its file.
        artist_id: The platform's id of the artist.
        track_id: SHA-256 of the file; equal for identical files.
        duration_s: In seconds.
        distance: The cosine distance to the nearest other file of the group; 0 if it has only one.
    """

    external_id: str
    uri: str
    artist_id: str | None
    track_id: str
    duration_s: float
    distance: float = 0.0


@dataclass(frozen=True)
class Group:
    """Tracks that are probably one recording; identical files follow each other."""

    members: tuple[Member, ...]

    @property
    def is_identical(self) -> bool:
        """Return whether all files of the group are identical."""
        return len({member.track_id for member in self.members}) == 1


def find_duplicates(out: Storage, ref: ModelRef, distance: float) -> list[Group]:
    """Return the groups of tracks, the largest first.

    Files of a group are connected by pairs that are nearer than the distance; two of them may be
    farther apart.

    Args:
        out: The catalogue.
        ref: The model whose embeddings are compared.
        distance: The largest cosine distance of a pair, within 0..2.

    Raises:
        SetupError: It has no embeddings of the model, a file can't be read, or the distance makes
            too many pairs.
    """
    files, embeddings = _read(out, ref)
    left, right, distances = find_pairs(embeddings, distance)
    nearest = np.full(len(files), np.inf, np.float32)
    for side in (left, right):
        np.minimum.at(nearest, side, distances)
    links = coo_array((np.ones(len(left), np.int8), (left, right)), (len(files), len(files)))
    _, labels = connected_components(links, directed=False)
    by_label: dict[int, list[Member]] = {}
    for file in np.argsort(labels, kind="stable"):
        near = float(nearest[file]) if np.isfinite(nearest[file]) else 0.0
        members = [replace(member, distance=near) for member in files[file]]
        by_label.setdefault(int(labels[file]), []).extend(members)
    groups = [Group(tuple(members)) for members in by_label.values() if len(members) > 1]
    return sorted(groups, key=lambda group: -len(group.members))


def find_pairs(embeddings: Embeddings, distance: float) -> Pairs:
    """Return the pairs of embeddings that are at most a cosine distance apart.

    Raises:
        SetupError: There are more than `MAX_PAIRS`.
    """
    found: list[Pairs] = []
    count = 0
    for pairs in _pairs_by_block(embeddings, distance):
        found.append(pairs)
        count += len(pairs[0])
        if count > MAX_PAIRS:
            raise SetupError(
                f"more than {MAX_PAIRS:,} pairs are nearer than {distance}; choose a smaller "
                "--distance"
            )
    left, right, distances = zip(*found, strict=True) if found else ((), (), ())
    return (
        np.concatenate([np.empty(0, np.int64), *left]),
        np.concatenate([np.empty(0, np.int64), *right]),
        np.concatenate([np.empty(0, np.float32), *distances]),
    )


def _pairs_by_block(embeddings: Embeddings, distance: float) -> Iterator[Pairs]:
    starts = range(0, len(embeddings), BLOCK)
    for first in starts:
        rows = _normalise(embeddings[first : first + BLOCK])
        for second in starts[first // BLOCK :]:
            columns = _normalise(embeddings[second : second + BLOCK])
            distances = np.float32(1) - rows @ columns.T
            is_near = distances <= distance
            if first == second:
                is_near = np.triu(is_near, 1)  # each pair once
            left, right = np.nonzero(is_near)
            yield left + first, right + second, np.maximum(distances[left, right], 0)


def _normalise(embeddings: Embeddings) -> npt.NDArray[np.float32]:
    """Return embeddings with length 1, float32; NaN, which is near to nothing, for those of 0."""
    rows = embeddings.astype(np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    lengths[lengths == 0] = np.nan
    normalised: npt.NDArray[np.float32] = rows / lengths
    return normalised


def _read(out: Storage, ref: ModelRef) -> tuple[Sequence[list[Member]], Embeddings]:
    """Return the tracks of each distinct file, and its embedding."""
    files: dict[str, list[Member]] = {}
    blocks = []
    for _, table in scored_rows(out, ref):
        if EMBEDDING not in table.column_names:
            continue
        rows = table.filter(table[EMBEDDING].is_valid())
        is_new = []
        for row in rows.select(IDS).to_pylist():
            is_new.append(row["track_id"] not in files)
            files.setdefault(row["track_id"], []).append(Member(**row))
        blocks.append(matrix(rows, EMBEDDING)[np.array(is_new, bool)].astype(np.float16))
    if not files:
        raise SetupError(
            f"{out.where()}: it has no embeddings of {ref}; run `taggram catalogue tag` with "
            "--embeddings"
        )
    return list(files.values()), np.concatenate(blocks)
