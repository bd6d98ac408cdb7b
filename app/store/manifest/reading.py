"""Reads manifests of any kind from a store."""

from app.domain import ModelRef
from app.errors import ManifestError
from app.store.manifest.tables import AnyTable, parse_toml, validate
from app.store.storage.store import Store


def read_table(store: Store, path: str, kind: type[AnyTable]) -> AnyTable:
    """Read a file of TOML, and validate it as a table.

    Args:
        store: The store.
        path: The path of the file.
        kind: The class of the table.

    Raises:
        ManifestError: It is missing or not valid.
        SetupError: It can't be read.
    """
    where = store.where(path)
    data = store.read(path)
    if data is None:
        raise ManifestError(f"{where}: there is no such file")
    return validate(kind, parse_toml(data, where), where)


def check_ref(found: ModelRef, expected: ModelRef, where: str) -> None:
    """Check that a manifest has the name and version of its folder.

    Raises:
        ManifestError: They differ.
    """
    if found != expected:
        raise ManifestError(f"{where}: is the manifest of {found}; expected {expected}")
