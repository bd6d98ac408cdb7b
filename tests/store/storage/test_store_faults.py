"""The state of a store after a writer that is killed, or fails."""

import signal
import subprocess
import sys
from datetime import timedelta
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
from app.store.storage import folder, remote
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
@pytest.mark.parametrize("when", [pytest.param(1, marks=pytest.mark.thorough), 2])
def test_a_publication_to_an_object_store_killed_midway_leaves_nothing_visible(
    when: int, one: Place, prepared_folder: Store, monkeypatch: pytest.MonkeyPatch
):
    before = one.content()

    killed(one, "put", when)

    left = one.content().keys() - before.keys()
    assert left == ({"tiny/2/weights.safetensors"} if when == 2 else set())
    assert one.store.refs() == [ModelRef("tiny", "1")]
    assert publish_folder(one.store, prepared_folder).version == ("3" if left else "2")
    monkeypatch.setattr("app.store.storage.remote.LEFT_OVER", timedelta(0))
    publish_folder(one.store, prepared_folder)
    assert not left & one.content().keys(), "what is old is cleared away"


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
@pytest.mark.parametrize("fails", [1, 2])
@pytest.mark.parametrize("written", [False, True])
def test_a_failed_write_removes_the_files_written_before(
    written: bool, fails: int, one: Place, monkeypatch: pytest.MonkeyPatch
):
    before, calls = one.content(), 0
    system = one.store._files._system
    real = system.pipe_file

    def failing(*arguments: object, **named: object) -> object:
        nonlocal calls
        calls += 1
        if calls < fails:
            return real(*arguments, **named)
        if written:  # and no error is reported
            real(*arguments, **named)
        raise TimeoutError("no answer")

    monkeypatch.setattr(system, "pipe_file", failing)
    if one.store.url.startswith("local:"):
        Path(one.store.url.removeprefix("local://"), "tiny", "2").mkdir()

    with pytest.raises(SetupError, match=r"tiny/2: can't be written: no answer"):
        one.store.publish(REF, FILES)

    assert calls == fails
    assert one.content() == before


@pytest.mark.parametrize("place", ["s3"], indirect=True)
def test_a_lost_answer_of_the_object_store_is_recovered(
    one: Place, monkeypatch: pytest.MonkeyPatch
):
    system = one.store._files._system
    real = system.pipe_file

    def twice(path: str, data: bytes, **named: object) -> object:
        if path.endswith("manifest.toml"):
            real(path, data, **named)
        return real(path, data, **named)

    monkeypatch.setattr(system, "pipe_file", twice)

    assert one.store.publish(REF, FILES)
    assert one.content()[f"{REF}/manifest.toml"] == b"manifest"


@tiny.everywhere
@pytest.mark.parametrize("file", FILES)
def test_existing_files_are_not_overwritten(file: str, place: Place):
    if place.store.folder:
        (place.store.folder / "tiny" / "2").mkdir(parents=True)
    elif place.store.url.startswith("local:"):
        Path(place.store.url.removeprefix("local://"), "tiny", "2").mkdir(parents=True)
    place.store.write(f"{REF}/{file}", b"theirs")
    before = place.content()

    with place.store.locked():
        assert not place.store.publish(REF, FILES)

    assert place.content() == before
