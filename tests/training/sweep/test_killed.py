"""A sweep that is killed in the middle of a training ends, when resumed, with the same table."""

import csv
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import yaml

from app.datasets.tables import write_split
from testing.waiting import wait_for
from tests.support.toy import toy_phase, toy_recipe, toy_split, toy_store

SWEEP = """
[choices]
"stages.learning_rate" = [1e-9, 0.01]
"""
"""The first learns nothing."""

TRAINING_S = 300
"""Far more than a trial takes."""

MEASURED = ("roc_auc", "pr_auc", "behind")

pytestmark = pytest.mark.thorough


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """Return the command of a sweep of a small network, without the folder."""
    split = toy_split()
    store = toy_store(tmp_path, split)
    write_split(tmp_path / "split.parquet", split)
    stages = [{"optimizer": "adam", "learning_rate": 0.01, "epochs": 6}]
    recipe = toy_recipe([toy_phase(stages=stages)]).model_dump(mode="json")
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    (tmp_path / "sweep.toml").write_text(SWEEP)
    files = ("--recipe", "recipe.yaml", "--sweep", "sweep.toml", "--audio-store", store.folder)
    taggram = (sys.executable, "-c", "from app.cli.commands import app; app()")
    return [*taggram, "train", "split.parquet", *map(str, files), "--to"]


def read_table(folder: Path) -> list[dict[str, str]]:
    with (folder / "sweep.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def is_running(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_a_sweep_killed_in_training_ends_with_the_table_of_a_whole_one(
    command: list[str], tmp_path: Path
) -> None:
    subprocess.run([*command, "whole"], cwd=tmp_path, check=True)

    first = tmp_path / "parts" / "trials" / "1-001" / "phases" / "tags"
    sweep = subprocess.Popen([*command, "parts"], cwd=tmp_path)
    wait_for((first / "state.safetensors").exists, "the first epoch", TRAINING_S)
    trials = psutil.Process(sweep.pid).children()
    sweep.kill()
    assert sweep.wait() == -signal.SIGKILL
    assert trials
    wait_for(lambda: not any(map(is_running, trials)), "the end of the trial")
    assert not (first / "weights.safetensors").exists()
    assert not (tmp_path / "parts" / "sweep.csv").exists()

    subprocess.run([*command, "parts"], cwd=tmp_path, check=True)
    whole, parts = read_table(tmp_path / "whole"), read_table(tmp_path / "parts")
    assert len(whole) == 2
    for before, after in zip(whole, parts, strict=True):
        for name, value in before.items():
            if name.startswith(MEASURED):
                assert float(after[name]) == pytest.approx(float(value), abs=0.02)
            elif name != "seconds":
                assert after[name] == value
    assert (tmp_path / "parts" / "best.yaml").read_text() == (
        tmp_path / "whole" / "best.yaml"
    ).read_text()
