"""Keeps converted networks in the user's cache, so that a start needs neither Keras nor TensorFlow.

    <cache folder>/networks/<key>      SHA-256 of key and content, then the content

The key is a hash of all that the content depends on, so an entry is never stale. The content is
OpenVINO's IR (see `app.networks.ir`). Entries that are damaged, or that another user could have
written, are not used.
"""

import hashlib
import json
import logging
import os
import stat
import tempfile
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import BinaryIO

import openvino

from app.errors import WeightsError
from app.files import atomic_file
from app.installation import PACKAGE, cache_folder, installed_version
from app.networks.ir import GRAPH, LARGEST_NETWORK, WEIGHTS, NetworkFiles, unpack_network
from app.networks.running import read_network
from app.store.manifest.manifest import Manifest

log = logging.getLogger(__name__)

LIBRARIES = (
    "openvino",
    "tensorflow",
    "tensorflow-cpu",
    "keras",
    "kapre",
    "librosa",
    "scipy",
    "numpy",
)
"""Distributions that build or convert networks and front ends."""

CODE = ("models", "inference", "store/registry", "front_ends.py", "spectra.py")
"""Our code that does. Its parameters, such as those of folding, are constants in it."""

MOST_ENTRIES = 64
"""The oldest are deleted: each takes one to twenty megabytes."""

_DIGEST = hashlib.sha256().digest_size


def make_key(**inputs: object) -> str:
    """Return the key of an entry: a hash of its inputs, of the libraries and of our code.

    Args:
        inputs: All else that the content depends on, as JSON or with a complete `repr`.
    """
    environment = {"libraries": _libraries(), "code": _code(), "taggram": installed_version()}
    text = json.dumps({**environment, "inputs": inputs}, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def network_key(manifest: Manifest) -> str:
    """Return the key of a model's folded and converted network.

    The precision is not part of it: engines round when they compile the network.
    """
    return make_key(
        weights=manifest.weights.sha256,
        architecture=manifest.architecture.model_dump(),
        tags=len(manifest.tags.names),
        windows=manifest.window_spec,
    )


def read_entry(title: str, key: str) -> openvino.Model | None:
    """Return a network from the cache, or None if it is not there, damaged, or not trusted.

    Args:
        title: The network, as the log names it.
        key: Its key.
    """
    path = _folder() / key
    try:
        _check_owner(_folder().lstat(), _folder())
        with _open(path) as file:
            _check_owner(os.fstat(file.fileno()), path)
            content = file.read(LARGEST_NETWORK)
        if content[:_DIGEST] != _digest(key, content[_DIGEST:]):
            raise WeightsError("it is damaged")
        network = read_network(unpack_network(content[_DIGEST:], str(path)), title)
    except FileNotFoundError:
        return None
    except (OSError, WeightsError) as error:
        log.warning("%s: the cached network %s is not used: %s", title, path, error)
        return None
    log.info("%s: the converted network is from the cache", title)
    return network


def write_entry(title: str, key: str, network: openvino.Model) -> None:
    """Write a network to the cache, and delete the oldest entries beyond `MOST_ENTRIES`.

    Args:
        title: The network, as the log names it.
        key: Its key.
        network: The network.
    """
    folder = _folder()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        _check_owner(folder.lstat(), folder)
        content = _pack(network)
        with atomic_file(folder / key, 0o600) as file:
            file.write(_digest(key, content) + content)
        _delete_oldest(folder)
    except (OSError, WeightsError) as error:
        log.warning("%s: the network can't be cached in %s: %s", title, folder, error)
    else:
        log.info("%s: the converted network was cached in %s", title, folder)


def read_or_make(title: str, key: str, make: Callable[[], openvino.Model]) -> openvino.Model:
    """Return a network from the cache; make and cache it if it is not there.

    Args:
        title: The network, as the log names it.
        key: Its key.
        make: Makes the network.
    """
    network = read_entry(title, key)
    if network is None:
        network = make()
        write_entry(title, key, network)
    return network


def _folder() -> Path:
    return cache_folder() / "networks"


def _open(path: Path) -> BinaryIO:
    """Open a file; a link is not followed, and a pipe not waited for."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")


def _check_owner(status: os.stat_result, path: Path) -> None:
    """Check that no other user, except root, can have written a file or a folder.

    Raises:
        WeightsError: One can.
    """
    if stat.S_ISLNK(status.st_mode):
        raise WeightsError(f"{path} is a link; expected a folder")
    if status.st_uid not in {os.geteuid(), 0} or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise WeightsError(
            f"other users can write {path}; delete it, or make it this user's with mode 700"
        )


def _digest(key: str, content: bytes) -> bytes:
    return hashlib.sha256(key.encode() + content).digest()


def _pack(network: openvino.Model) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        graph, weights = Path(folder, GRAPH), Path(folder, WEIGHTS)
        openvino.serialize(network, graph, weights)
        return NetworkFiles(graph.read_bytes(), weights.read_bytes()).pack()


def _delete_oldest(folder: Path) -> None:
    by_age = sorted(folder.iterdir(), key=lambda file: file.lstat().st_mtime, reverse=True)
    for file in by_age[MOST_ENTRIES:]:
        file.unlink(missing_ok=True)


def _libraries() -> dict[str, str | None]:
    return {name: _version(name) for name in LIBRARIES}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


@cache
def _code() -> str:
    """Return a hash of our code that makes networks, which changes between two releases too."""
    digest = hashlib.sha256()
    for name in CODE:
        path = PACKAGE / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(f"{file.relative_to(PACKAGE)}\0".encode() + file.read_bytes())
    return digest.hexdigest()
