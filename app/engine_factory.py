"""Loads models on engines, as the settings say."""

import threading
from dataclasses import replace
from functools import partial
from weakref import WeakValueDictionary

from app.front_ends import FrontEnd
from app.inference.engine import Engine
from app.inference.features import FeatureExtractor
from app.inference.pool import EngineFactory, EngineSpec
from app.metrics import Metrics
from app.settings import Settings
from app.store.manifest.manifest import Manifest
from app.store.storage.store import Store


def make_engine_factory(
    settings: Settings, building: threading.Lock, metrics: Metrics, *, with_embeddings: bool
) -> EngineFactory:
    """Return a function that loads models; models with the same front end share its extractor.

    Args:
        settings: The model store, the engine and the precision.
        building: A lock held while a model is built, as Keras has one dtype policy for all threads:
            during a reload, models of both pools may be built.
        metrics: Counts the engines that were tried.
        with_embeddings: Whether the outputs of engines end in embeddings.
    """
    # Imported here, as TensorFlow takes seconds to import and other commands don't need it.
    from app.inference.frozen_features import make_extractor
    from app.inference.selection import EnginePreference, choose

    store = Store(settings.model_store)
    extractors: WeakValueDictionary[FrontEnd, FeatureExtractor] = WeakValueDictionary()

    def make(manifest: Manifest, choice: EngineSpec | None) -> Engine:
        """Load a model; see `EngineFactory`."""
        preference = EnginePreference(settings.engine, settings.precision)
        if choice:
            preference = EnginePreference(choice.backend.value, choice.precision.value)
        with building:
            front = manifest.front_end
            extractor = extractors.get(front) or make_extractor(front)
            extractors[front] = extractor
            preference = replace(preference, embedding=with_embeddings)
            on_checked = partial(metrics.models.count_check, manifest.ref)
            return choose(store, manifest, extractor, preference, on_checked)

    return make
