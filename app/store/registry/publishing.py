"""How a model becomes a version that everybody sees, and a version the one that serves.

    prepared --(loads, fits, is finite, scores as it says)--> version --(verified)--> alias

Whatever is wrong is found before anything is written.
"""

from app.domain import ModelRef
from app.errors import SetupError
from app.models.folding import Weights as Arrays
from app.store.manifest.manifest import Manifest, ModelSpec, manifests
from app.store.registry.aliases import PRODUCTION, point, read_aliases, served
from app.store.registry.loading import check_scores, verify
from app.store.registry.packaging import ModelPackage, package_model, read_prepared
from app.store.registry.weights import unpacked
from app.store.storage.store import MANIFEST, Store, number

_ATTEMPTS = 10
"""So many numbers are tried where others publish at the same time."""


def publish(store: Store, spec: ModelSpec, weights: Arrays) -> Manifest:
    """Publish a model that was trained or converted; what it scores now is golden.

    Args:
        store: Where to.
        spec: What is to be said about it; without a version it gets the next number.
        weights: The network's, by the path of each variable.

    Raises:
        SetupError: It is not right, or can't be written; the store is as it was.
    """
    if spec.version:
        _check_free(store, ModelRef(spec.name, spec.version))
    return publish_prepared(store, package_model(spec, weights))


def publish_folder(store: Store, folder: Store) -> Manifest:
    """Publish a folder with a manifest and weights, such as a version of another store.

    Raises:
        SetupError: It is not right, or can't be written; the store is as it was.
    """
    return publish_prepared(store, read_prepared(folder))


def publish_prepared(store: Store, package: ModelPackage) -> Manifest:
    """Publish a manifest with its weights.

    Raises:
        SetupError: It is not right, or can't be written; the store is as it was.
    """
    manifest = package.manifest(package.version or _next_version(store, package.name))
    if package.version:
        _check_free(store, manifest.ref)
    check_scores(manifest, unpacked(manifest, package.weights, package.where))
    for _ in range(_ATTEMPTS):
        with store.locked():
            published = _put(store, package)
        if published:
            return published
    raise SetupError(f"{store.url}: others publish {package.name} at the same time; try again")


def promote(store: Store, wanted: str, alias: str = PRODUCTION) -> Manifest:
    """Let an alias point to a version, if that is what it was when it was published.

    Args:
        store: Where it is published.
        wanted: `name/version`, or `name/alias` for where another alias points.
        alias: Which alias.

    Raises:
        SetupError: There is no such version, it does not verify, or can't be written.
    """
    manifest = served(store, manifests(store), wanted)
    verify(store, manifest)
    point(store, manifest.ref, alias)
    return manifest


def _put(store: Store, package: ModelPackage) -> Manifest | None:
    """Put it there under its number, or the next one; nothing where others took it first."""
    manifest = package.manifest(package.version or _next_version(store, package.name))
    if package.version:
        _check_free(store, manifest.ref)
    text = package.numbered(manifest.version).encode()
    files = {manifest.weights.file: package.weights, MANIFEST: text}
    return manifest if store.publish(manifest.ref, files) else None


def _next_version(store: Store, name: str) -> str:
    """One more than all that were ever there: caches know taggrams by the number."""
    known = {*store.versions(name), *read_aliases(store, name).removed}
    return str(max(map(number, known), default=0) + 1)


def _check_free(store: Store, ref: ModelRef) -> None:
    if ref.version in read_aliases(store, ref.name).removed:
        raise SetupError(
            f"{ref} was removed from {store.url}, and its number is not given again; leave the "
            "version out to get the next one"
        )
    if ref.version in store.versions(ref.name):
        raise SetupError(
            f"{ref} is in {store.url} already, and a version never changes; leave the version out "
            "to get the next one"
        )
