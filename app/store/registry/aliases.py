"""Which version of a model is in production, and which ones were before.

`<name>/aliases.json` keeps, for each alias, the versions that it pointed to, the last one being
where it points now, and the versions that were removed: a number is never given again, as caches
know taggrams by it.
"""

from collections.abc import Callable, Collection, Mapping
from itertools import groupby
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.domain import ModelRef
from app.errors import ManifestError, SetupError
from app.store.manifest.manifest import Manifest, Version, read_manifest
from app.store.registry.weights import check_ready
from app.store.storage.store import Store, number

PRODUCTION = "production"

Alias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
History = Annotated[tuple[Version, ...], Field(min_length=1)]


class Aliases(BaseModel):
    """The file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    aliases: dict[Alias, History] = {}
    removed: tuple[Version, ...] = ()

    def pointing(self, version: str) -> list[str]:
        """The aliases that point to a version."""
        return [alias for alias, history in self.aliases.items() if history[-1] == version]


def read_aliases(store: Store, name: str) -> Aliases:
    """The aliases of a model; none where there is no file.

    Raises:
        ManifestError: The file is wrong.
        SetupError: It can't be read.
    """
    data = store.read(_path(name))
    try:
        return Aliases() if data is None else Aliases.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "all"
        raise ManifestError(f"{store.where(_path(name))}: {place}: {first['msg']}") from error


def served(store: Store, published: Mapping[str, tuple[Manifest, ...]], wanted: str) -> Manifest:
    """The model that is meant by `name`, `name/version` or `name/alias`.

    A name alone means the version in production, or else the newest.

    Args:
        store: Where they are published.
        published: All of them; see `app.store.manifest.manifest.manifests`.
        wanted: Which one.

    Raises:
        ManifestError: There is none.
    """
    name, slash, which = wanted.partition("/")
    if name not in published:
        raise ManifestError(_not_there(store, wanted, published))
    versions = {manifest.version: manifest for manifest in published[name]}
    if which in versions:
        return versions[which]
    histories = read_aliases(store, name).aliases
    history = histories.get(which if slash else PRODUCTION)
    if history is None and not slash:
        return published[name][-1]
    if history is None or history[-1] not in versions:
        there = [f"{name}/{each}" for each in (*versions, *histories)]
        raise ManifestError(_not_there(store, wanted, there))
    return versions[history[-1]]


def point(store: Store, ref: ModelRef, alias: str) -> None:
    """Let an alias point to a version. Whoever promotes verifies first: `publishing.promote`.

    Raises:
        SetupError: There is no such version, or the file can't be written.
    """

    def pointed(known: Aliases) -> Aliases:
        _check_there(store, ref)
        history = known.aliases.get(alias, ())
        if history[-1:] == (ref.version,):
            return known
        return _pointing(known, alias, (*history, ref.version))

    _change(store, ref.name, pointed)


def rollback(store: Store, name: str, alias: str = PRODUCTION) -> ModelRef:
    """Let an alias point to where it pointed before; where that is.

    Raises:
        SetupError: It points nowhere, or never pointed elsewhere, or the file can't be written.
    """
    _check_name(store, name)

    def rolled_back(known: Aliases) -> Aliases:
        history = known.aliases.get(alias)
        if history is None:
            raise SetupError(
                f"{name} has no version in {alias}; `taggram models promote` puts one there"
            )
        if len(history) == 1:
            raise SetupError(f"{name}/{history[0]} is the first in {alias}; there is none before")
        check_ready(store, read_manifest(store, ModelRef(name, history[-2])))
        return _pointing(known, alias, history[:-1])

    return ModelRef(name, _change(store, name, rolled_back).aliases[alias][-1])


def remove(store: Store, ref: ModelRef) -> None:
    """Take a version away for good; no rollback leads to it any more.

    Raises:
        SetupError: There is no such version, an alias points to it, or it can't be removed.
    """

    def forgotten(known: Aliases) -> Aliases:
        _check_there(store, ref)
        if aliases := known.pointing(ref.version):
            raise SetupError(
                f"{ref} is in {' and '.join(aliases)}; promote another version first, or roll back"
            )
        histories = {name: _without(each, ref.version) for name, each in known.aliases.items()}
        removed = sorted({*known.removed, ref.version}, key=number)
        return Aliases(aliases=histories, removed=tuple(removed))

    # The file first: whoever is killed between, and runs it again, has lost nothing.
    _change(store, ref.name, forgotten, lambda: store.remove(ref))


def _change(
    store: Store,
    name: str,
    change: Callable[[Aliases], Aliases],
    afterwards: Callable[[], None] = lambda: None,
) -> Aliases:
    change(read_aliases(store, name))  # what is refused leaves not even a lock behind
    with store.locked():
        known = read_aliases(store, name)
        changed = change(known)
        if changed != known:
            store.write(_path(name), changed.model_dump_json(indent=1).encode() + b"\n")
        afterwards()
    return changed


def _pointing(known: Aliases, alias: str, history: tuple[str, ...]) -> Aliases:
    try:
        return Aliases(aliases={**known.aliases, alias: history}, removed=known.removed)
    except ValidationError as error:
        raise SetupError(
            f"{alias!r} can't name an alias: use a-z, 0-9 and '-', a letter first"
        ) from error


def _without(history: tuple[str, ...], version: str) -> tuple[str, ...]:
    """What is left of a history; never the same version twice in a row."""
    return tuple(each for each, _ in groupby(each for each in history if each != version))


def _check_there(store: Store, ref: ModelRef) -> None:
    _check_name(store, ref.name)
    there = [each for each in store.refs() if each.name == ref.name]
    if ref not in there:
        raise ManifestError(_not_there(store, str(ref), [str(each) for each in there]))


def _check_name(store: Store, name: str) -> None:
    names = {ref.name: None for ref in store.refs()}
    if name not in names:
        raise ManifestError(_not_there(store, name, names))


def _not_there(store: Store, wanted: str, there: Collection[str]) -> str:
    known = f"there are {', '.join(there)}" if there else "nothing is"
    return f"{wanted!r} is not published in {store.url}; {known}"


def _path(name: str) -> str:
    return f"{name}/aliases.json"
