"""Changes what aliases point to: sets them, rolls them back, and removes versions."""

from collections.abc import Callable
from contextlib import suppress
from itertools import groupby

from pydantic import ValidationError

from app.domain import ModelRef
from app.errors import ManifestError, SetupError
from app.store.manifest.manifest import read_manifest
from app.store.manifest.recommender import read_recommender
from app.store.registry.aliases import (
    PRODUCTION,
    Aliases,
    aliases_path,
    not_published,
    read_aliases,
)
from app.store.registry.weights import Published, check_ready
from app.store.storage.store import MANIFEST, MANIFESTS, RECOMMENDER, Store, number


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
        check_ready(store, _read(store, ModelRef(name, history[-2])))
        return _with_history(known, alias, history[:-1])

    return ModelRef(name, _change(store, name, rolled_back).aliases[alias][-1])


def remove(store: Store, ref: ModelRef) -> None:
    """Remove a version for good; it is removed from the histories of aliases too.

    Raises:
        SetupError: The version is not published, an alias points to it, heads score its embedding,
            or it can't be removed.
    """

    def without_version(known: Aliases) -> Aliases:
        _check_published(store, ref)
        if aliases := known.pointing(ref.version):
            raise SetupError(
                f"{ref} is in {' and '.join(aliases)}; promote another version first, or roll back"
            )
        if heads := _heads_on(store, ref):
            raise SetupError(f"{ref} is the backbone of {', '.join(heads)}; remove these first")
        histories = {name: _without(each, ref.version) for name, each in known.aliases.items()}
        removed = sorted({*known.removed, ref.version}, key=number)
        return Aliases(aliases=histories, removed=tuple(removed))

    # The file first: if the process is killed in between, the command can be run again.
    _change(store, ref.name, without_version, lambda: store.remove(ref, _manifest_of(store, ref)))


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
            store.write(aliases_path(name), changed.model_dump_json(indent=1).encode() + b"\n")
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


def _read(store: Store, ref: ModelRef) -> Published:
    """Return the manifest of a version of any kind."""
    read = read_recommender if _manifest_of(store, ref) == RECOMMENDER else read_manifest
    return read(store, ref)


def _manifest_of(store: Store, ref: ModelRef) -> str:
    """Return the name of the manifest of a version."""
    return RECOMMENDER if ref in store.refs((RECOMMENDER,)) else MANIFEST


def _heads_on(store: Store, ref: ModelRef) -> list[str]:
    """Return the heads that score the embedding of a version."""
    heads = []
    for other in store.refs():
        with suppress(ManifestError):  # an invalid model is not served either
            if read_manifest(store, other).backbone == ref:
                heads.append(str(other))
    return heads


def _check_published(store: Store, ref: ModelRef) -> None:
    _check_name(store, ref.name)
    refs = [each for each in store.refs(MANIFESTS) if each.name == ref.name]
    if ref not in refs:
        raise not_published(store, str(ref), [str(each) for each in refs])


def _check_name(store: Store, name: str) -> None:
    names = {ref.name: None for ref in store.refs(MANIFESTS)}
    if name not in names:
        raise not_published(store, name, names)
