"""`taggram serve` with invalid input ends with one line that says what to fix."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Refused

SECRET = "thirty-two characters of secret!"

WRONG: dict[str, tuple[dict[str, str], list[str]]] = {
    "unknown model": (
        {"TAGGRAM_MODELS": '["msd-resnet"]'},
        ["TAGGRAM_MODELS", "'msd-resnet'", "msd-musicnn"],
    ),
    "number out of range": (
        {"TAGGRAM_MAX_IN_FLIGHT": "0"},
        ["TAGGRAM_MAX_IN_FLIGHT", "greater than 0"],
    ),
    "unknown engine": (
        {"TAGGRAM_ENGINE": "onnx"},
        ["TAGGRAM_ENGINE: ", "'auto'", "'openvino'", "'tensorflow'"],
    ),
    "unknown precision": (
        {"TAGGRAM_PRECISION": "int8"},
        ["TAGGRAM_PRECISION: ", "'auto'", "'float32'", "'bf16'"],
    ),
    "models not as JSON": ({"TAGGRAM_MODELS": "msd-musicnn"}, ["models", "JSON"]),
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


@pytest.mark.parametrize("what", WRONG)
def test_an_invalid_setting_ends_the_start_with_one_line(what: str, refused: Refused) -> None:
    settings, words = WRONG[what]
    line = refused("serve", **settings)
    assert [word for word in words if word not in line] == []


def test_a_model_without_weights_ends_the_start_with_one_line(
    store: Path, tmp_path: Path, refused: Refused
) -> None:
    without = shutil.ignore_patterns("*.safetensors")
    shutil.copytree(store / "msd-vgg", tmp_path / "bare" / "msd-vgg", ignore=without)
    line = refused("serve", TAGGRAM_MODEL_STORE="bare", TAGGRAM_MODELS='["msd-vgg"]')
    words = ("msd-vgg", "missing", "`taggram models pull`")
    assert [word for word in words if word not in line] == []


def test_a_vocabulary_without_tags_ends_the_start_with_one_line(
    tmp_path: Path, refused: Refused
) -> None:
    (tmp_path / "own.yaml").write_text("name: own\nversion: 1\ndescription: Ours.\ntags: {}\n")
    line = refused("serve", TAGGRAM_VOCABULARY_FILES='["own.yaml"]')
    assert "own.yaml:4: the mapping is empty" in line


def of_another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")


FEEDBACK_FILES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "in a folder that is missing": (lambda path: None, "missing/feedback", "No such file"),
    "a folder": (Path.mkdir, "feedback", "Is a directory"),
    "no SQLite": (lambda path: path.write_bytes(b"fLaC" * 500), "feedback", "not a database"),
    "another program's": (of_another_program, "feedback", "another application"),
}


@pytest.mark.parametrize("what", FEEDBACK_FILES)
def test_an_invalid_feedback_file_ends_the_start_with_one_line(
    what: str, tmp_path: Path, refused: Refused
) -> None:
    make, name, words = FEEDBACK_FILES[what]
    make(tmp_path / name)
    line = refused("serve", TAGGRAM_FEEDBACK_FILE=str(tmp_path / name))
    assert str(tmp_path / name) in line
    assert words in line
