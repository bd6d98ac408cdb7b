"""Aliases of model versions, such as `production`, with their history.

`<name>/aliases.json` has for each alias the versions that it pointed to, the current one last, and
the removed versions: a number is never reused, as caches identify taggrams by it.
"""

from collections.abc import Collection, Mapping
from typing import Annotated, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.errors import ManifestError
from app.store.manifest.manifest import Version
from app.store.storage.store import Store

PRODUCTION = "production"

Alias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
History = Annotated[tuple[Version, ...], Field(min_length=1)]


class Versioned(Protocol):
    """The manifest of a version."""

    @property
    def version(self) -> str:
        """The version."""


AnyVersion = TypeVar("AnyVersion", bound=Versioned)


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
    data = store.read(aliases_path(name))
    try:
        return Aliases() if data is None else Aliases.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "all"
        raise ManifestError(
            f"{store.where(aliases_path(name))}: {place}: {first['msg']}"
        ) from error


def resolve(
    store: Store, published: Mapping[str, tuple[AnyVersion, ...]], reference: str
) -> AnyVersion:
    """Return the version for `name`, `name/version` or `name/alias`.

    A name alone means the version in production, or else the newest.

    Args:
        store: The model store.
        published: All its versions; see `manifests` and `recommenders` in `app.store.manifest`.
        reference: `name`, `name/version` or `name/alias`.

    Raises:
        ManifestError: It is not published.
    """
    name, slash, tag = reference.partition("/")
    if name not in published:
        raise not_published(store, reference, published)
    versions = {manifest.version: manifest for manifest in published[name]}
    if tag in versions:
        return versions[tag]
    histories = read_aliases(store, name).aliases
    history = histories.get(tag if slash else PRODUCTION)
    if history is None and not slash:
        return published[name][-1]
    if history is None or history[-1] not in versions:
        known = [f"{name}/{each}" for each in (*versions, *histories)]
        raise not_published(store, reference, known)
    return versions[history[-1]]


def not_published(store: Store, reference: str, known: Collection[str]) -> ManifestError:
    """Return the error for a model that is not published.

    Args:
        store: The model store.
        reference: The model, as it was named.
        known: The references that would be valid.
    """
    expected = f"expected one of {', '.join(known)}" if known else "it has no models"
    return ManifestError(f"{reference!r} is not published in {store.url}; {expected}")


def aliases_path(name: str) -> str:
    """Return the path of the aliases of a model in a store."""
    return f"{name}/aliases.json"
