"""A head on its backbone, as one engine, for commands that score tracks one after the other."""

from app.domain import Outputs, Windows
from app.inference.engine import Engine
from app.inference.frozen_features import make_extractor
from app.inference.selection import EnginePreference, choose
from app.store.manifest.manifest import Manifest, read_manifest
from app.store.storage.store import Store


class StackedEngine(Engine):
    """See `app.inference.engine.Engine`; the service runs backbone and heads apart instead."""

    def __init__(self, backbone: Engine, head: Engine) -> None:
        super().__init__(
            head.ref,
            backbone.precision,
            backbone.batch_windows,
            backbone.window_spec,
            backbone.extractor,
        )
        self.backend = backbone.backend
        self._backbone, self._head = backbone, head

    def score(self, windows: Windows) -> Outputs:
        """See `app.inference.engine.Engine`.

        Args:
            windows: (windows, frames, bins) float32.

        Returns:
            (windows, tags) float32.
        """
        return self._head.score(self._backbone.score(windows)[:, -self._backbone.embedding :])


def choose_whole(store: Store, manifest: Manifest, preference: EnginePreference) -> Engine:
    """Return an engine that scores audio; of a head, one with its backbone.

    Args:
        store: The model store.
        manifest: The manifest of the model.
        preference: The backend and the precision that the operator prefers.

    Raises:
        SetupError: No engine passes, a model can't be loaded, or the backbone is missing.
    """
    extractor = make_extractor(manifest.front_end)
    engine = choose(store, manifest, extractor, preference)
    if manifest.backbone is None:
        return engine
    backbone = read_manifest(store, manifest.backbone)
    return StackedEngine(choose(store, backbone, extractor, preference), engine)
