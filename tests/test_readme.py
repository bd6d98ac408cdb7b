"""The README is held to what it says: its commands, its answer, its tables."""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.api.problems import STATUS
from app.settings import Settings
from app.store.golden import BF16_TOLERANCE
from app.store.manifest import read_store
from app.store.store import Store
from app.tagging.vocabulary_file import read_vocabulary
from testing.server import Server
from tests.conftest import REPOSITORY

README = (REPOSITORY / "README.md").read_text()


def _block(language: str, containing: str) -> str:
    blocks = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return next(block for block in blocks if containing in block)


def _scores(answer: dict[str, Any]) -> dict[str, float]:
    return {suggestion["tag"]: suggestion["score"] for suggestion in answer["suggestions"]}


def _words(answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(each["tag"], each["label"], each["level"]) for each in answer["suggestions"]]


def test_the_answer_shown_is_the_answer_given(server: Server, ambient_song: Path) -> None:
    url = shlex.split(_block("sh", "curl"))[-1]
    shown = json.loads(_block("json", "suggestions"))
    with ambient_song.open("rb") as file:
        given = server.http.post(url.partition("8000")[2], files={"file": file}).json()
    assert given.keys() == shown.keys()
    assert given["track_id"] == shown["track_id"]
    assert given["confidence"] == shown["confidence"]
    assert _words(given) == _words(shown)
    assert _scores(given) == pytest.approx(_scores(shown), abs=BF16_TOLERANCE)


def test_the_vocabulary_shown_is_accepted(store: Path, tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(_block("yaml", "our-subgenres"))
    families = {m.tags.family: set(m.tags.names) for m in read_store(Store(store)).values()}
    accepted, shown = read_vocabulary(path, families), yaml.safe_load(path.read_text())
    assert (accepted.tags.keys(), accepted.genres.keys()) == (
        shown["tags"].keys(),
        shown["genres"].keys(),
    )


def test_every_setting_is_listed_and_no_other() -> None:
    listed = {name.lower() for name in re.findall(r"TAGGRAM_([A-Z0-9_]+)", README)}
    assert listed == set(Settings.model_fields)


def test_every_kind_of_error_is_listed_with_its_status() -> None:
    rows = re.findall(r"^\| (\d{3}) \| (.+?) \|$", README, re.MULTILINE)
    listed = {(kind, int(code)) for code, kinds in rows for kind in re.findall(r"`(\w+)`", kinds)}
    assert listed == {(kind.value, status) for kind, status in STATUS.items()}


TARGETS = sorted(set(re.findall(r"(?:^|`)make (\w+)", README, re.MULTILINE)))


@pytest.mark.parametrize("target", TARGETS)
def test_every_make_target_named_exists(target: str) -> None:
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    dry_run = ["make", "--dry-run", "--silent", target]
    made = subprocess.run(dry_run, cwd=REPOSITORY, env=environment, check=False)
    assert made.returncode == 0


def test_the_most_used_make_targets_are_named() -> None:
    assert {"serve", "test"} <= set(TARGETS)
