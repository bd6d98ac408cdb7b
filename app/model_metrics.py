"""Prometheus metrics of the models and their engines."""

from collections.abc import Iterable
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Info

from app.domain import Backend, EngineCheck, ModelRef, Precision


class ModelMetrics:
    """Says which models are loaded, and counts checks of engines and reloads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._in_memory = Gauge(
            "taggram_models_in_memory", "Loaded models that are in memory.", registry=registry
        )
        self._model = Info("taggram_model", "A loaded model.", ["model"], registry=registry)
        self._engine_checks = Counter(
            "taggram_engine_checks",
            "Engines that were tried with the golden input of a model, by the result.",
            ["model", "version", "engine", "precision", "result"],
            registry=registry,
        )
        self._reloads = Counter(
            "taggram_reloads",
            "Attempts to replace the models; after a refused one the old models stay in use.",
            ["result"],
            registry=registry,
        )
        for result in ("replaced", "refused"):
            self._reloads.labels(result)

    def list_loaded(self, models: Iterable[tuple[ModelRef, str, Backend, Precision]]) -> None:
        """Replace the list of loaded models, each with the SHA-256 of its weights."""
        self._model.clear()
        for model, sha256, backend, precision in models:
            self._model.labels(model.name).info(
                {
                    "version": model.version,
                    "sha256": sha256,
                    "engine": backend,
                    "precision": precision,
                }
            )
            for result in EngineCheck:
                self._engine_checks.labels(*_engine(model, backend, precision), result)

    def count_check(
        self, model: ModelRef, backend: Backend, precision: Precision, result: EngineCheck
    ) -> None:
        """Count an engine that was tried with the golden input of a model."""
        self._engine_checks.labels(*_engine(model, backend, precision), result).inc()

    def count_reload(self, result: Literal["replaced", "refused"]) -> None:
        """Count an attempt to replace the models."""
        self._reloads.labels(result).inc()

    def set_in_memory(self, models: int) -> None:
        """Set the number of models in memory."""
        self._in_memory.set(models)


def _engine(model: ModelRef, backend: Backend, precision: Precision) -> tuple[str, ...]:
    """Return the labels of a model on an engine."""
    return model.name, model.version, backend, precision
