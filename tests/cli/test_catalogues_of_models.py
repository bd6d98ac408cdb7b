"""`taggram catalogue compare`, `duplicates` and `compact`, on rows as runs write them."""

import json
import re
from pathlib import Path

import pytest

from app.catalogue.rows import ScoredTags
from app.domain import ModelRef
from app.files import PARTIAL, locked_folder
from tests.catalogue.rows import TAGS, files_of, row, write
from tests.cli.conftest import Refused, Taggram

NEWER = ScoredTags(ModelRef("model", "2"), ("rock", "jazz"))


def test_two_versions_are_compared(taggram: Taggram) -> None:
    out = Path("catalogue")
    write(out, row("a", (0.9, 0.1, 0.1)), row("b", (0.9, 0.1, 0.1)))
    write(out, row("a", (0.2, 0.8)), row("b", (0.9, 0.1)), row("c", (0, 0)), tags=NEWER)

    result = taggram("catalogue", "compare", out, "model/1", "model/2", "--json", "changes.json")

    assert result.exit_code == 0, result.output
    assert "model/1 -> model/2: 2 files, 0 with scores of the old model alone, 1" in result.stdout
    assert "the old model alone knows them: techno, ambient" in result.stdout
    changes = json.loads(Path("changes.json").read_text())
    assert changes["tags"][0]["tag"] == "rock"
    assert changes["only_new_tags"] == ["jazz"]


def test_two_catalogues_are_compared(taggram: Taggram, refused: Refused) -> None:
    write(Path("old"), row("a", (0.9, 0.1, 0.1)))
    write(Path("new"), row("a", (0.1, 0.9, 0.1)))

    result = taggram("catalogue", "compare", "old", "model", "model", "--new-catalogue", "new")

    assert "The best tag of 100.0% of the files changes." in result.stdout
    assert "it has no rows of other" in refused("catalogue", "compare", "old", "other", "model")


def test_a_catalogue_is_compacted_unless_a_run_writes(taggram: Taggram, refused: Refused) -> None:
    out = Path("catalogue")
    write(out, row("a"), row("b"))
    write(out, row("a", minute=1))
    with locked_folder(out):
        assert "another run" in refused("catalogue", "compact", out)

    result = taggram("catalogue", "compact", out)

    assert result.exit_code == 0, result.output
    assert len(files_of(out, TAGS.ref)) == 1
    (line,) = [line for line in result.stdout.splitlines() if "model/1" in line]
    assert re.findall(r" (\d+) ", line) == ["2", "1", "1"]


def test_a_catalogue_that_cannot_be_written_keeps_the_service_from_starting(
    refused: Refused, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    line = refused("serve", TAGGRAM_CATALOGUE=str(tmp_path / "file"))
    assert str(tmp_path / "file") in line


@pytest.mark.parametrize("command", ["compact", "duplicates"])
def test_a_folder_that_is_not_a_catalogue_is_left_alone(refused: Refused, command: str) -> None:
    other = Path("other")
    other.mkdir()
    (other / f".x{PARTIAL}").write_text("of another program")

    assert "it has no files below tracks" in refused("catalogue", command, other)

    assert [path.name for path in other.iterdir()] == [f".x{PARTIAL}"]
