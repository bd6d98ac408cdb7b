"""Trainings, evaluations and teaching end with the same result after ten kills."""

import multiprocessing
import os
import random
import sys
import time
from collections.abc import Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
import safetensors.numpy
import yaml

from app.cli import main
from app.datasets.tables import write_split
from app.evaluation.figures import Evaluation
from app.store.storage.store import Store
from app.training.loop.checkpoint import load_weights
from tests.probing.test_teaching import publish_listener, write_songs
from tests.support.toy import toy_phase, toy_recipe, toy_split, toy_store
from tests.training.run.test_several import rows

pytestmark = [pytest.mark.thorough, pytest.mark.release]

ONCE = multiprocessing.get_context("forkserver")
ONCE.set_forkserver_preload(
    ["app.evaluation.evaluate", "app.probing.teaching", "app.training.run.recipe_run"]
)
"""Processes that begin with all of TensorFlow imported, and so at their own work."""


def command(arguments: Sequence[str], printed: Path) -> None:
    """`taggram` with these arguments, in a process of its own."""
    with printed.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.argv = ["taggram", *arguments]
    main()


def begin(root: Path, arguments: Sequence[object]) -> ForkServerProcess:
    """Run the command."""
    process = ONCE.Process(target=command, args=([*map(str, arguments)], root / "printed"))
    process.start()
    return process


def run(root: Path, arguments: Sequence[object]) -> float:
    """Run it to its end; the seconds it took."""
    began = time.monotonic()
    process = begin(root, arguments)
    process.join()
    assert process.exitcode == 0, (root / "printed").read_text()
    return time.monotonic() - began


def run_killed(root: Path, arguments: Sequence[object], lasts_s: float) -> None:
    """Kill it ten times somewhere on its way, and run it to its end."""
    rng = random.Random(3)
    killed = 0
    for _ in range(10):
        process = begin(root, arguments)
        process.join(rng.uniform(0, 0.8 * lasts_s))
        killed += process.is_alive()
        process.kill()
        process.join(300)
    assert killed
    run(root, arguments)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A split, its audio, a recipe, a folder of songs, and a model to teach on."""
    root = tmp_path_factory.mktemp("killed")
    split = toy_split()
    write_split(root / "split.parquet", split)
    toy_store(root, split)
    stages = [{"optimizer": "adam", "learning_rate": 0.01, "epochs": 6}]
    recipe = toy_recipe([toy_phase(stages=stages)])
    (root / "recipe.yaml").write_text(yaml.safe_dump(recipe.model_dump(mode="json")))
    write_songs(root / "songs")
    for name in ("whole", "parts"):
        publish_listener(Store(root / f"models-{name}"))
    return root


@pytest.fixture(scope="module")
def trained(root: Path) -> dict[str, Path]:
    """A run that nothing disturbed, and one that was killed."""
    store = next(root.glob("store-*"))
    given = ("train", root / "split.parquet", "--audio-store", store)
    given = (*given, "--recipe", root / "recipe.yaml", "--to")
    lasts_s = run(root, (*given, root / "whole"))
    run_killed(root, (*given, root / "parts"), lasts_s)
    return {name: root / name for name in ("whole", "parts")}


def test_a_killed_training_is_resumed(trained: dict[str, Path]) -> None:
    whole, parts = trained["whole"], trained["parts"]
    for part, undisturbed in zip(rows(parts), rows(whole), strict=True):
        assert part == pytest.approx(undisturbed, rel=1e-3)
    weights = [load_weights(next(run.rglob("model/**/*.safetensors"))) for run in (whole, parts)]
    assert weights[0].keys() == weights[1].keys()
    for path, array in weights[0].items():
        assert weights[1][path] == pytest.approx(array, rel=1e-3, abs=1e-5)


def test_a_killed_evaluation_is_resumed(root: Path, trained: dict[str, Path]) -> None:
    given = ("evaluate", trained["whole"], "--split", root / "split.parquet")
    given = (*given, "--audio-store", next(root.glob("store-*")), "--overlap", "0.5", "--report")
    lasts_s = run(root, (*given, "--out", root / "evaluated-whole"))
    run_killed(root, (*given, "--out", root / "evaluated-parts"), lasts_s)
    measured = [
        Evaluation.model_validate_json(next(folder.rglob("evaluation.json")).read_bytes())
        for folder in (root / "evaluated-whole", root / "evaluated-parts")
    ]
    assert measured[0] == measured[1]
    assert (root / "evaluated-parts" / "report.html").exists()


def test_a_killed_teaching_is_resumed(root: Path) -> None:
    taught = {}
    lasts_s = 0.0
    for name in ("whole", "parts"):
        given = ("teach", root / "songs", "--name", "own", "--model", "listener")
        given = (*given, "--store", root / f"models-{name}", "--cache", root / f"cache-{name}")
        if name == "whole":
            lasts_s = run(root, given)
        else:
            run_killed(root, given, lasts_s)
        newest = max((root / f"models-{name}" / "own").iterdir(), key=lambda each: int(each.name))
        taught[name] = safetensors.numpy.load_file(newest / "weights.safetensors")
    assert taught["whole"].keys() == taught["parts"].keys()
    for path, array in taught["whole"].items():
        assert taught["parts"][path] == pytest.approx(array, rel=1e-4, abs=1e-6)
