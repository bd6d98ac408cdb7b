"""Every recipe that ships trains to its end, if for an epoch or two, on its own networks."""

import csv
from pathlib import Path

import pytest

from app.datasets.audio.audio_store import AudioStore
from app.datasets.tracks import Split
from app.training.recipe.schema import Recipe, read_recipe, recipe_names
from app.training.run.recipe_run import Job, Trained, train
from tests.support.toy import toy_phase, toy_recipe, toy_split, toy_store

pytestmark = pytest.mark.thorough

RATES = dict.fromkeys(("clmr", "multi-level-multi-scale", "noisy-student"), 22_050)
"""The sample rate of these recipes, in Hz; that of the others is 16 kHz."""


@pytest.fixture(scope="module")
def split() -> Split:
    return toy_split(tracks=18, unlabelled=3)


@pytest.fixture(scope="module")
def stores(split: Split, tmp_path_factory: pytest.TempPathFactory) -> dict[int, AudioStore]:
    root = tmp_path_factory.mktemp("toy")
    return {rate: toy_store(root, split, rate) for rate in (16_000, 22_050)}


def shrunk(recipe: Recipe) -> Recipe:
    """One window of each track in small batches; two stages at most, of one epoch each."""
    values = recipe.model_dump()
    for phase in values["phases"]:
        phase["batch_size"] = 6
        phase["crops"] = {"start_cut": 0, "end_cut": 0, "random_crop": None, "windows": "one"}
        phase["stages"] = [{**stage, "epochs": 1} for stage in phase["stages"][:2]]
    return Recipe.model_validate(values)


def run_recipe(recipe: Recipe, split: Split, store: AudioStore, folder: Path) -> Trained:
    return train(Job(recipe, split, store, folder, 1, lambda step: None, lambda rows: None, print))


@pytest.mark.parametrize("name", recipe_names())
def test_a_shipped_recipe_trains(
    name: str, split: Split, stores: dict[int, AudioStore], tmp_path: Path
) -> None:
    recipe = shrunk(read_recipe(name))
    trained = run_recipe(recipe, split, stores[RATES.get(name, 16_000)], tmp_path)
    with (tmp_path / "curves.csv").open() as file:
        phases = {row["phase"] for row in csv.DictReader(file)}
    assert phases == {phase.name for phase in recipe.phases if phase.stages}
    assert trained.phase == recipe.phases[-1]


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_in_mixed_precision_weights_stay_float32(
    precision: str, split: Split, stores: dict[int, AudioStore], tmp_path: Path
) -> None:
    recipe = toy_recipe([toy_phase()], precision=precision)
    trained = run_recipe(recipe, split, stores[16_000], tmp_path)
    assert {str(each.dtype) for each in trained.weights.values()} == {"float32"}
