"""Chooses what runs a model: the fastest that gives the published scores on this machine."""

import logging
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from app.domain import Backend, Precision, Waveform
from app.errors import SetupError, WeightsError
from app.inference.engine import Engine
from app.inference.frames import Framer
from app.inference.tensorflow_engine import TensorFlowEngine, has_gpu
from app.store.golden import check_golden, golden_waveform
from app.store.loading import load
from app.store.manifest import Manifest
from app.store.store import Store

log = logging.getLogger(__name__)

HAS_OPENVINO = find_spec("openvino") is not None

if HAS_OPENVINO:
    from app.inference.openvino_engine import OpenVINOEngine, computes_bf16


@dataclass(frozen=True)
class Wish:
    """What an operator asks for."""

    backend: Literal["auto", "openvino", "tensorflow"]
    precision: Literal["auto", "float32", "bf16"]


def choose(store: Store, manifest: Manifest, framer: Framer, wish: Wish) -> Engine:
    """The first engine that fits the wish, fastest first, and passes the golden check.

    Raises:
        SetupError: None does.
    """
    problems = []
    for backend, precision in _candidates(wish):
        engine = _build(store, manifest, framer, backend, precision)
        try:
            _check(engine, manifest)
        except WeightsError as error:
            log.warning("not on %s in %s: %s", backend, precision, error)
            problems.append(str(error))
        else:
            log.info("%s runs on %s in %s", manifest.ref, backend, precision)
            return engine
    raise SetupError("; ".join(problems))


def _candidates(wish: Wish) -> list[tuple[Backend, Precision]]:
    """What fits the wish, fastest first: `python -m loadtests.stages` shows by how much."""
    fitting = [
        (backend, precision)
        for backend in _backends(wish)
        for precision in _precisions(backend)
        if wish.precision in ("auto", precision)
    ]
    if not fitting:
        raise SetupError(
            f"{wish.backend} computes no {wish.precision} on this machine; set TAGGRAM_PRECISION "
            "or TAGGRAM_ENGINE to auto"
        )
    return fitting


def _backends(wish: Wish) -> list[Backend]:
    if wish.backend == "openvino" and not HAS_OPENVINO:
        raise SetupError(
            "TAGGRAM_ENGINE is openvino, which is not installed; "
            "install taggram[openvino] or choose auto"
        )
    if wish.backend != "auto":
        return [Backend(wish.backend)]
    if has_gpu() or not HAS_OPENVINO:
        return [Backend.TENSORFLOW]
    return [Backend.OPENVINO, Backend.TENSORFLOW]


def _precisions(backend: Backend) -> list[Precision]:
    if backend is Backend.OPENVINO:
        bf16 = [Precision.BF16] if computes_bf16() else []
        return [*bf16, Precision.FLOAT32]
    if has_gpu():
        return [Precision.BF16, Precision.FLOAT32]
    return [Precision.FLOAT32, Precision.BF16]


def _build(
    store: Store, manifest: Manifest, framer: Framer, backend: Backend, precision: Precision
) -> Engine:
    if backend is Backend.OPENVINO:
        return OpenVINOEngine(load(store, manifest), precision, framer)
    return TensorFlowEngine(load(store, manifest, precision), precision, framer)


def _check(engine: Engine, manifest: Manifest) -> None:
    sample_rate = manifest.front_end.sample_rate
    waveform = Waveform(golden_waveform(manifest.golden, sample_rate), sample_rate)
    check_golden(manifest, engine.scores(waveform).mean(axis=0), engine.precision)
