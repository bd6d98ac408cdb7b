"""Conversions are cached; an entry that is stale, damaged or of another user is never used."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from app.inference import conversion_cache
from app.inference.conversion_cache import make_key, read_entry, write_entry
from app.inference.frozen_features import make_extractor
from app.inference.selection import HAS_OPENVINO, EnginePreference, choose
from app.store.manifest.manifest import Manifest
from app.store.storage.store import Store

KEY, CONTENT = make_key(a=1), b"a converted network"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the cache, which does not exist yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "taggram" / "converted"


@pytest.fixture
def entry(folder: Path) -> Path:
    """The file of an entry."""
    write_entry("model", KEY, CONTENT)
    return folder / KEY


def test_an_entry_is_read_back_and_the_log_says_so(
    entry: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        assert read_entry("model", KEY) == CONTENT

    assert caplog.messages == [f"model was converted before: it is read from {entry}"]


def test_a_missing_entry_is_no_problem(caplog: pytest.LogCaptureFixture) -> None:
    assert read_entry("model", KEY) is None
    assert not caplog.messages


def test_only_the_user_may_read_and_write_the_cache(entry: Path) -> None:
    assert entry.stat().st_mode & 0o777 == 0o600
    assert entry.parent.stat().st_mode & 0o777 == 0o700


def _flip(entry: Path) -> None:
    content = bytearray(entry.read_bytes())
    content[-1] ^= 1
    entry.write_bytes(content)


def _take_another(entry: Path) -> None:
    other = make_key(a=2)
    write_entry("other", other, b"another network")
    (entry.parent / other).replace(entry)


def _link(entry: Path) -> None:
    moved = entry.with_name("moved")
    entry.replace(moved)
    entry.symlink_to(moved)


def _link_folder(entry: Path) -> None:
    moved = entry.parent.with_name("moved")
    entry.parent.replace(moved)
    entry.parent.symlink_to(moved)


@pytest.mark.parametrize(
    "change",
    [
        _flip,
        _take_another,
        _link,
        _link_folder,
        lambda entry: entry.write_bytes(b""),
        lambda entry: entry.write_bytes(entry.read_bytes()[:-1]),
        lambda entry: entry.write_bytes(entry.read_bytes() + b"x"),
        lambda entry: entry.chmod(0o620),
        lambda entry: entry.parent.chmod(0o777),
    ],
    ids=[
        *("a bit", "of another key", "link", "folder is a link", "empty"),
        *("cut", "longer", "others may write it", "others may write the folder"),
    ],
)
def test_an_entry_that_can_not_be_trusted_is_not_used(
    change: Callable[[Path], None], entry: Path, caplog: pytest.LogCaptureFixture
) -> None:
    change(entry)

    assert read_entry("model", KEY) is None
    assert f"the cached conversion {entry} is not used" in caplog.text


def test_a_damaged_entry_is_replaced(entry: Path) -> None:
    _flip(entry)

    write_entry("model", KEY, CONTENT)

    assert read_entry("model", KEY) == CONTENT


def test_a_cache_that_can_not_be_written_is_a_line_in_the_log(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.parent.mkdir()
    folder.write_text("a file in its place")

    write_entry("model", KEY, CONTENT)

    assert f"model: its conversion can't be cached in {folder}" in caplog.text
    assert read_entry("model", KEY) is None


def test_the_oldest_entries_are_deleted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion_cache, "MOST_ENTRIES", 2)
    keys = [make_key(a=number) for number in range(3)]
    for number, key in enumerate(keys):
        write_entry("model", key, CONTENT)
        os.utime(folder / key, (number, number))

    write_entry("model", make_key(a=3), CONTENT)

    assert {file.name for file in folder.iterdir()} == {keys[2], make_key(a=3)}


def test_the_key_changes_with_each_input() -> None:
    keys = [make_key(a=1), make_key(a=2), make_key(b=1), make_key(a=1, b=1), make_key(a="1")]

    assert len(set(keys)) == len(keys)
    assert make_key(a=1, b=2) == make_key(b=2, a=1)


def test_the_key_changes_with_the_libraries_and_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = make_key()
    with monkeypatch.context() as patched:
        patched.setattr(conversion_cache, "version", lambda name: "0.1")
        libraries = make_key()
    code = tmp_path / "code"
    (code / "models").mkdir(parents=True)
    file = code / "models" / "folding.py"
    keys = set()
    monkeypatch.setattr(conversion_cache, "PACKAGE", code)
    monkeypatch.setattr(conversion_cache, "CODE", ("models",))
    for text in ("NEGLIGIBLE = 1e-5", "NEGLIGIBLE = 1e-4"):
        file.write_text(text)
        conversion_cache.hash_code.cache_clear()
        keys.add(make_key())
    conversion_cache.hash_code.cache_clear()

    assert len({before, libraries, *keys}) == 4


def test_writers_of_the_same_entry_leave_a_whole_one(folder: Path) -> None:
    content = os.urandom(2**20)
    with ThreadPoolExecutor(4) as threads:
        writing = [threads.submit(write_entry, "model", KEY, content) for _ in range(24)]
        while not all(each.done() for each in writing):
            assert read_entry("model", KEY) in {None, content}

    assert read_entry("model", KEY) == content
    assert [file.name for file in folder.iterdir()] == [KEY]


@pytest.mark.skipif(not HAS_OPENVINO, reason="openvino is not installed")
class TestNetworks:
    """Models with their network from the cache."""

    NAME = "mtt-vgg"

    def test_the_key_changes_with_each_field_of_the_manifest_that_makes_the_network(
        self, manifests: dict[str, Manifest]
    ) -> None:
        from app.inference.converted_networks import network_key

        manifest = manifests["mtt-musicnn"]
        assert manifest.folding
        changes = [
            {"weights": manifest.weights.model_copy(update={"sha256": "0" * 64})},
            {"architecture": manifests[self.NAME].architecture},
            {"tags": manifest.tags.model_copy(update={"names": manifest.tags.names[1:]})},
            {"window": manifest.window.model_copy(update={"frames": 100, "hop_frames": 100})},
            {"architecture": manifest.architecture.model_copy(update={"arguments": {"a": 1}})},
            {
                "folding": manifest.folding.model_copy(
                    update={"filters": {"timbral_38": ((1, 0.0),)}}
                )
            },
        ]
        made = [manifest.model_copy(update=change) for change in ({}, *changes)]
        keys = [network_key(each, exact=False) for each in made]

        assert len({*keys, network_key(manifest, exact=True)}) == len(keys) + 1
        summary = manifest.model_copy(update={"summary": "another"})
        assert network_key(summary, exact=False) == keys[0]
        unfolded = manifest.model_copy(update={"folding": None})
        assert network_key(unfolded, exact=False) == network_key(manifest, exact=True)

    def test_a_start_with_a_cache_needs_no_tensorflow_and_has_the_same_scores(
        self, store: Path, manifests: dict[str, Manifest], folder: Path
    ) -> None:
        manifest = manifests[self.NAME]
        extractor = make_extractor(manifest.front_end)
        preference = EnginePreference("openvino", "float32")
        engine = choose(Store(store), manifest, extractor, preference)
        windows = _windows(manifest)
        assert len(list(folder.iterdir())) == 2

        scores = _run_second_start(store, self.NAME, folder)

        np.testing.assert_allclose(scores, engine.score(windows), atol=1e-5)


def _windows(manifest: Manifest) -> np.ndarray:
    shape = (2, *manifest.window_spec.window_shape)
    return np.random.RandomState(0).uniform(0, 3, shape).astype(np.float32)


SECOND_START = """
import sys
import numpy as np
from app.inference.frozen_features import make_extractor
from app.inference.selection import EnginePreference, choose
from app.store.manifest.manifest import read_store
from app.store.storage.store import Store

store, name, output = Store(sys.argv[1]), *sys.argv[2:]
manifest = read_store(store)[name]
extractor = make_extractor(manifest.front_end)
engine = choose(store, manifest, extractor, EnginePreference("openvino", "float32"))
shape = (2, *manifest.window_spec.window_shape)
np.save(output, engine.score(np.random.RandomState(0).uniform(0, 3, shape).astype(np.float32)))
assert not {"tensorflow", "keras", "kapre"} & set(sys.modules)
"""


def _run_second_start(store: Path, name: str, folder: Path) -> np.ndarray:
    """Return the scores of a model in another process, which imports neither of the libraries."""
    output = folder.parent / "scores.npy"
    subprocess.run(
        [sys.executable, "-c", SECOND_START, store, name, output], timeout=300, check=True
    )
    scores: np.ndarray = np.load(output)
    return scores
