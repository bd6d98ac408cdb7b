"""The manifests that ship with the code, and the released files that they are about."""

import csv
from pathlib import Path

import pytest

from app.domain import ModelRef
from app.store.importers.available_models import available
from app.store.importers.download import download_checkpoint
from app.store.importers.importing import publish_available
from app.store.manifest.manifest import read_manifest
from app.store.registry.verification import verify
from app.store.storage.store import Store
from tests.conftest import REPOSITORY

SHARED = REPOSITORY.parent / "shared"
RELEASED = SHARED / "weights" / "sota"
JAMENDO = (
    SHARED / "metadata" / "mtg-jamendo" / "splits" / "split-0" / "autotagging_top50tags-test.tsv"
)
NAMES = [
    *("jamendo-crnn", "jamendo-fcn", "jamendo-musicnn"),
    *("msd-crnn", "msd-fcn", "mtt-crnn", "mtt-fcn", "mtt-musicnn-zoo"),
]


def test_the_released_checkpoints_are_available_with_their_terms():
    models = available()

    assert list(models) == NAMES
    for name, model in models.items():
        manifest = model.manifest
        assert manifest.tags.family == name.partition("-")[0]
        assert manifest.source.licence == "MIT"
        assert manifest.source.trained_on
        assert manifest.source.data_terms
        assert manifest.evaluation
        assert manifest.model_fields_set.isdisjoint({"vocabulary", "thresholds"})
        assert "version" not in model.text.partition("[")[0]


@pytest.mark.parametrize("name", NAMES)
def test_tags_are_in_the_order_of_the_outputs(name: str):
    manifest = available()[name].manifest
    family = manifest.tags.family
    if family == "jamendo":
        if not JAMENDO.exists():
            pytest.skip(f"the split that it was trained on is not at {JAMENDO}")
        with JAMENDO.open() as file:
            rows = list(csv.reader(file, delimiter="\t"))[1:]
        full = sorted({tag for row in rows for tag in row[5:]})  # as `genre---rock`
        expected = tuple(tag.partition("---")[2] for tag in full)
    else:
        shipped = read_manifest(
            Store(REPOSITORY / "model_store"), ModelRef(f"{family}-musicnn", "1")
        )
        expected = shipped.tags.names
    assert manifest.tags.names == expected


@pytest.mark.parametrize(
    "name",
    [
        name if name == "jamendo-fcn" else pytest.param(name, marks=pytest.mark.thorough)
        for name in NAMES
    ],
)
def test_a_released_checkpoint_becomes_the_model_that_its_manifest_describes(
    name: str, tmp_path: Path
):
    if not RELEASED.exists():
        pytest.skip(f"the released checkpoints are not at {RELEASED}")
    model, store = available()[name], Store(tmp_path / "store")
    checkpoint = download_checkpoint(model.checkpoint, str(RELEASED), lambda _: None)

    published = publish_available(store, model, checkpoint)

    assert published.ref == ModelRef(name, "1")
    assert model.ready(store) == published
    verify(store, published)
    assert max(published.golden.mean_scores) > 0.1
