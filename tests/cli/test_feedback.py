"""`taggram feedback` as the data team runs it."""

import asyncio
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Refused, Taggram
from tests.support.feedback import feedback, keep, outcomes


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A file with the feedback of two artists."""
    path = tmp_path / "feedback.sqlite"
    unlike = feedback((("ambient", False),), ("[bold]mine",))
    asyncio.run(keep(path, feedback(), unlike))
    return path


@pytest.mark.parametrize("ending", ["parquet", "csv", "CSV"])
def test_all_feedback_is_exported_as_a_table(ending: str, kept: Path, taggram: Taggram) -> None:
    target = kept.with_name(f"table.{ending}")
    written = taggram("feedback", "export", "--file", kept, target)
    assert (written.exit_code, written.stdout) == (0, f"{target}: 5 rows\n")
    if ending == "parquet":
        assert pq.read_table(target)["tag"].to_pylist()[-1] == "[bold]mine"
    else:
        assert len(target.read_text().splitlines()) == 6


def test_the_service_s_setting_names_the_file(kept: Path, taggram: Taggram) -> None:
    target = kept.with_name("table.csv")
    written = taggram("feedback", "export", target, TAGGRAM_FEEDBACK_FILE=str(kept))
    assert written.exit_code == 0
    assert target.exists()


def test_an_existing_table_is_overwritten_only_with_force(
    kept: Path, taggram: Taggram, refused: Refused
) -> None:
    target = kept.with_name("table.csv")
    target.write_text("yesterday's")
    command = ("feedback", "export", "--file", kept, target)
    line = refused(*command)
    assert "exists" in line
    assert "--force" in line
    assert target.read_text() == "yesterday's"
    assert taggram(*command, "--force").exit_code == 0
    assert target.read_text().startswith('"feedback_id"')


def test_answers_of_recommended_curators_are_exported_as_interactions(
    tmp_path: Path, taggram: Taggram
) -> None:
    kept = tmp_path / "feedback.sqlite"
    asyncio.run(keep(kept, outcomes(("c1", "shared"), ("c2", "sent"), ("c3", "declined"))))
    target = tmp_path / "interactions.parquet"
    written = taggram("feedback", "export", "--file", kept, "--interactions", target)
    assert written.exit_code == 0
    assert written.stdout.splitlines() == [
        f"{target}: 2 rows",
        "left out: 1 recommended curators who have not answered yet",
    ]
    table = pq.read_table(target)
    assert table["curator_id"].to_pylist() == ["c1", "c3"]


def test_acceptance_is_shown_at_each_k(kept: Path, taggram: Taggram) -> None:
    shown = taggram("feedback", "acceptance", "--file", kept)
    lines = [line.replace("│", " ").split() for line in shown.stdout.splitlines()]
    models = ["msd-musicnn/1", "mtt-musicnn/2"]
    assert ["subgenres", *models, "1", "2", "1", "0.500"] in lines
    assert ["subgenres", *models, "2", "3", "1", "0.333"] in lines


@pytest.mark.parametrize("command", ["export", "acceptance"])
def test_a_missing_or_invalid_file_is_reported(
    command: str, tmp_path: Path, refused: Refused
) -> None:
    target = tmp_path / "table.csv"
    arguments = ("feedback", command, *([target] if command == "export" else []))
    (tmp_path / "song.flac").write_bytes(b"fLaC" * 500)

    line = refused(*arguments)
    assert "--file" in line
    assert "TAGGRAM_FEEDBACK_FILE" in line
    assert "No such file" in refused(*arguments, "--file", tmp_path / "none")
    assert "not a database" in refused(*arguments, "--file", tmp_path / "song.flac")
    assert not target.exists()
