"""The models that `taggram models pull NAME` can publish.

Their manifests ship with the code, `available/<name>.toml`, without a version. Their weights don't:
`download` downloads the released checkpoint, and `importing` converts it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.errors import ManifestError, SetupError
from app.store.manifest.manifest import Manifest, read_manifest
from app.store.manifest.source import Checkpoint
from app.store.manifest.tables import parse_toml, validate
from app.store.registry.weights import WeightsState, weights_state
from app.store.storage.store import Store

FOLDER = Path(__file__).parent / "available"


@dataclass(frozen=True)
class Available:
    """A model that can be pulled.

    Attributes:
        text: Its manifest in TOML, without a version.
        manifest: The same, validated, as version 1.
        checkpoint: The file that its weights are converted from.
    """

    text: str
    manifest: Manifest
    checkpoint: Checkpoint

    def published(self, store: Store) -> Manifest | None:
        """Return the newest version in a store that is this model, with or without its weights.

        Raises:
            SetupError: The store can't be read.
        """
        for ref in reversed([each for each in store.refs() if each.name == self.manifest.name]):
            found = read_manifest(store, ref)
            if found == self.manifest.model_copy(update={"version": found.version}):
                return found
        return None

    def ready(self, store: Store) -> Manifest | None:
        """Return the newest version in a store that is this model, if its weights are ready.

        Raises:
            SetupError: The store can't be read.
        """
        found = self.published(store)
        if found and weights_state(store, found) is WeightsState.READY:
            return found
        return None


def available() -> Mapping[str, Available]:
    """Return all models that can be pulled, by name.

    Raises:
        ManifestError: A manifest is not valid.
    """
    models = [_read(path) for path in sorted(FOLDER.glob("*.toml"))]
    return {each.manifest.name: each for each in models}


def find_available(name: str) -> Available:
    """Return a model that can be pulled.

    Raises:
        SetupError: The name is unknown.
    """
    models = available()
    if name not in models:
        raise SetupError(
            f"{name!r} is not a model that can be pulled by name; expected one of "
            f"{', '.join(models)}"
        )
    return models[name]


def _read(path: Path) -> Available:
    text = path.read_text()
    manifest = validate(
        Manifest, {"version": "1", **parse_toml(text.encode(), str(path))}, str(path)
    )
    if manifest.source.checkpoint is None:
        raise ManifestError(f"{path}: source.checkpoint: is missing")
    return Available(text, manifest, manifest.source.checkpoint)
