"""Tables that came from elsewhere are refused in a line, at once."""

import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.datasets import tables
from app.datasets.audio.library import read_checksums
from app.datasets.loaders import folder
from app.datasets.tables import read_split
from app.errors import SetupError


@pytest.mark.parametrize("read", [folder.load, read_checksums, read_split])
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_a_pipe_or_a_device_is_refused_as_a_table(
    make: Callable[[Path], None], read: Callable[[Path], object], tmp_path: Path
) -> None:
    make(tmp_path / "own.csv")
    with pytest.raises(SetupError, match=r"own\.csv: can't be read: it is a pipe"):
        read(tmp_path / "own.csv")


@pytest.mark.parametrize("read", [folder.load, read_checksums])
def test_an_endless_line_is_not_read(read: Callable[[Path], object], tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("path,tags\n")
    os.truncate(path, 2**40)  # of holes
    with pytest.raises(SetupError, match=r"own\.csv: can't be read: line 2 is longer than"):
        read(path)


def test_a_table_that_unpacks_to_very_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = tmp_path / "bomb.parquet"
    pq.write_table(pa.table({"track_id": ["x" * 10_000] * 2_000}), bomb)
    monkeypatch.setattr(tables, "LARGEST_TABLE", 10_000_000)

    with pytest.raises(SetupError, match="it unpacks to more than 10,000,000 bytes"):
        read_split(bomb)

    assert bomb.stat().st_size < 100_000
