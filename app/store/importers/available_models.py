"""The models that `taggram models pull NAME` brings.

Their manifests ship with the code, `available/<name>.toml`, without a version. Their weights don't:
`download` fetches the released checkpoint, and `importing` converts it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.errors import ManifestError, SetupError
from app.store.manifest.manifest import Checkpoint, Manifest, read_manifest
from app.store.manifest.tables import checked, parsed
from app.store.registry.weights import WeightsState, weights_state
from app.store.storage.store import Store

FOLDER = Path(__file__).parent / "available"


@dataclass(frozen=True)
class Available:
    """A model that can be pulled.

    Attributes:
        text: Its manifest, without a version.
        manifest: The same, checked, as its first version.
        checkpoint: The file that its weights are converted from.
    """

    text: str
    manifest: Manifest
    checkpoint: Checkpoint

    def published(self, store: Store) -> Manifest | None:
        """The newest version in a store that is this model, whatever became of its weights.

        Raises:
            SetupError: The store can't be read.
        """
        for ref in reversed([each for each in store.refs() if each.name == self.manifest.name]):
            found = read_manifest(store, ref)
            if found == self.manifest.model_copy(update={"version": found.version}):
                return found
        return None

    def in_place(self, store: Store) -> Manifest | None:
        """The same, with its weights.

        Raises:
            SetupError: The store can't be read.
        """
        found = self.published(store)
        ready = found and weights_state(store, found) is WeightsState.READY
        return found if ready else None


def available() -> Mapping[str, Available]:
    """All of them, by name.

    Raises:
        ManifestError: A manifest is wrong.
    """
    models = [_read(path) for path in sorted(FOLDER.glob("*.toml"))]
    return {each.manifest.name: each for each in models}


def find_available(name: str) -> Available:
    """The one of this name.

    Raises:
        SetupError: There is none.
    """
    models = available()
    if name not in models:
        raise SetupError(
            f"{name!r} is not a model that can be pulled by name; there are {', '.join(models)}"
        )
    return models[name]


def _read(path: Path) -> Available:
    text = path.read_text()
    manifest = checked(Manifest, {"version": "1", **parsed(text.encode(), str(path))}, str(path))
    if manifest.source.checkpoint is None:
        raise ManifestError(f"{path}: source.checkpoint: is missing")
    return Available(text, manifest, manifest.source.checkpoint)
