"""A batch is shared by several devices, and by several machines of a Ray cluster."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest
import yaml

from app.datasets.tables import write_split
from app.datasets.tracks import Split
from testing.server import COMMAND
from tests.support.toy import toy_phase, toy_recipe, toy_split, toy_store

pytestmark = pytest.mark.thorough

EPOCHS = 8


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What `taggram train` is given, but for the folder."""
    root = tmp_path_factory.mktemp("several")
    split: Split = toy_split()
    write_split(root / "split.parquet", split)
    store = toy_store(root, split)
    stages = [{"optimizer": "adam", "learning_rate": 0.01, "epochs": EPOCHS}]
    recipe = toy_recipe([toy_phase(stages=stages)])
    (root / "recipe.yaml").write_text(yaml.safe_dump(recipe.model_dump(mode="json")))
    return [
        "train",
        str(root / "split.parquet"),
        f"--audio-store={store.folder}",
        f"--recipe={os.path.relpath(root / 'recipe.yaml')}",
    ]


def rows(run: Path) -> list[dict[str, float]]:
    with (run / "curves.csv").open() as file:
        return [
            {name: float(value) for name, value in row.items() if name not in {"phase", "seconds"}}
            for row in csv.DictReader(file)
        ]


def begin(command: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        start_new_session=True,
    )


def end(process: subprocess.Popen[str]) -> None:
    printed, _ = process.communicate(timeout=600)
    assert process.returncode == 0, printed


def test_two_devices_learn_together(given: list[str], tmp_path: Path) -> None:
    run = tmp_path / "run"
    end(begin([sys.executable, "-m", "tests.training.run.on_devices", "2", *given, f"--to={run}"]))
    curve = rows(run)
    assert len(curve) == EPOCHS
    assert max(row["val_roc_auc"] for row in curve) > 0.9


def test_machines_of_a_cluster_learn_together_even_if_one_dies(
    given: list[str], tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    end(begin([COMMAND, *given, "--workers=2", f"--to={whole}"]))
    process = begin([COMMAND, *given, "--workers=2", f"--to={parts}"])
    while not (parts / "curves.csv").exists() or len(rows(parts)) < 3:
        time.sleep(0.2)
        assert process.poll() is None, process.communicate()
    worker = next(
        each
        for each in psutil.Process(process.pid).children(recursive=True)
        if "RayTrainWorker" in " ".join(each.cmdline())
    )
    worker.send_signal(signal.SIGKILL)
    end(process)
    assert max(row["val_roc_auc"] for row in rows(whole)) > 0.9
    for part, undisturbed in zip(rows(parts), rows(whole), strict=True):
        assert part == pytest.approx(undisturbed, rel=1e-3)
