"""The command `taggram`, run as its users run it."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.cli.tag import TaggedFile, _csv_rows, _json_line, _readable
from app.domain import Stretch, Suggestion
from testing.server import COMMAND

Result = subprocess.CompletedProcess[str]

VOCABULARY_WITHOUT_TAGS = "name: own\nversion: 1\ndescription: Ours.\ntags: {}\n"


def taggram(*arguments: str | Path, folder: Path, **settings: str) -> Result:
    """Run it in a folder, with these settings and none of whoever runs the tests."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("TAGGRAM_")
    }
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=folder,
        env={**environment, **settings},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def copied(store: Path, to: Path, *models: str) -> Path:
    for model in models:
        shutil.copytree(store / model, to / model)
    return to


def flip_a_byte(weights: Path) -> None:
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 0xFF
    weights.write_bytes(data)


def assert_one_line(result: Result, *words: str) -> None:
    """It failed with a single line that holds the words, in any case, and no traceback."""
    assert result.returncode == 1
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert result.stderr.startswith("taggram: ")
    assert all(word.lower() in result.stderr.lower() for word in words), result.stderr


# taggram models


def test_models_list_shows_each_model_with_the_state_of_its_weights(
    store: Path, tmp_path: Path
) -> None:
    models = copied(store, tmp_path / "s", "msd-musicnn", "msd-vgg", "mtt-musicnn", "mtt-vgg")
    flip_a_byte(models / "msd-vgg" / "1" / "weights.safetensors")
    (models / "mtt-vgg" / "1" / "weights.safetensors").unlink()

    result = taggram("models", "list", folder=tmp_path, TAGGRAM_MODEL_STORE=str(models))

    rows = [re.split(r"\s*│\s*", line) for line in result.stdout.splitlines()]
    states = {row[1]: row[4] for row in rows if len(row) > 4 and row[1]}
    assert result.returncode == 0
    assert states == {
        "msd-musicnn": "ready",
        "msd-vgg": "altered",
        "mtt-musicnn": "ready",
        "mtt-vgg": "missing",
    }


def test_models_list_of_an_empty_store_says_so_in_one_line(tmp_path: Path) -> None:
    result = taggram("models", "list", folder=tmp_path, TAGGRAM_MODEL_STORE=str(tmp_path))

    assert_one_line(result, str(tmp_path), "TAGGRAM_MODEL_STORE")


def test_models_pull_leaves_weights_alone_that_are_in_place(store: Path, tmp_path: Path) -> None:
    models = copied(store, tmp_path / "store", "msd-vgg")
    weights = models / "msd-vgg" / "1" / "weights.safetensors"
    before = weights.stat()

    result = taggram("models", "pull", folder=tmp_path, TAGGRAM_MODEL_STORE=str(models))

    assert result.returncode == 0
    assert "in place" in result.stdout
    assert (weights.stat().st_mtime_ns, weights.stat().st_ino) == (
        before.st_mtime_ns,
        before.st_ino,
    )


def test_models_verify_names_the_model_whose_weights_were_altered(
    store: Path, tmp_path: Path
) -> None:
    models = copied(store, tmp_path / "store", "msd-vgg", "mtt-vgg")
    flip_a_byte(models / "msd-vgg" / "1" / "weights.safetensors")

    result = taggram("models", "verify", folder=tmp_path, TAGGRAM_MODEL_STORE=str(models))

    assert result.returncode == 1
    assert re.search(r"^msd-vgg/1: .*SHA-256", result.stderr, re.MULTILINE), result.stderr
    assert "mtt-vgg/1: as published" in result.stdout
    assert "Traceback" not in result.stderr


# taggram serve

SECRET = "thirty-two characters of secret!"

REFUSED = {
    "unknown model": (
        {"TAGGRAM_MODELS": '["msd-resnet"]'},
        ["TAGGRAM_MODELS", "'msd-resnet'", "msd-musicnn"],
    ),
    "missing weights": (
        {"TAGGRAM_MODEL_STORE": "bare", "TAGGRAM_MODELS": '["msd-vgg"]'},
        ["msd-vgg", "missing", "`taggram models pull`"],
    ),
    "broken vocabulary": (
        {"TAGGRAM_VOCABULARY_FILES": '["own.yaml"]'},
        ["own.yaml:4: there is no tag"],
    ),
    "number out of range": ({"TAGGRAM_MAX_IN_FLIGHT": "0"}, ["max_in_flight", "greater than 0"]),
    "unknown engine": (
        {"TAGGRAM_ENGINE": "onnx"},
        ["TAGGRAM_ENGINE: ", "'auto'", "'openvino'", "'tensorflow'"],
    ),
    "unknown precision": (
        {"TAGGRAM_PRECISION": "int8"},
        ["TAGGRAM_PRECISION: ", "'auto'", "'float32'", "'bf16'"],
    ),
    "models not as JSON": ({"TAGGRAM_MODELS": "msd-musicnn"}, ["models"]),
    "Redis without a scheme": (
        {"TAGGRAM_REDIS_URL": "localhost:6379", "TAGGRAM_SECRET": SECRET},
        ["TAGGRAM_REDIS_URL", "redis://host:6379/0"],
    ),
    "Redis without a secret": (
        {"TAGGRAM_REDIS_URL": "redis://localhost"},
        ["TAGGRAM_SECRET", "`openssl rand -hex 32`"],
    ),
    "another address without keys": (
        {"HOST": "0.0.0.0"},
        ["0.0.0.0", "`taggram keys create`", "--insecure"],
    ),
    "secret too short": ({"TAGGRAM_SECRET": SECRET[:31]}, ["TAGGRAM_SECRET: ", "at least 32"]),
}


@pytest.fixture(scope="module")
def refusals(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Result]:
    """What `serve` says to each of these, two at a time because each imports the web stack."""
    folder = tmp_path_factory.mktemp("serve")
    copied(store, folder / "bare", "msd-vgg")
    (folder / "bare" / "msd-vgg" / "1" / "weights.safetensors").unlink()
    (folder / "own.yaml").write_text(VOCABULARY_WITHOUT_TAGS)

    def serve(settings: Mapping[str, str]) -> Result:
        return taggram("serve", "--port", "0", folder=folder, **settings)

    with ThreadPoolExecutor(2) as pool:
        results = pool.map(serve, [settings for settings, _ in REFUSED.values()])
        return dict(zip(REFUSED, results, strict=True))


@pytest.mark.parametrize(("case", "words"), [(case, words) for case, (_, words) in REFUSED.items()])
def test_serve_with_a_wrong_setting_ends_with_one_line_that_says_what_to_mend(
    case: str, words: list[str], refusals: Mapping[str, Result]
) -> None:
    assert_one_line(refusals[case], *words)


# taggram tag


@pytest.fixture(scope="module")
def music(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `good/`, whose file has an awkward name, and `mixed/`, with other things."""
    folder = tmp_path_factory.mktemp("music")
    for name in ("good", "mixed"):
        (folder / name).mkdir()
    shutil.copy(clip, folder / "good" / 'one, "live".flac')
    shutil.copy(clip, folder / "mixed" / "clip.FLAC")
    (folder / "mixed" / "notes.mp3").write_text("This is a shopping list.\n")
    (folder / "mixed" / "cover.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    return folder


@pytest.fixture(scope="module")
def tagged(music: Path) -> Mapping[str, Result]:
    """The three ways of printing, two at a time because each loads a model."""
    runs = {
        "text": ["mixed", "missing.wav"],
        "json": ["good", "--json", "--vocabulary", "alltags", "--top-k", "12"],
        "csv": ["good", "--csv", "--vocabulary", "alltags", "--top-k", "12"],
    }

    def tag(arguments: list[str]) -> Result:
        return taggram("tag", *arguments, folder=music, TAGGRAM_MODELS='["msd-musicnn"]')

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(runs, pool.map(tag, runs.values()), strict=True))


def test_tag_prints_each_file_with_its_tags_and_their_moments(tagged: Mapping[str, Result]) -> None:
    name, *tags = tagged["text"].stdout.splitlines()

    assert name == "mixed/clip.FLAC"
    assert len(tags) == 5
    assert all(re.fullmatch(r"  0\.\d{3}  \w[\w ]+  +0:\d\d-0:\d\d.*", tag) for tag in tags), tags


def test_tag_reports_the_files_that_it_could_not_tag_and_goes_on(
    tagged: Mapping[str, Result],
) -> None:
    result = tagged["text"]

    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert result.returncode == 1
    assert len(lines) == 3, lines
    assert lines[0].startswith("mixed/notes.mp3: This is not an audio file")
    assert lines[1] == "missing.wav: No such file or directory"
    assert lines[2] == "2 failed"


def test_tag_ends_well_where_all_files_are_tagged(tagged: Mapping[str, Result]) -> None:
    assert tagged["json"].returncode == 0
    assert tagged["csv"].returncode == 0


def test_tag_gives_the_same_as_json_and_as_csv(tagged: Mapping[str, Result]) -> None:
    (line,) = tagged["json"].stdout.splitlines()
    rows = list(csv.DictReader(io.StringIO(tagged["csv"].stdout, newline="")))
    one = json.loads(line)

    assert {row["file"] for row in rows} == {one["path"]} == {'good/one, "live".flac'}
    assert {row["track_id"] for row in rows} == {one["track_id"]}
    assert {row["confidence"] for row in rows} == {one["confidence"]}
    assert {row["vocabulary"] for row in rows} == {one["vocabulary"]} == {"alltags"}
    assert [int(row["rank"]) for row in rows] == list(range(1, 13))
    assert [row["tag"] for row in rows] == [each["tag"] for each in one["suggestions"]]
    assert [float(row["score"]) for row in rows] == pytest.approx(
        [each["score"] for each in one["suggestions"]], abs=2e-6
    )


def test_tag_gives_the_length_the_model_and_the_moments_as_json(
    tagged: Mapping[str, Result],
) -> None:
    one = json.loads(tagged["json"].stdout)

    assert one["duration_s"] == 12
    assert one["models"] == ["msd-musicnn/1"]
    for suggestion in one["suggestions"]:
        assert suggestion["heard_at"]
        assert all(0 <= at["start_s"] < at["end_s"] <= 12 for at in suggestion["heard_at"])


def test_tag_refuses_two_forms_at_once(tmp_path: Path) -> None:
    result = taggram("tag", "any.wav", "--json", "--csv", folder=tmp_path)

    assert result.returncode == 2
    assert "--json" in result.stderr
    assert "--csv" in result.stderr
    assert "Traceback" not in result.stderr


def test_tag_refuses_an_unknown_vocabulary_with_those_that_there_are(tmp_path: Path) -> None:
    result = taggram("tag", "any.wav", "--vocabulary", "subgenre", folder=tmp_path)

    assert_one_line(result, "alltags, genres, moodthemes, subgenres, raw")


def one_file(path: str, tag: str) -> TaggedFile:
    suggestion = Suggestion(tag, 0.5, (Stretch(0.0, 12.0, 0.5),))
    return TaggedFile(Path(path), "0" * 64, 12.0, ("any/1",), "own", "high", (suggestion,))


def csv_rows(tagged: TaggedFile) -> None:
    _csv_rows()(tagged)


@pytest.mark.parametrize("show", [_readable, _json_line, csv_rows])
@pytest.mark.parametrize("tag", ["[rock]", "[/]", ":guitar:"])
def test_a_tag_is_printed_as_it_is_written(
    show: Callable[[TaggedFile], None], tag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show(one_file("clip.flac", tag))

    assert tag in capsys.readouterr().out


@pytest.mark.parametrize("show", [_readable, _json_line, csv_rows])
def test_a_file_whose_name_is_no_utf8_is_printed(
    show: Callable[[TaggedFile], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")  # as in a UTF-8 locale
    monkeypatch.setattr(sys, "stdout", stdout)

    show(one_file(os.fsdecode(b"caf\xe9.flac"), "rock"))

    assert stdout.tell()
