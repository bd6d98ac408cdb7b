"""A training learns, records its work, resumes after a stop, and refuses invalid input."""

import csv
import itertools
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.datasets.audio.audio_store import AudioStore
from app.datasets.tracks import Split, Subset
from app.errors import SetupError
from app.training.loop import phase
from app.training.loop.phase import Step
from app.training.recipe.configuration import read_configuration
from app.training.run import recipe_run
from app.training.run.recipe_run import Job, Trained, train
from tests.support.toy import TAGS, toy_phase, toy_recipe, toy_split, toy_store

pytestmark = pytest.mark.thorough

Train = Callable[..., Trained]


@pytest.fixture(scope="module")
def split() -> Split:
    return toy_split(unlabelled=6)


@pytest.fixture(scope="module")
def store(split: Split, tmp_path_factory: pytest.TempPathFactory) -> AudioStore:
    return toy_store(tmp_path_factory.mktemp("toy"), split)


@pytest.fixture
def trained(split: Split, store: AudioStore, tmp_path: Path) -> Train:
    def run(folder: str = "run", on_progress: Callable[[Step], None] = lambda step: None, **others):
        job = Job(
            toy_recipe(), split, store, tmp_path / folder, 1, on_progress, lambda rows: None, print
        )
        return train(replace(job, **others))

    return run


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "curves.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_run_learns_and_writes_its_files(trained: Train, tmp_path: Path) -> None:
    recipe = toy_recipe(
        [toy_phase(stages=[{"optimizer": "adam", "learning_rate": 0.01, "epochs": 12}])]
    )
    trained(recipe=recipe)
    curve = rows(tmp_path / "run")
    assert len(curve) == 12
    best = min(curve, key=lambda row: float(row["val_loss"]))
    assert float(best["val_roc_auc"]) > 0.9
    assert (tmp_path / "run" / "curves.png").read_bytes().startswith(b"\x89PNG")
    configuration = read_configuration(tmp_path / "run")
    assert configuration.recipe == recipe
    assert configuration.tags == TAGS
    assert len(configuration.code) == 64


@pytest.mark.parametrize("windows", ["one", "all"])
def test_a_run_stopped_ten_times_ends_with_the_same_result(
    trained: Train, tmp_path: Path, windows: str
) -> None:
    crops = {"start_cut": 1, "end_cut": 1, "random_crop": 5, "windows": windows}
    stages = [
        {"optimizer": "adam", "learning_rate": 0.01, "epochs": 2, "plateau": {"patience": 1}},
        {"optimizer": "sgd", "learning_rate": 0.001, "epochs": 2},
    ]
    recipe = toy_recipe([toy_phase(crops=crops, stages=stages)])
    whole = trained("whole", recipe=recipe)
    steps = itertools.count()
    rng = random.Random(1)
    stops = set(rng.sample(range(1, 30), 10))

    def stop(step: Step) -> None:
        if next(steps) in stops:
            raise KeyboardInterrupt

    for _ in range(11):
        try:
            parts = trained("parts", on_progress=stop, recipe=recipe)
        except KeyboardInterrupt:
            continue
        break
    numbers = [
        [float(value) for name, value in row.items() if name not in {"phase", "seconds"}]
        for folder in ("whole", "parts")
        for row in rows(tmp_path / folder)
    ]
    assert np.allclose(numbers[:4], numbers[4:], rtol=1e-4, atol=1e-6)
    for path, weights in whole.weights.items():
        assert parts.weights[path] == pytest.approx(weights, rel=1e-3, abs=1e-5)


def test_a_run_stopped_between_the_best_weights_and_their_checkpoint_is_resumed(
    trained: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = [{"optimizer": "adam", "learning_rate": rate, "epochs": 1} for rate in (0.01, 0.005)]
    recipe = toy_recipe([toy_phase(stages=stages)])
    whole = trained("whole", recipe=recipe)

    saves, save = itertools.count(), phase.save_state

    def killed_at_the_second(*args: object) -> None:
        if next(saves):
            raise KeyboardInterrupt
        save(*args)

    monkeypatch.setattr(phase, "save_state", killed_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        trained("parts", recipe=recipe)
    monkeypatch.undo()
    parts = trained("parts", recipe=recipe)
    for path, weights in whole.weights.items():
        assert parts.weights[path] == pytest.approx(weights, rel=1e-3, abs=1e-5)


def test_a_run_killed_between_its_last_checkpoint_and_the_curves_has_all_curves(
    trained: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(recipe_run, "write_curves", killed)
    stages = [{"optimizer": "adam", "learning_rate": 0.01, "epochs": 1}]
    recipe = toy_recipe([toy_phase(stages=stages)])
    with pytest.raises(KeyboardInterrupt):
        trained(recipe=recipe)
    monkeypatch.undo()
    trained(recipe=recipe, on_progress=lambda step: pytest.fail("it trained again"))
    assert [row["epoch"] for row in rows(tmp_path / "run")] == ["1"]


def test_a_finished_run_is_not_trained_again(trained: Train) -> None:
    first = trained()
    again = trained(on_progress=lambda step: pytest.fail("it trained again"))
    assert all((again.weights[path] == first.weights[path]).all() for path in first.weights)


def test_a_run_with_another_configuration_is_refused_with_the_differences(trained: Train) -> None:
    trained()
    with pytest.raises(SetupError, match="it has a run with another seed"):
        trained(seed=2)


def test_a_run_of_other_code_is_resumed_with_a_warning(trained: Train, tmp_path: Path) -> None:
    def stop(step: Step) -> None:
        if step.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(on_progress=stop)
    path = tmp_path / "run" / "run.yaml"
    code = read_configuration(tmp_path / "run").code
    path.write_text(path.read_text().replace(code, "f" * 64))
    warnings: list[str] = []
    trained(warn=warnings.append)
    assert len(rows(tmp_path / "run")) == 3
    assert len(warnings) == 1


def test_a_leak_is_refused_before_anything_is_trained(trained: Train, split: Split) -> None:
    artist = split.part(Subset.TRAIN)[0].track.artist
    placed = tuple(
        replace(each, track=replace(each.track, artist=artist))
        if each.part is Subset.TEST
        else each
        for each in split.placed
    )
    with pytest.raises(SetupError, match="leak"):
        trained(split=replace(split, placed=placed))


def test_a_store_of_another_rate_is_refused(trained: Train) -> None:
    recipe = toy_recipe([toy_phase(architecture="clmr", arguments={})])
    with pytest.raises(SetupError, match="--sample-rate 22050"):
        trained(recipe=recipe)


def test_a_loss_of_nan_ends_the_run_with_a_message(trained: Train) -> None:
    wild = [{"optimizer": "sgd", "learning_rate": 1e30, "epochs": 3}]
    with pytest.raises(SetupError, match="lower learning rate"):
        trained(recipe=toy_recipe([toy_phase(stages=wild)]))


def test_tracks_missing_from_the_store_are_reported(trained: Train, split: Split) -> None:
    strange = replace(split.placed[0].track, id="0" * 16, artist="unknown", path="none.flac")
    more = replace(split, placed=(*split.placed, replace(split.placed[0], track=strange)))
    assert trained(split=more).missing == ("0" * 16,)


def test_class_weights_and_the_focal_loss_can_be_used(trained: Train) -> None:
    loss = {"focal_gamma": 2.0, "class_weights": True}
    trained(recipe=toy_recipe([toy_phase(loss=loss)]))


def test_a_student_learns_from_the_scores_of_its_teacher(trained: Train, tmp_path: Path) -> None:
    teacher = toy_phase(name="teacher")
    student = toy_phase(name="student", teacher="teacher", augmentation={"reverb": 0})
    trained(recipe=toy_recipe([teacher, student]))
    assert {row["phase"] for row in rows(tmp_path / "run")} == {"teacher", "student"}


def test_a_student_without_unlabelled_tracks_is_refused(trained: Train, split: Split) -> None:
    labelled = tuple(each for each in split.placed if each.part is not Subset.UNLABELLED)
    phases = [toy_phase(name="teacher"), toy_phase(name="student", teacher="teacher")]
    with pytest.raises(SetupError, match="unlabelled"):
        trained(split=replace(split, placed=labelled), recipe=toy_recipe(phases))


def test_members_are_combined_into_an_ensemble(trained: Train) -> None:
    small = {"channels": [8] * 7, "hidden_units": 16}
    members = {name: {"architecture": "short_chunk_cnn", **small} for name in ("one", "other")}
    ensemble = {
        "name": "ensemble",
        "architecture": "ensemble",
        "arguments": {"members": members},
        "takes": [{"phase": name, "into": f"{name}/short_chunk_cnn/"} for name in ("one", "other")],
    }
    last = trained(recipe=toy_recipe([toy_phase(name="one"), toy_phase(name="other"), ensemble]))
    assert any(path.startswith("one/") for path in last.weights)
    assert last.phase.architecture == "ensemble"


def test_weights_taken_by_a_phase_must_fit_its_network(trained: Train) -> None:
    second = toy_phase(name="second", takes=[{"phase": "first", "into": "nowhere/"}])
    with pytest.raises(SetupError, match="no name matches"):
        trained(recipe=toy_recipe([toy_phase(name="first"), second]))
