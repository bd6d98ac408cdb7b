"""A run's folder records its configuration; a run that differs only in code is resumed."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import yaml

from app.errors import SetupError
from app.training.loop.checkpoint import restore, save_state
from app.training.recipe.configuration import Configuration, claim, compare
from app.training.recipe.schedule import initial_state
from app.training.recipe.schema import Stage
from tests.support.toy import TAGS, toy_recipe


def configuration(**changes: object) -> Configuration:
    values = {"taggram": "2", "code": "now", "seed": 1, "task": "toy", "tags": TAGS}
    fingerprints = {"split": "toy", "split_fingerprint": "a", "audio_fingerprint": "b"}
    values |= {"recipe": toy_recipe(), **fingerprints, "sample_rate": 16_000, **changes}
    return Configuration.model_validate(values)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run that began with other code: a file differs, one is new since, one is gone."""
    claim(tmp_path, configuration(code="before"))
    files = json.loads((tmp_path / "code.json").read_bytes())
    del files["app/training/loop/phase.py"]
    files |= {"app/training/loop/epoch_loop.py": "0" * 64, "app/training/old.py": "1" * 64}
    (tmp_path / "code.json").write_text(json.dumps(files))
    return tmp_path


def test_a_run_of_the_same_code_is_resumed_without_a_warning(tmp_path: Path) -> None:
    claim(tmp_path, configuration())
    assert compare(tmp_path, configuration()) is None


def test_the_files_of_code_that_changed_since_are_named(folder: Path) -> None:
    warning = compare(folder, configuration())
    assert warning
    assert (
        "since this run began: changed app/training/loop/epoch_loop.py; "
        "added app/training/loop/phase.py; removed app/training/old.py." in warning
    )


def test_many_changed_files_are_counted(folder: Path) -> None:
    files = json.loads((folder / "code.json").read_bytes())
    (folder / "code.json").write_text(json.dumps(dict.fromkeys(files, "0" * 64)))
    warning = compare(folder, configuration())
    assert warning
    assert f" and {len(files) - 1 - 8} more; added app/training/loop/phase.py" in warning


def test_another_release_is_named(tmp_path: Path) -> None:
    claim(tmp_path, configuration(taggram="1"))
    assert "began: taggram 1 became 2. The run is" in (compare(tmp_path, configuration()) or "")


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("{")])
def test_a_run_without_a_list_of_files_is_resumed_too(folder: Path, damage) -> None:
    damage(folder / "code.json")
    assert "the changed files are unknown" in (compare(folder, configuration()) or "")


def test_another_seed_is_refused_for_any_code(folder: Path) -> None:
    with pytest.raises(SetupError, match="it has a run with another seed"):
        compare(folder, configuration(seed=2))


def test_the_configuration_is_kept_in_readable_files(folder: Path) -> None:
    assert yaml.safe_load((folder / "run.yaml").read_text())["code"] == "before"
    assert len(json.loads((folder / "code.json").read_text())["app/__init__.py"]) == 64


@pytest.mark.parametrize("shapes", [[(3,)], [(2,), (2,)]], ids=["another shape", "one more"])
def test_a_checkpoint_of_another_network_is_refused_with_a_message(
    tmp_path: Path, shapes: list
) -> None:
    stages = [Stage.model_validate({"optimizer": "adam", "learning_rate": 0.1, "epochs": 1})]
    save_state(tmp_path / "state", [keras.Variable(np.ones(2))], initial_state(stages), [])
    with pytest.raises(SetupError, match="code of the network has changed"):
        restore(tmp_path / "state", [keras.Variable(np.zeros(shape)) for shape in shapes])
