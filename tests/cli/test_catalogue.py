"""`taggram catalogue`, with stubs in the place of networks."""

import json
import shutil
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from app.files import locked_folder
from app.services import Services
from testing.stub_engine import load_stub_engine
from tests.cli.conftest import Refused, Taggram

MODELS = {"TAGGRAM_MODELS": '["msd-musicnn", "mtt-musicnn"]'}


@pytest.fixture(autouse=True)
def _stubs(monkeypatch: pytest.MonkeyPatch) -> None:
    stubbed = partial(Services, load_engine=load_stub_engine)
    monkeypatch.setattr("app.cli.catalogue.tag.Services", stubbed)


@pytest.fixture
def music(clip: Path, tmp_path: Path) -> Path:
    """A song under two names, and a file that is not audio."""
    folder = tmp_path / "music"
    folder.mkdir()
    shutil.copy(clip, folder / "one.flac")
    shutil.copy(clip, folder / "again.flac")
    (folder / "notes.mp3").write_text("This is a shopping list.\n")
    return folder


def test_a_catalogue_is_tagged_counted_and_derived_again(music: Path, taggram: Taggram) -> None:
    tagging = ("catalogue", "tag", music, "--out", "out", "--max-failed-share", "0.5")

    first = taggram(*tagging, **MODELS)
    second = taggram(*tagging, **MODELS)

    assert first.exit_code == second.exit_code == 0, first.output + second.output
    assert "1 tracks tagged, 1 identical to others, 0 tagged before, 1 failed" in first.stdout
    assert "0 tracks tagged, 0 identical to others, 2 tagged before, 1 failed" in second.stdout
    assert "unsupported_audio" in first.stderr
    assert "suggestions of 2 tracks" in first.stdout

    suggestions = Path("out/suggestions/subgenres")
    (path,) = suggestions.rglob("*.parquet")
    rows = pq.read_table(path).to_pylist()
    assert {row["external_id"] for row in rows} == {"one.flac", "again.flac"}
    assert rows[0]["rank"] == 1
    shutil.rmtree(suggestions)

    assert taggram("catalogue", "derive", "out", **MODELS).exit_code == 0
    assert pq.read_table(path).to_pylist() == rows

    status = taggram("catalogue", "status", "out").stdout
    assert status.count("unsupported_audio") == 2
    manifest = json.loads(Path("out/manifest.json").read_text())
    assert [each["name"] for each in manifest["models"]] == ["msd-musicnn", "mtt-musicnn"]
    assert manifest["models"][0]["tracks"] == {"ok": 2, "unsupported_audio": 1}


def test_too_large_a_share_of_failures_is_no_success(music: Path, taggram: Taggram) -> None:
    result = taggram("catalogue", "tag", music, "--out", "out", "--models", "msd-musicnn")

    assert result.exit_code == 1
    assert "33.3% of 3 tracks failed; the limit is 5.0%" in result.stderr


def run_metrics(path: Path) -> dict[str, float]:
    """The values of a file for node exporter, by name and labels."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_the_result_of_a_run_is_written_for_node_exporter(music: Path, taggram: Taggram) -> None:
    tagging = ("catalogue", "tag", music, "--out", "out", "--metrics", "run.prom")
    tagging = (*tagging, "--models", "msd-musicnn")

    assert taggram(*tagging).exit_code == 1
    failed = run_metrics(Path("run.prom"))
    assert taggram(*tagging, "--max-failed-share", "0.5").exit_code == 0
    succeeded = run_metrics(Path("run.prom"))

    name = "taggram_catalogue_run_"
    assert failed[f"{name}success"] == 0
    assert failed[f'{name}tracks{{result="inferred"}}'] == 1
    assert failed[f'{name}tracks{{result="failed"}}'] == 1
    assert succeeded[f"{name}success"] == 1
    assert succeeded[f'{name}tracks{{result="known"}}'] == 2
    assert succeeded[f"{name}end_timestamp_seconds"] >= failed[f"{name}end_timestamp_seconds"] > 0


def test_a_run_that_an_error_ends_is_reported_as_failed(refused: Refused) -> None:
    refused("catalogue", "tag", "nothing", "--out", "out", "--metrics", "run.prom", **MODELS)

    assert run_metrics(Path("run.prom"))["taggram_catalogue_run_success"] == 0


def test_a_second_run_at_the_same_time_is_refused(
    music: Path, refused: Refused, taggram: Taggram
) -> None:
    taggram("catalogue", "tag", music, "--out", "out", **MODELS)

    with locked_folder(Path("out")):
        assert "another run" in refused("catalogue", "tag", music, "--out", "out", **MODELS)
        assert "another run" in refused("catalogue", "derive", "out", **MODELS)


def test_a_source_inside_the_catalogue_is_refused(music: Path, refused: Refused) -> None:
    assert "is inside" in refused("catalogue", "tag", music, "--out", music.parent, **MODELS)


def test_a_catalogue_inside_its_source_is_left_out(music: Path, taggram: Taggram) -> None:
    (music / "notes.mp3").unlink()
    tagging = ("catalogue", "tag", music, "--out", music / "catalogue", "--models", "msd-musicnn")

    results = [taggram(*tagging) for _ in range(2)]

    assert [result.exit_code for result in results] == [0, 0]
    assert "2 tagged before, 0 failed" in results[1].stdout
    assert taggram("catalogue", "derive", music / "catalogue", **MODELS).exit_code == 1
    derived = taggram("catalogue", "derive", music / "catalogue", "--models", "msd-musicnn")
    assert "suggestions of 2 tracks" in derived.stdout
    assert "skipped" not in results[1].stderr


@pytest.mark.parametrize("command", ["status", "derive"])
def test_a_folder_that_is_not_a_catalogue_is_refused(
    music: Path, refused: Refused, command: str
) -> None:
    assert "it has no files below tracks" in refused("catalogue", command, music, **MODELS)


def test_the_drift_between_two_windows_is_shown(
    music: Path, refused: Refused, taggram: Taggram
) -> None:
    taggram("catalogue", "tag", music, "--out", "out", "--max-failed-share", "0.5", **MODELS)
    drift = ("catalogue", "drift", "out", "..", "..", "--model", "msd-musicnn")

    same = taggram(*drift, "--vocabulary", "subgenres", "--json", "drift.json", **MODELS)

    assert same.exit_code == 0, same.output
    assert "2 tracks before, 2 after" in same.stdout
    assert "PSI 0.000" in same.stdout
    measured = json.loads(Path("drift.json").read_text())
    assert measured["first_tags"]["psi"] == 0
    assert sum(tag["new_first"] for tag in measured["tags"]) == 2
    assert "no track has scores" in refused(*drift[:3], "..2020-01-01", *drift[4:], **MODELS)
    assert "not a valid window" in refused(*drift[:3], "today", *drift[4:], **MODELS)
