"""Paths that are too long are refused in one line."""

from pathlib import Path

import pytest

from tests.support.commands import refused

LONG = "a" * 5_000


@pytest.mark.parametrize(
    "command",
    [
        ("data", "describe", "folder", LONG),
        ("data", "fetch", LONG, "--from", "a=b", "--to", "c"),
        ("data", "split", LONG, "out.parquet"),
        ("teach", LONG, "--name", "own"),
        ("train", LONG, "--audio-store", "a", "--to", "b"),
        ("train", "a", "--audio-store", "a", "--to", "b", "--recipe", LONG),
        ("evaluate", LONG, "--split", LONG, "--audio-store", "a", "--out", "b"),
        ("models", "list", "--store", LONG),
        ("feedback", "export", f"{LONG}.csv", "--file", "a"),
        ("feedback", "acceptance", "--file", LONG),
    ],
)
def test_too_long_a_path_is_refused_in_one_line(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (line,) = filter(None, refused(*command).splitlines())
    assert line.startswith("taggram: ")
