"""Publishes packages as versions, and promotes versions to aliases.

    package --(loads, fits, is finite, has its golden scores)--> version --(verified)--> alias

Everything is checked before anything is written.
"""

from app.domain import ModelRef
from app.errors import SetupError
from app.models.folding import Weights as Arrays
from app.networks.ir import NetworkFiles
from app.store.manifest.manifest import Manifest, ModelSpec, manifests
from app.store.registry.alias_changes import set_alias
from app.store.registry.aliases import PRODUCTION, read_aliases, resolve
from app.store.registry.packaging import (
    ModelPackage,
    package_model,
    package_network,
    read_package,
)
from app.store.registry.verification import check_file, verify
from app.store.storage.store import MANIFEST, MANIFESTS, Store, number


def publish(store: Store, spec: ModelSpec, weights: Arrays) -> Manifest:
    """Publish a trained or converted model; its present scores become the golden ones.

    Args:
        store: The model store.
        spec: The description of the model; without a version it gets the next number.
        weights: Its weights by path.

    Raises:
        SetupError: It is not valid, or can't be written; the store is unchanged.
    """
    if spec.version:
        _check_free(store, ModelRef(spec.name, spec.version))
    return publish_package(store, package_model(spec, weights))


def publish_network(store: Store, spec: ModelSpec, network: NetworkFiles) -> Manifest:
    """Publish a network of another project as the next version of its name.

    Args:
        store: The model store.
        spec: The description of the model.
        network: In the canonical form of `app.networks`.

    Raises:
        SetupError: It is not valid, or can't be written; the store is unchanged.
    """
    return publish_package(store, package_network(spec, network))


def publish_folder(store: Store, folder: Store) -> Manifest:
    """Publish a folder with a manifest and weights, such as a version of another store.

    Raises:
        SetupError: It is not valid, or can't be written; the store is unchanged.
    """
    return publish_package(store, read_package(folder))


def publish_package(store: Store, package: ModelPackage) -> Manifest:
    """Publish a package.

    Raises:
        SetupError: It is not valid, or can't be written; the store is unchanged.
    """
    manifest = _numbered(store, package)
    check_file(manifest, package.weights, package.where)
    with store.locked():
        manifest = _numbered(store, package)  # others may have published meanwhile
        text = package.numbered(manifest.version).encode()
        store.publish(manifest.ref, {manifest.weights.file: package.weights, MANIFEST: text})
    return manifest


def promote(store: Store, reference: str, alias: str = PRODUCTION) -> Manifest:
    """Verify a version against its golden scores, and set an alias to it.

    Args:
        store: The model store.
        reference: `name/version`, or `name/alias` for the version of another alias.
        alias: The alias.

    Raises:
        SetupError: It is not published, it fails the check, or the alias can't be written.
    """
    manifest = resolve(store, manifests(store), reference)
    verify(store, manifest)
    set_alias(store, manifest.ref, alias)
    return manifest


def _numbered(store: Store, package: ModelPackage) -> Manifest:
    """Return its manifest with its own version, or else the next one."""
    if package.version:
        _check_free(store, ModelRef(package.name, package.version))
    check_kind(store, package.name, MANIFEST)
    return package.manifest(package.version or next_version(store, package.name))


def check_kind(store: Store, name: str, manifest: str) -> None:
    """Check that a name is free, or that all its versions have this kind of manifest.

    Raises:
        SetupError: There are versions of another kind, whose aliases would be shared.
    """
    others = [kind for kind in MANIFESTS if kind != manifest]
    if any(ref.name == name for ref in store.refs(others)):
        raise SetupError(
            f"{name} has versions with a {' or '.join(others)} in {store.url}; recommenders and "
            "models that tag tracks have different names: choose another one"
        )


def next_version(store: Store, name: str) -> str:
    """Return a number above all ever used: caches identify taggrams by it."""
    known = {*store.versions(name), *read_aliases(store, name).removed}
    return str(max(map(number, known), default=0) + 1)


def _check_free(store: Store, ref: ModelRef) -> None:
    if ref.version in read_aliases(store, ref.name).removed:
        raise SetupError(
            f"{ref} was removed from {store.url}, and numbers are not reused; leave the version "
            "out to get the next one"
        )
    if ref in store.refs(MANIFESTS):
        raise SetupError(
            f"{ref} is in {store.url} already, and a version never changes; leave the version out "
            "to get the next one"
        )
