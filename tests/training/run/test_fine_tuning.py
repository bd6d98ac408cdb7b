"""A run starts from a published model, trains its last layer first, and names it and its terms."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import yaml

from app.datasets.tables import write_split
from app.datasets.tracks import Split, Subset
from app.domain import ModelRef
from app.errors import SetupError
from app.front_ends import WindowSpec
from app.models import architectures, network, variables
from app.store.card import card
from app.store.manifest.manifest import Manifest, read_manifest
from app.store.registry.publishing import publish
from app.store.registry.weights import read_weights
from app.store.storage.store import Store
from app.training.loop.checkpoint import load_weights
from app.training.loop.phase import Step
from app.training.recipe.schema import read_recipe
from app.training.run.initial_model import (
    InitialModel,
    check_initial_weights,
    read_initial_model,
    start_from,
)
from app.training.run.publishing import MODEL, describe_trained, publish_run
from app.training.run.train import Finished, TrainRequest, run
from tests.support import tiny
from tests.support.network_imports import converting_here, import_backbone
from tests.support.toy import TAGS, toy_phase, toy_recipe, toy_split, toy_store

SMALL = {"channels": [8] * 7, "hidden_units": 16}
BASE_TAGS = ("noise", "speech", "low")
"""Two of them are tags of the split."""
STAGES = [
    {"optimizer": "adam", "learning_rate": 0.01, "epochs": 2, "release": {"share": 0}},
    {
        "optimizer": "adam",
        "learning_rate": 0.01,
        "epochs": 2,
        "release": {"share": 0.5, "first_layer_rate": 0.1},
    },
    {"optimizer": "adam", "learning_rate": 0.01, "epochs": 2},
]

Begin = Callable[..., Finished]


def publish_base(models: Store, architecture: str, arguments: dict[str, object]) -> Manifest:
    """Publish a network with random weights that must not be sold."""
    own = architectures()[architecture]
    window_spec = WindowSpec(own.front_end, own.window_frames, own.window_frames // 2)
    keras.utils.set_random_seed(3)
    weights = {
        path: np.asarray(variable.value)
        for path, variable in variables(network(architecture, 3, window_spec, arguments)).items()
    }
    spec = describe_trained(
        name=architecture.replace("_", "-"),
        summary="Random weights.",
        architecture=architecture,
        arguments=arguments,
        window_spec=window_spec,
        tags=BASE_TAGS,
        family="base",
        vocabulary="base",
        data="Songs of others.",
        licence="CC BY-NC 4.0",
        commercial_use=False,
        citation="Base 2026.",
    )
    return publish(models, spec, weights)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Store:
    models = Store(tmp_path_factory.mktemp("models"))
    publish_base(models, "short_chunk_cnn", SMALL)
    return models


@pytest.fixture(scope="module")
def base(models: Store) -> InitialModel:
    return read_initial_model("short-chunk-cnn", models.url)


@pytest.fixture(scope="module")
def split() -> Split:
    return toy_split(tracks=18)


@pytest.fixture(scope="module")
def stored(split: Split, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("toy")
    toy_store(root, split)
    write_split(root / "split.parquet", split)
    return root


@pytest.fixture
def begin(stored: Path, models: Store, tmp_path: Path) -> Begin:
    def begin(
        to: str = "run",
        stages: object = STAGES,
        on_progress: Callable[[Step], None] = lambda step: None,
        **changes: object,
    ) -> Finished:
        recipe = toy_recipe([toy_phase(arguments={}, stages=stages)]).model_dump(mode="json")
        path = tmp_path / "recipe.yaml"
        path.write_text(yaml.safe_dump(recipe))
        request = TrainRequest(
            stored / "split.parquet",
            stored / "store-16000",
            tmp_path / to,
            str(path),
            None,
            1,
            None,
            initial="short-chunk-cnn",
            models=models.url,
        )
        return run(replace(request, **changes), on_progress, print)

    return begin


def weights_of(run: Path) -> dict[str, np.ndarray]:
    return load_weights(run / "phases" / "tags" / "weights.safetensors")


def test_the_last_layer_is_trained_alone(
    begin: Begin, base: InitialModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(stages=STAGES[:1])

    assert "Starting from short-chunk-cnn/1: 3 tags, of which it has 2." in capsys.readouterr().out
    trained = weights_of(tmp_path / "run")
    below = [path for path in trained if not path.startswith("tags/")]
    assert all((trained[path] == base.weights[path]).all() for path in below)
    kernel, before = trained["tags/kernel"], base.weights["tags/kernel"]
    distances = [[np.abs(mine - other).max() for other in before.T] for mine in kernel.T]
    # low and noise began as the model's; high, which it lacks, did not.
    assert np.array(distances).argmin(axis=1)[
        [TAGS.index("low"), TAGS.index("noise")]
    ].tolist() == [
        2,
        0,
    ]
    manifest = read_manifest(Store(tmp_path / "run" / MODEL), ModelRef("toy-short-chunk-cnn", "1"))
    origin = manifest.source.fine_tuned_from
    assert (origin.model, origin.weights_sha256) == (
        "short-chunk-cnn/1",
        base.manifest.weights.sha256,
    )


@pytest.mark.thorough
def test_the_upper_half_is_released_and_then_all(
    begin: Begin, base: InitialModel, tmp_path: Path
) -> None:
    def changed(folder: str) -> set[str]:
        trained = weights_of(tmp_path / folder)
        return {
            path.split("/")[0]
            for path in trained
            if not path.startswith("tags/") and (trained[path] != base.weights[path]).any()
        }

    begin("half", STAGES[1:2])
    assert changed("half") == {
        f"{name}{end}" for name in ("hidden", "conv_7", "conv_6", "conv_5") for end in ("", "_bn")
    }
    begin("all", STAGES[2:])
    assert {"input_bn", "conv_1", "conv_1_bn"} <= changed("all")


@pytest.mark.thorough
def test_a_run_stopped_in_each_stage_ends_with_the_same_result(
    begin: Begin, tmp_path: Path
) -> None:
    begin("whole")
    steps, stops = itertools.count(), {1, 4, 6, 9, 11}

    def stop(step: Step) -> None:
        if next(steps) in stops:
            raise KeyboardInterrupt

    for _ in range(len(stops)):
        with pytest.raises(KeyboardInterrupt):
            begin("parts", on_progress=stop)
    begin("parts", on_progress=stop)
    whole, parts = weights_of(tmp_path / "whole"), weights_of(tmp_path / "parts")
    for path, weights in whole.items():
        assert parts[path] == pytest.approx(weights, rel=1e-3, abs=1e-5)


@pytest.mark.thorough
def test_the_published_model_has_the_terms_of_the_one_it_started_from(
    begin: Begin, base: InitialModel, tmp_path: Path
) -> None:
    begin(stages=STAGES[:1])
    store = Store(tmp_path / "published")
    manifest = publish_run(store, tmp_path / "run", name="mine")

    source = manifest.source
    assert (source.licence, source.commercial_use) == ("CC BY-NC 4.0", False)
    written = card(manifest, read_weights(store, manifest))
    sha256 = base.manifest.weights.sha256
    for words in (
        f"- Fine-tuned from: short-chunk-cnn/1, whose weights have the SHA-256 {sha256}\n",
        "- Its licence: CC BY-NC 4.0; commercial use: not allowed\n",
        "- Its source: Songs of others.\n",
        "- To cite it: Base 2026.\n",
    ):
        assert words in written
    own = publish_run(store, tmp_path / "run", name="other", licence="MIT")
    assert (own.source.licence, own.source.commercial_use) == ("MIT", False)
    assert own.source.fine_tuned_from.licence == "CC BY-NC 4.0"


@pytest.mark.thorough
def test_a_run_continues_from_another_run_with_all_of_its_tags(
    begin: Begin, split: Split, stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin("first", STAGES[:1])
    parts = {Subset.TEST: Subset.VALIDATION, Subset.VALIDATION: Subset.TEST}
    placed = tuple(replace(each, part=parts.get(each.part, each.part)) for each in split.placed)
    later = replace(split, name="later", placed=placed)
    write_split(tmp_path / "later.parquet", later)
    begin("second", STAGES[:1], initial=str(tmp_path / "first"), split=tmp_path / "later.parquet")
    said = capsys.readouterr().out
    assert "Starting from toy-short-chunk-cnn/1: 3 tags, of which it has 3." in said
    assert "It was trained on another split, toy:" in said


@pytest.mark.thorough
def test_a_run_from_other_weights_is_another_run(begin: Begin, models: Store) -> None:
    begin(stages=STAGES[:1])
    publish_base(models, "short_chunk_cnn", SMALL)
    with pytest.raises(SetupError, match="it has a run with another initial"):
        begin(stages=STAGES[:1], initial="short-chunk-cnn/2")


def test_an_unknown_model_is_refused_with_the_known_ones(models: Store) -> None:
    with pytest.raises(SetupError, match=r"'nothing' is not published in .*short-chunk-cnn"):
        read_initial_model("nothing", models.url)


def test_an_unfinished_run_is_refused(models: Store, tmp_path: Path) -> None:
    (tmp_path / MODEL).mkdir()
    with pytest.raises(SetupError, match="not a finished run"):
        read_initial_model(str(tmp_path), models.url)


def test_missing_weights_are_refused_with_the_command_that_gets_them(tmp_path: Path) -> None:
    models = Store(tmp_path)
    manifest = publish(models, *tiny.musicnn())
    (tmp_path / str(manifest.ref) / manifest.weights.file).unlink()
    with pytest.raises(SetupError, match="weights are missing; restore them"):
        read_initial_model(manifest.name, models.url)


def test_a_network_of_another_project_is_refused(tmp_path: Path) -> None:
    models = Store(tmp_path / "models")
    with converting_here():
        manifest = import_backbone(models, tmp_path)
    with pytest.raises(SetupError, match="which can't be trained; `taggram teach`"):
        read_initial_model(str(manifest.ref), models.url)


@pytest.mark.thorough
def test_an_ensemble_is_refused(tmp_path: Path) -> None:
    models = Store(tmp_path)
    members = {"one": {"architecture": "short_chunk_cnn", **SMALL}}
    publish_base(models, "ensemble", {"members": members})
    with pytest.raises(SetupError, match="ensemble, in which no last layer can be replaced"):
        read_initial_model("ensemble", models.url)


@pytest.mark.thorough
def test_a_model_of_teach_is_trained_with_its_encoder(tmp_path: Path) -> None:
    models = Store(tmp_path)
    publish_base(models, "embedding_probe", {"encoder": "clmr"})

    initial = read_initial_model("embedding-probe", models.url)

    assert initial.architecture == "clmr"
    assert initial.weights["tags/kernel"].shape == (512, 3)
    assert "conv_1/kernel" in initial.weights


def test_another_front_end_is_refused(base: InitialModel) -> None:
    other = {"sample_rate": 16_000, "spectrum": {"n_fft": [512], "hop": 256}}
    with pytest.raises(SetupError, match="another front end than phase 'tags' has: mono at 16,000"):
        start_from(toy_recipe([toy_phase(front_end=other)]), base)


def test_a_recipe_of_several_phases_is_refused(base: InitialModel) -> None:
    with pytest.raises(SetupError, match="'clmr' has several phases"):
        start_from(read_recipe("clmr"), base)


def test_the_network_is_that_of_the_model(base: InitialModel) -> None:
    phase = start_from(read_recipe("fine-tune"), base).phases[0]

    assert (phase.architecture, phase.arguments) == ("short_chunk_cnn", SMALL)
    assert phase.front_end == base.manifest.front_end


def test_frozen_layers_need_initial_weights() -> None:
    with pytest.raises(SetupError, match="initial weights are random; add --from MODEL"):
        check_initial_weights(read_recipe("fine-tune"))
    check_initial_weights(read_recipe("thesis"))


def test_an_architecture_cannot_be_chosen_for_a_model(begin: Begin) -> None:
    with pytest.raises(SetupError, match="--architecture and --from"):
        begin(architecture="musicnn")
