"""Which tracks are listed as the same recording."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.catalogue.duplicates import find_duplicates, find_pairs
from app.catalogue.rows import TrackRow
from app.catalogue.scored import model_with_embeddings
from app.catalogue.storage import open_storage
from app.domain import ModelRef
from app.errors import SetupError
from tests.catalogue.rows import TAGS, row, write

EMBEDDED = replace(TAGS, embedding=2)


def embedded(external_id: str, degrees: float, content: str = "", status: str = "ok") -> TrackRow:
    """A row with an embedding of this direction; its length does not matter."""
    radians = np.deg2rad(degrees)
    embedding = np.array([30 * np.cos(radians), 30 * np.sin(radians)], np.float16)
    plain = row(external_id, content=content, status=status)
    return replace(plain, outcome=replace(plain.outcome, embedding=embedding))


def found(out: Path, distance: float) -> list[set[str]]:
    groups = find_duplicates(open_storage(out), EMBEDDED.ref, distance)
    return [{member.external_id for member in group.members} for group in groups]


def test_identical_and_near_files_are_grouped(tmp_path: Path) -> None:
    write(tmp_path, embedded("a", 10), embedded("a again", 10, "a"), tags=EMBEDDED)
    write(tmp_path, embedded("b", 40), embedded("a as MP3", 12), tags=EMBEDDED)
    write(tmp_path, embedded("c", 80), embedded("c again", 80, "c"), tags=EMBEDDED)

    near, identical = find_duplicates(open_storage(tmp_path), EMBEDDED.ref, 0.001)

    assert [member.external_id for member in near.members] == ["a", "a again", "a as MP3"]
    assert not near.is_identical
    assert near.members[0].distance == pytest.approx(1 - np.cos(np.deg2rad(2)), abs=2e-4)
    assert [member.external_id for member in identical.members] == ["c", "c again"]
    assert identical.is_identical
    assert identical.members[0].distance == 0


def test_a_chain_of_near_files_is_one_group(tmp_path: Path) -> None:
    write(tmp_path, *(embedded(str(degrees), degrees) for degrees in (0, 5, 10)), tags=EMBEDDED)
    assert found(tmp_path, 0.005) == [{"0", "5", "10"}]
    assert found(tmp_path, 0.001) == []


def test_only_rows_that_count_and_have_embeddings_are_compared(tmp_path: Path) -> None:
    write(tmp_path, embedded("a", 10), embedded("b", 10, status="silent_audio"), tags=EMBEDDED)
    write(tmp_path, row("c"))
    write(tmp_path, replace(embedded("d", 10), outcome=row("d").outcome), tags=EMBEDDED)
    assert found(tmp_path, 0.5) == []


@pytest.mark.parametrize("block", [1, 3, 100])
def test_blocks_find_what_all_pairs_at_once_would(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.catalogue.duplicates.BLOCK", block)
    embeddings = np.random.RandomState(1).standard_normal((20, 4)).astype(np.float16)
    embeddings[7] = 0  # near to nothing
    left, right, distances = find_pairs(embeddings, 0.4)

    rows = embeddings.astype(float)
    with np.errstate(invalid="ignore"):
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    expected = 1 - rows @ rows.T
    pairs = {(i, j) for i in range(20) for j in range(i + 1, 20) if expected[i, j] <= 0.4}
    assert len(pairs) > 5
    assert set(zip(left.tolist(), right.tolist(), strict=True)) == pairs
    assert distances == pytest.approx(expected[left, right], abs=1e-5)


def test_too_many_pairs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.catalogue.duplicates.MAX_PAIRS", 100)
    with pytest.raises(SetupError, match=r"more than 100 pairs.*--distance"):
        find_pairs(np.ones((20, 2), np.float16), 0.1)


def test_the_model_with_embeddings_is_found(tmp_path: Path) -> None:
    catalogue = write(tmp_path, row("a"))
    with pytest.raises(SetupError, match="--embeddings"):
        model_with_embeddings(catalogue)

    other = replace(EMBEDDED, ref=ModelRef("other", "1"))
    write(tmp_path, embedded("a", 0), tags=other)
    assert model_with_embeddings(catalogue) == other.ref

    write(tmp_path, embedded("a", 0), tags=EMBEDDED)
    with pytest.raises(SetupError, match="model/1, other/1"):
        model_with_embeddings(catalogue)
