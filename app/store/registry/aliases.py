"""Aliases of model versions, such as `production`, with their history.

`<name>/aliases.json` has for each alias the versions that it pointed to, the current one last, and
the removed versions: a number is never reused, as caches identify taggrams by it.
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
    """The content of `aliases.json`.

    Attributes:
        aliases: For each alias the versions that it pointed to, the current one last.
        removed: Versions that were removed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    aliases: dict[Alias, History] = {}
    removed: tuple[Version, ...] = ()

    def pointing(self, version: str) -> list[str]:
        """Return the aliases that point to a version."""
        return [alias for alias, history in self.aliases.items() if history[-1] == version]


def read_aliases(store: Store, name: str) -> Aliases:
    """Return the aliases of a model; empty if there is no file.

    Raises:
        ManifestError: The file is not valid.
        SetupError: It can't be read.
    """
    data = store.read(_path(name))
    try:
        return Aliases() if data is None else Aliases.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "all"
        raise ManifestError(f"{store.where(_path(name))}: {place}: {first['msg']}") from error


def resolve(
    store: Store, published: Mapping[str, tuple[Manifest, ...]], reference: str
) -> Manifest:
    """Return the model for `name`, `name/version` or `name/alias`.

    A name alone means the version in production, or else the newest.

    Args:
        store: The model store.
        published: All its models; see `app.store.manifest.manifest.manifests`.
        reference: `name`, `name/version` or `name/alias`.

    Raises:
        ManifestError: It is not published.
    """
    name, slash, tag = reference.partition("/")
    if name not in published:
        raise ManifestError(_not_published(store, reference, published))
    versions = {manifest.version: manifest for manifest in published[name]}
    if tag in versions:
        return versions[tag]
    histories = read_aliases(store, name).aliases
    history = histories.get(tag if slash else PRODUCTION)
    if history is None and not slash:
        return published[name][-1]
    if history is None or history[-1] not in versions:
        known = [f"{name}/{each}" for each in (*versions, *histories)]
        raise ManifestError(_not_published(store, reference, known))
    return versions[history[-1]]


def set_alias(store: Store, ref: ModelRef, alias: str) -> None:
    """Set an alias to a version, without verifying the model; see `publishing.promote`.

    Args:
        store: The model store.
        ref: The version.
        alias: The alias.

    Raises:
        SetupError: The version is not published, or the file can't be written.
    """

    def updated(known: Aliases) -> Aliases:
        _check_published(store, ref)
        history = known.aliases.get(alias, ())
        if history[-1:] == (ref.version,):
            return known
        return _with_history(known, alias, (*history, ref.version))

    _change(store, ref.name, updated)


def rollback(store: Store, name: str, alias: str = PRODUCTION) -> ModelRef:
    """Set an alias back to its previous version.

    Args:
        store: The model store.
        name: The name of the model.
        alias: The alias.

    Returns:
        The version that it points to now.

    Raises:
        SetupError: It does not exist or has no previous version, or the file can't be written.
    """
    _check_name(store, name)

    def rolled_back(known: Aliases) -> Aliases:
        history = known.aliases.get(alias)
        if history is None:
            raise SetupError(
                f"{name} has no version in {alias}; `taggram models promote` puts one there"
            )
        if len(history) == 1:
            raise SetupError(
                f"{name}/{history[0]} is the first in {alias}; there is no version to roll back to"
            )
        check_ready(store, read_manifest(store, ModelRef(name, history[-2])))
        return _with_history(known, alias, history[:-1])

    return ModelRef(name, _change(store, name, rolled_back).aliases[alias][-1])


def remove(store: Store, ref: ModelRef) -> None:
    """Remove a version for good; it is removed from the histories of aliases too.

    Raises:
        SetupError: The version is not published, an alias points to it, or it can't be removed.
    """

    def without_version(known: Aliases) -> Aliases:
        _check_published(store, ref)
        if aliases := known.pointing(ref.version):
            raise SetupError(
                f"{ref} is in {' and '.join(aliases)}; promote another version first, or roll back"
            )
        histories = {name: _without(each, ref.version) for name, each in known.aliases.items()}
        removed = sorted({*known.removed, ref.version}, key=number)
        return Aliases(aliases=histories, removed=tuple(removed))

    # The file first: if the process is killed in between, the command can be run again.
    _change(store, ref.name, without_version, lambda: store.remove(ref))


def _change(
    store: Store,
    name: str,
    change: Callable[[Aliases], Aliases],
    afterwards: Callable[[], None] = lambda: None,
) -> Aliases:
    change(read_aliases(store, name))  # a refused change does not even create a lock file
    with store.locked():
        known = read_aliases(store, name)
        changed = change(known)
        if changed != known:
            store.write(_path(name), changed.model_dump_json(indent=1).encode() + b"\n")
        afterwards()
    return changed


def _with_history(known: Aliases, alias: str, history: tuple[str, ...]) -> Aliases:
    try:
        return Aliases(aliases={**known.aliases, alias: history}, removed=known.removed)
    except ValidationError as error:
        raise SetupError(
            f"{alias!r} can't name an alias: use a-z, 0-9 and '-', a letter first"
        ) from error


def _without(history: tuple[str, ...], version: str) -> tuple[str, ...]:
    """Return a history without a version, and without repetitions in a row."""
    return tuple(each for each, _ in groupby(each for each in history if each != version))


def _check_published(store: Store, ref: ModelRef) -> None:
    _check_name(store, ref.name)
    refs = [each for each in store.refs() if each.name == ref.name]
    if ref not in refs:
        raise ManifestError(_not_published(store, str(ref), [str(each) for each in refs]))


def _check_name(store: Store, name: str) -> None:
    names = {ref.name: None for ref in store.refs()}
    if name not in names:
        raise ManifestError(_not_published(store, name, names))


def _not_published(store: Store, reference: str, known: Collection[str]) -> str:
    expected = f"expected one of {', '.join(known)}" if known else "it has no models"
    return f"{reference!r} is not published in {store.url}; {expected}"


def _path(name: str) -> str:
    return f"{name}/aliases.json"
