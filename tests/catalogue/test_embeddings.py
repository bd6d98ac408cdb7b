"""Embeddings in rows: half precision, of one width, and added to a catalogue without them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from app.errors import SetupError
from tests.catalogue.conftest import Music
from tests.catalogue.stub_analyser import MODEL, StubAnalyser, tag
from tests.catalogue.test_run import rows_of

LARGEST = float(np.finfo(np.float16).max)


@pytest.fixture
def analyser() -> StubAnalyser:
    """One with embeddings."""
    analyser = StubAnalyser()
    analyser.embedding = 2
    return analyser


def test_embeddings_are_a_column_of_half_precision(
    music: Music, tmp_path: Path, analyser: StubAnalyser
) -> None:
    out = tmp_path / "out"
    folder = music(one="1", same="1", quiet="silent")

    tag(folder, out, analyser, embedding=2)

    schema = ds.dataset(out / "tracks" / MODEL.ref.name / MODEL.ref.version).schema
    assert schema.field("embedding").type == pa.list_(pa.float16(), 2)
    embeddings = {name: row["embedding"] for name, row in rows_of(out).items()}
    assert embeddings == {
        "one.mp3": [LARGEST, 1.0],
        "same.mp3": [LARGEST, 1.0],
        "quiet.mp3": None,
    }


def test_embeddings_are_added_to_a_catalogue_without_them(
    music: Music, tmp_path: Path, analyser: StubAnalyser
) -> None:
    out, folder = tmp_path / "out", music(one="1", quiet="silent")
    tag(folder, out, StubAnalyser())

    assert tag(folder, out, analyser, embedding=2).inferred == 1
    assert tag(folder, out, analyser, embedding=2).known == 1

    assert rows_of(out)["one.mp3"]["embedding"] == [LARGEST, 1.0]
    files = [ds.dataset(path) for path in out.rglob("*.parquet")]
    assert all("embedding" in each.schema.names for each in files)


def test_a_run_without_embeddings_keeps_the_column(
    music: Music, tmp_path: Path, analyser: StubAnalyser
) -> None:
    out = tmp_path / "out"
    tag(music(one="1"), out, analyser, embedding=2)

    summary = tag(music(same="1", new="2"), out, StubAnalyser())

    assert (summary.known, summary.shared, summary.inferred) == (1, 1, 1)
    embeddings = {name: row["embedding"] for name, row in rows_of(out).items()}
    assert embeddings["same.mp3"] == embeddings["one.mp3"] != embeddings["new.mp3"] is None


def test_embeddings_of_another_width_are_refused(
    music: Music, tmp_path: Path, analyser: StubAnalyser
) -> None:
    out, folder = tmp_path / "out", music(one="1")
    tag(folder, out, analyser, embedding=2)

    with pytest.raises(SetupError, match="have 2 numbers, those of first/3 now have 3"):
        tag(folder, out, analyser, embedding=3)
