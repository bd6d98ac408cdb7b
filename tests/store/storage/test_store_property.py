"""Whatever is done to a store, in whatever order, it stays one."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain import ModelRef
from app.errors import SetupError
from app.store.manifest.manifest import manifests
from app.store.registry.alias_changes import remove, rollback
from app.store.registry.aliases import read_aliases, resolve
from app.store.registry.packaging import ModelPackage
from app.store.registry.publishing import promote, publish_folder
from app.store.registry.weights import WeightsState, weights_state
from app.store.storage.store import Store
from tests.support import tiny

NAMES = st.sampled_from(["a", "b"])
VERSIONS = st.sampled_from(["1", "2", "3", "9"])
ALIASES = st.sampled_from(["production", "staging"])
STEPS = st.lists(
    st.tuples(st.just("publish"), NAMES, st.none() | VERSIONS)
    | st.tuples(st.just("promote"), NAMES, VERSIONS, ALIASES)
    | st.tuples(st.just("rollback"), NAMES, ALIASES)
    | st.tuples(st.just("remove"), NAMES, VERSIONS),
    max_size=14,
)

# Each example has a store of its own.
examples = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


class Expected:
    """What a store is to hold, kept in the plainest way."""

    def __init__(self) -> None:
        self.versions: dict[str, set[int]] = {"a": set(), "b": set()}
        self.ever: dict[str, set[int]] = {"a": set(), "b": set()}
        self.histories: dict[tuple[str, str], list[int]] = {}

    def publish(self, name: str, version: str | None) -> bool:
        number = int(version or max(self.ever[name], default=0) + 1)
        if number in self.ever[name]:
            return False
        self.versions[name].add(number)
        self.ever[name].add(number)
        return True

    def promote(self, name: str, version: str, alias: str) -> bool:
        if int(version) not in self.versions[name]:
            return False
        history = self.histories.setdefault((name, alias), [])
        if history[-1:] != [int(version)]:
            history.append(int(version))
        return True

    def rollback(self, name: str, alias: str) -> bool:
        history = self.histories.get((name, alias), [])
        if len(history) < 2:
            return False
        history.pop()
        return True

    def remove(self, name: str, version: str) -> bool:
        number = int(version)
        aliased = [history for (of, _), history in self.histories.items() if of == name and history]
        if number not in self.versions[name] or any(each[-1] == number for each in aliased):
            return False
        self.versions[name].discard(number)
        for history in aliased:
            kept = [each for each in history if each != number]
            history[:] = [
                each for place, each in enumerate(kept) if not place or kept[place - 1] != each
            ]
        return True


def do(store: Store, package: ModelPackage, folder: Path, step: tuple[str, ...]) -> bool:
    """Take a step; whether it was not refused."""
    what, name, *rest = step
    try:
        if what == "publish":
            text = package.text.replace('name = "tiny"', f'name = "{name}"')
            text = f'version = "{rest[0]}"\n{text}' if rest[0] else text
            (folder / "manifest.toml").write_text(text)
            (folder / "weights.safetensors").write_bytes(package.weights)
            publish_folder(store, Store(folder))
        elif what == "promote":
            promote(store, f"{name}/{rest[0]}", rest[1])
        elif what == "rollback":
            rollback(store, name, rest[0])
        else:
            remove(store, ModelRef(name, rest[0]))
    except SetupError:
        return False
    return True


def check(store: Store, expected: Expected, content: Callable[[], tiny.Content]) -> None:
    """Compare a store with its expected content."""
    found = content()
    refs = {ModelRef(name, str(n)) for name, numbers in expected.versions.items() for n in numbers}
    assert {path.rpartition("/")[0] for path in found if path.count("/") == 2} == set(
        map(str, refs)
    )
    assert set(store.refs()) == refs
    if not refs:
        return
    published = manifests(store)
    assert {each.ref for versions in published.values() for each in versions} == refs
    for (name, alias), history in expected.histories.items():
        if history:
            assert read_aliases(store, name).aliases[alias] == tuple(map(str, history))
            manifest = resolve(store, published, f"{name}/{alias}")
            assert manifest.version == str(history[-1])
            assert weights_state(store, manifest) is WeightsState.READY


def run(
    store: Store, package: ModelPackage, content: Callable[[], tiny.Content], steps: list
) -> None:
    """Take all steps; after each the store is as expected, and versions are unchanged."""
    expected, ever = Expected(), {}
    with tempfile.TemporaryDirectory() as folder:
        for step in steps:
            before = content()
            done = do(store, package, Path(folder), step)
            assert done == getattr(expected, step[0])(*step[1:])
            if not done:
                assert content() == before
            check(store, expected, content)
            for ref in store.refs():
                files = tiny.files(content(), ref)
                assert ever.setdefault(ref, files) == files


@pytest.mark.usefixtures("unchecked")
@examples
@given(steps=STEPS)
def test_a_folder_stays_a_store(steps: list[tuple[str, ...]], package: ModelPackage):
    with tempfile.TemporaryDirectory() as folder:
        run(Store(folder), package, lambda: tiny.folder_content(Path(folder)), steps)


@pytest.mark.usefixtures("unchecked")
@examples
@given(steps=STEPS)
def test_a_store_behind_a_url_stays_a_store(steps: list[tuple[str, ...]], package: ModelPackage):
    import fsspec

    system = fsspec.filesystem("memory")
    system.store.clear()

    def content() -> tiny.Content:
        return {
            path.removeprefix("/models/"): system.cat_file(path) for path in system.find("/models")
        }

    run(Store("memory://models"), package, content, steps)
