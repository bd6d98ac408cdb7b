"""The state of a store after a writer that is killed, or fails."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.domain import ModelRef
from app.errors import ManifestError, SetupError
from app.store.manifest.manifest import read_store
from app.store.registry.publishing import publish_folder
from app.store.storage.store import Store
from tests.support import tiny
from tests.support.tiny import Place

REF = ModelRef("tiny", "2")
FILES = {"weights.safetensors": b"weights", "manifest.toml": b"manifest"}

KILLED = f"""
import os, signal, sys
from app.domain import ModelRef
from app.store.storage import folder
from app.store.storage.store import Store

url, step, when = sys.argv[1], sys.argv[2], int(sys.argv[3])
store, calls = Store(url), 0
thing, name = {{
    "fsync": (folder.os, "fsync"),
    "rename": (folder.Path, "rename"),
    "remove": (folder.shutil, "rmtree"),
    "put": (getattr(store._files, "_system", None), "pipe_file"),
    "delete": (getattr(store._files, "_system", None), "rm_file"),
}}[step]
real = getattr(thing, name)

def counted(*arguments, **named):
    global calls
    calls += 1
    if calls == when:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments, **named)

setattr(thing, name, counted)
with store.locked():
    if sys.argv[4] == "publish":
        store.publish(ModelRef("tiny", "2"), {FILES!r})
    else:
        store.remove(ModelRef("tiny", "1"))
"""


def killed(place: Place, step: str, when: int, doing: str = "publish") -> None:
    """Publish or remove in a process that kills itself before a step of it."""
    url = place.store.url
    result = subprocess.run(
        [sys.executable, "-c", KILLED, url, step, str(when), doing],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == -signal.SIGKILL, result.stderr


@pytest.fixture
def one(place: Place, prepared_folder: Store, unchecked: None) -> Place:
    """A store with one version."""
    publish_folder(place.store, prepared_folder)
    return place


@pytest.mark.parametrize("place", ["folder"], indirect=True)
@pytest.mark.parametrize(("step", "when"), [("fsync", 1), ("fsync", 2), ("rename", 1)])
def test_a_publication_killed_midway_leaves_nothing_visible(
    step: str, when: int, one: Place, prepared_folder: Store
):
    before = one.content()

    killed(one, step, when)

    hidden = one.content().keys() - before.keys()
    assert hidden or when == 1, "else it was killed too early to leave anything"
    assert all(path.startswith(".partial-") for path in hidden)
    assert before.items() <= one.content().items()
    assert one.store.refs() == [ModelRef("tiny", "1")]
    assert publish_folder(one.store, prepared_folder).ref == REF
    assert len(one.content()) == 4, "what was left is gone"


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_a_publication_killed_at_the_end_is_published(one: Place):
    killed(one, "fsync", 3)

    assert tiny.files(one.content(), REF) == {f"{REF}/{name}": FILES[name] for name in FILES}


@pytest.mark.parametrize("place", ["s3"], indirect=True)
def test_a_publication_to_an_object_store_killed_midway_leaves_nothing_visible(
    one: Place, prepared_folder: Store
):
    before = one.content()

    killed(one, "put", 2)

    left = one.content().keys() - before.keys()
    assert left == {"tiny/2/weights.safetensors"}
    assert one.store.refs() == [ModelRef("tiny", "1")]
    assert publish_folder(one.store, prepared_folder).version == "3", "no number is used again"
    one.store.publish(REF, FILES)
    assert tiny.files(one.content(), REF) == {f"{REF}/{name}": FILES[name] for name in FILES}


@pytest.mark.parametrize(
    ("place", "step"),
    [("folder", "remove"), pytest.param("s3", "delete", marks=pytest.mark.thorough)],
    indirect=["place"],
)
def test_a_removal_killed_midway_leaves_a_whole_version_or_none(step: str, one: Place):
    killed(one, step, 2 if step == "delete" else 1, "remove")

    assert one.store.refs() == []
    with pytest.raises(ManifestError, match="no model is published here"):
        read_store(one.store)


@pytest.mark.parametrize(
    "place",
    [pytest.param("s3", marks=pytest.mark.thorough), "other folders"],
    indirect=True,
)
@pytest.mark.parametrize("fails", ["weights.safetensors", "manifest.toml"])
def test_a_failed_upload_shows_no_version_and_can_be_repeated(
    fails: str, one: Place, monkeypatch: pytest.MonkeyPatch
):
    system = one.store._files._system
    real = system.pipe_file

    def failing(path: str, data: bytes) -> None:
        if path.endswith(fails):
            raise TimeoutError("no answer")
        real(path, data)

    with monkeypatch.context() as broken:
        broken.setattr(system, "pipe_file", failing)
        with pytest.raises(SetupError, match=r"tiny/2: can't be written: no answer"):
            one.store.publish(REF, FILES)

    assert one.store.refs() == [ModelRef("tiny", "1")]
    one.store.publish(REF, FILES)
    assert tiny.files(one.content(), REF) == {f"{REF}/{name}": FILES[name] for name in FILES}


@tiny.everywhere
def test_a_published_version_is_not_overwritten(place: Place):
    with place.store.locked():
        place.store.publish(REF, FILES)
        before = place.content()
        other = dict.fromkeys(FILES, b"other")
        with pytest.raises(SetupError, match="tiny/2 exists, and a version never changes"):
            place.store.publish(REF, other)

    assert place.content() == before


@pytest.mark.parametrize("file", FILES)
def test_other_files_in_a_folder_are_not_overwritten(file: str, tmp_path: Path):
    store = Store(tmp_path)
    (tmp_path / "tiny" / "2").mkdir(parents=True)
    store.write(f"{REF}/{file}", b"theirs")

    with store.locked(), pytest.raises(SetupError, match="tiny/2 exists"):
        store.publish(REF, FILES)

    assert tiny.folder_content(tmp_path) == {f"{REF}/{file}": b"theirs"}
