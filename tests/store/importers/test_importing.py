"""Checkpoints that were released for PyTorch become published models."""

from pathlib import Path

import numpy as np
import pytest

from app.errors import SetupError
from app.models import architectures, variables
from app.store.importers.importing import Released, import_torch
from app.store.importers.labels import read_labels
from app.store.manifest.manifest import read_store
from app.store.registry.loading import build, load
from app.store.registry.verification import verify
from app.store.storage.store import Store
from tests.support import tiny
from tests.support.torch_files import save
from tests.support.torch_states import as_torch_state

ARGUMENTS = {"channels": [1, 1, 1, 1, 1]}
SMALL = Released("small", "fcn", ("one", "two", "three"), arguments=ARGUMENTS)

Arrays = dict[str, np.ndarray]


@pytest.fixture
def small_store(tmp_path: Path) -> Store:
    (tmp_path / "store").mkdir()
    return Store(tmp_path / "store")


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    """Weights of a small FCN, by our paths."""
    front = architectures()["fcn"].front_end
    spec = tiny.spec(
        architecture={"name": "fcn", "arguments": ARGUMENTS},
        front_end=front,
        window={"frames": architectures()["fcn"].window_frames, "hop_frames": 1},
    )
    random = np.random.RandomState(3)
    shapes = {path: tuple(each.shape) for path, each in variables(build(spec, ARGUMENTS)).items()}
    return {path: random.uniform(0.1, 1, shape).astype("f4") for path, shape in shapes.items()}


@pytest.fixture(scope="module")
def state(arrays: Arrays) -> Arrays:
    """The same as PyTorch would have them."""
    return as_torch_state("fcn", arrays)


@pytest.fixture
def checkpoint(state: Arrays, tmp_path: Path) -> Path:
    return save(state, tmp_path / "model.pth")


def test_a_checkpoint_becomes_a_version_that_scores_what_its_manifest_says(
    small_store: Store, checkpoint: Path, arrays: Arrays
):
    manifest = import_torch(small_store, checkpoint, SMALL)

    assert str(manifest.ref) == "small/1"
    assert read_store(small_store) == {"small": manifest}
    assert manifest.tags.family == "small"
    assert manifest.evaluation is None
    assert manifest.front_end == architectures()["fcn"].front_end
    assert "SHA-256" in manifest.source.description
    verify(small_store, manifest)
    got = variables(load(small_store, manifest).network)
    assert got.keys() == arrays.keys()
    for path, array in arrays.items():
        np.testing.assert_array_equal(got[path], array)


def test_long_windows_overlap_by_half_and_the_golden_input_is_longer_than_one(
    small_store: Store, checkpoint: Path
):
    manifest = import_torch(small_store, checkpoint, SMALL)

    assert manifest.window_spec.window_s == pytest.approx(29, abs=0.05)
    assert manifest.window_spec.hop_frames == manifest.window_spec.window_frames // 2
    assert manifest.golden.seconds == pytest.approx(1.5 * manifest.window_spec.window_s, abs=1e-3)


def test_all_facts_about_a_checkpoint_are_kept(small_store: Store, checkpoint: Path):
    released = Released(
        name="small",
        architecture="fcn",
        tags=("one", "two", "three"),
        family="tags-of-three",
        arguments=ARGUMENTS,
        summary="A small one.",
        url="https://example.org/small",
        licence="MIT",
        citation="Somebody, 2020.",
        evaluation={"dataset": "Ours", "roc_auc": 0.9, "pr_auc": 0.4},
    )

    manifest = import_torch(small_store, checkpoint, released)

    assert manifest.summary == "A small one."
    assert manifest.tags.family == "tags-of-three"
    assert manifest.source.licence == "MIT"
    assert manifest.source.url == "https://example.org/small"
    assert manifest.source.citation == "Somebody, 2020."
    assert manifest.evaluation.dataset == "Ours"


WRONG = {
    "an unknown architecture": ({"architecture": "fcm"}, "architecture 'fcm' is unknown; expected"),
    "one that never was PyTorch's": (
        {"architecture": "vgg"},
        "has no PyTorch checkpoints; expected one of fcn, crnn",
    ),
    "another architecture": (
        {"architecture": "crnn", "arguments": {}},
        "belongs to another architecture",
    ),
    "other sizes": ({"arguments": {}}, "has the shape"),
    "an unknown argument": ({"arguments": {"widths": [1]}}, "architecture.arguments: "),
    "an argument that is null": ({"arguments": {"channels": None}}, "architecture.arguments: "),
    "a tag too few": ({"tags": ("one", "two")}, "has 3 tags; the tag list has 2"),
    "a tag too many": ({"tags": ("1", "2", "3", "4")}, "has 3 tags; the tag list has 4"),
    "a tag twice": ({"tags": ("one", "two", "two")}, "tags.names: named twice: two"),
    "a name that leads elsewhere": ({"name": "../small"}, "name: "),
    "a family in capitals": ({"family": "MTT"}, "tags.family: "),
    "half the figures": ({"evaluation": {"roc_auc": 0.9}}, "evaluation.dataset: "),
    "a figure above 1": (
        {"evaluation": {"dataset": "Ours", "roc_auc": 90, "pr_auc": 0.4}},
        "evaluation.roc_auc: ",
    ),
}


@pytest.mark.parametrize(("changes", "words"), WRONG.values(), ids=WRONG)
def test_wrong_facts_about_a_checkpoint_are_refused_and_nothing_is_published(
    changes: dict[str, object], words: str, small_store: Store, checkpoint: Path
):
    released = Released(**{**vars(SMALL), **changes})

    with pytest.raises(SetupError) as refused:
        import_torch(small_store, checkpoint, released)

    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert tiny.folder_content(small_store.folder) == {}


def test_a_missing_file_is_refused(small_store: Store, tmp_path: Path):
    with pytest.raises(SetupError, match=r"nothing.pth: can't be read: No such file"):
        import_torch(small_store, tmp_path / "nothing.pth", SMALL)


@pytest.mark.parametrize("data", [b"", b"PK\3\4", b"no checkpoint"])
def test_a_file_that_is_not_a_checkpoint_is_refused(
    data: bytes, small_store: Store, tmp_path: Path
):
    (tmp_path / "model.pth").write_bytes(data)

    with pytest.raises(SetupError, match=r"model.pth: this is not a PyTorch checkpoint"):
        import_torch(small_store, tmp_path / "model.pth", SMALL)

    assert tiny.folder_content(small_store.folder) == {}


def test_a_checkpoint_with_nan_is_refused_with_its_location(
    small_store: Store, state: Arrays, tmp_path: Path
):
    corrupted = state | {"dense.bias": np.array([0, np.nan, 0], np.float32)}
    save(corrupted, tmp_path / "model.pth")

    with pytest.raises(SetupError, match=r"dense.bias holds numbers that are not finite"):
        import_torch(small_store, tmp_path / "model.pth", SMALL)

    assert tiny.folder_content(small_store.folder) == {}


def test_tags_are_read_one_per_line(tmp_path: Path):
    path = tmp_path / "tags.txt"
    path.write_bytes("\ufeffrock\r\n\r\n  hip hop \n80s\n\nJazz\u00e9".encode())

    assert read_labels(path) == ("rock", "hip hop", "80s", "Jazz\u00e9")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file has no tags"),
        (b"\n \n", "the file has no tags"),
        (b"rock\npop\nrock\n", "the tag 'rock' appears 2 times"),
        (b"rock\npop\n rock", "the tag 'rock' appears 2 times"),
        (b"caf\xe9", "the tags are not in UTF-8"),
        (None, "the tags can't be read: No such file"),
    ],
)
def test_invalid_tags_are_refused_with_their_file(data: bytes | None, words: str, tmp_path: Path):
    path = tmp_path / "tags.txt"
    if data is not None:
        path.write_bytes(data)

    with pytest.raises(SetupError, match=f"{path}: {words}"):
        read_labels(path)
