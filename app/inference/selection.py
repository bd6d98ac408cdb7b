"""Chooses the engine of a model: the fastest one that reproduces the published scores here."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from app.domain import Backend, EngineCheck, Outputs, Precision, Waveform
from app.errors import SetupError, WeightsError, describe
from app.inference.engine import Engine
from app.inference.features import FeatureExtractor
from app.inference.gpus import has_gpu
from app.store.manifest.manifest import Manifest
from app.store.registry.golden import check_golden, golden_embeddings, golden_waveform
from app.store.registry.weights import read_file
from app.store.storage.store import Store

try:
    from app.inference.converted_networks import convert_and_cache, read_converted
    from app.inference.openvino_engine import OpenVINOEngine, computes_bf16
    from app.inference.quantisation import computes_int8, has_tall_filters
    from app.store.registry.imported import ImportedModel, load_imported
except ImportError as error:
    OPENVINO_ERROR = describe(error)
else:
    OPENVINO_ERROR = ""
HAS_OPENVINO = not OPENVINO_ERROR

if TYPE_CHECKING:  # imports TensorFlow, which takes seconds and which OpenVINO does not need
    from app.store.registry.loading import TrackModel

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EnginePreference:
    """The backend and the precision that the operator prefers.

    Attributes:
        backend: The value of TAGGRAM_ENGINE.
        precision: The value of TAGGRAM_PRECISION, or that of an engine built before.
        exact: Whether to compute filters that a manifest calls negligible; the service does not.
        embedding: Whether the outputs of an architecture of ours end in the embedding. An imported
            network has one or not.
    """

    backend: Literal["auto", "openvino", "tensorflow"]
    precision: Literal["auto", "float32", "int8", "bf16"]
    exact: bool = False
    embedding: bool = False


AUTO = EnginePreference("auto", "auto")

MIN_SPEED = 8.0
"""In seconds of audio per second. Usual CPUs reach a hundred. On CPUs older than its kernels
OpenVINO falls back to plain loops, with which a song takes longer than a request's deadline."""


OnChecked = Callable[[Backend, Precision, EngineCheck], None]


def choose(
    store: Store,
    manifest: Manifest,
    extractor: FeatureExtractor,
    preference: EnginePreference,
    on_checked: OnChecked = lambda *_: None,
) -> Engine:
    """Return the first engine that matches the preference and passes the golden check.

    Candidates are tried fastest first. An engine slower than `MIN_SPEED` is used only if all are.

    Args:
        store: The model store.
        manifest: The manifest of the model.
        extractor: Computes its frames.
        preference: The backend and the precision that the operator prefers.
        on_checked: Is called with the result of each candidate that was tried.

    Raises:
        SetupError: No engine passes, or the model can't be loaded.
    """
    candidates = _candidates(preference, manifest)
    # A defect of the model itself would fail on every engine.
    model = _load(store, manifest, candidates, preference)
    problems = []
    slow: list[tuple[float, Engine]] = []
    for backend, precision in candidates:
        try:
            engine = _build(store, model, extractor, (backend, precision), preference)
            outputs, speed = _run_golden(engine, manifest)
            published = outputs[: manifest.n_outputs]
            check_golden(manifest, published, engine.precision, exact=preference.exact)
            if speed < MIN_SPEED:  # the first run of this size compiles kernels
                _, speed = _run_golden(engine, manifest)
        except Exception as error:
            # The error may be specific to this backend or this precision.
            problem = f"{backend} in {precision}: {describe(error)}"
            traced = log.isEnabledFor(logging.DEBUG)
            log.warning("%s does not run on %s", manifest.ref, problem, exc_info=traced)
            problems.append(problem)
            on_checked(backend, precision, _judge(error))
        else:
            if speed >= MIN_SPEED:
                on_checked(backend, precision, EngineCheck.PASSED)
                return _chosen(engine)
            on_checked(backend, precision, EngineCheck.SLOW)
            log.warning(
                "%s runs slowly on %s in %s: %.1f s of audio per second; expected at least %g",
                *(manifest.ref, backend, precision, speed, MIN_SPEED),
            )
            slow.append((speed, engine))
    if slow:
        return _chosen(max(slow, key=lambda each: each[0])[1])
    if preference != AUTO:
        problems.append("set TAGGRAM_ENGINE and TAGGRAM_PRECISION to auto to try all engines")
    problems.append("set TAGGRAM_LOG_LEVEL=debug to log the tracebacks")
    raise SetupError(f"{manifest.ref} can't run on {'; '.join(problems)}")


def _judge(error: Exception) -> EngineCheck:
    """Return the result of a candidate that raised an error."""
    is_wrong = isinstance(error, WeightsError)
    return EngineCheck.WRONG_SCORES if is_wrong else EngineCheck.FAILED


def _chosen(engine: Engine) -> Engine:
    log.info("%s runs on %s in %s", engine.ref, engine.backend, engine.precision)
    return engine


def _candidates(
    preference: EnginePreference, manifest: Manifest
) -> list[tuple[Backend, Precision]]:
    """Return the matching candidates, fastest first (`python -m loadtests.serving.stages`)."""
    matching = [
        (backend, precision)
        for backend in _backends(preference, manifest)
        for precision in _precisions(backend, manifest)
        if preference.precision in ("auto", precision)
    ]
    if not matching:
        raise SetupError(
            f"{preference.backend} can't compute in {preference.precision} on this machine; set "
            "TAGGRAM_PRECISION or TAGGRAM_ENGINE to auto"
        )
    return matching


def _backends(preference: EnginePreference, manifest: Manifest) -> list[Backend]:
    if manifest.network and (preference.backend == "tensorflow" or not HAS_OPENVINO):
        raise SetupError(
            f"{manifest.ref} is an imported network, which only OpenVINO runs: "
            f"{OPENVINO_ERROR or 'TAGGRAM_ENGINE is tensorflow'}; install taggram[openvino], and "
            "set TAGGRAM_ENGINE=auto"
        )
    if preference.backend == "openvino" and not HAS_OPENVINO:
        raise SetupError(
            f"TAGGRAM_ENGINE=openvino: openvino can't be imported: {OPENVINO_ERROR}; "
            "install taggram[openvino], or set TAGGRAM_ENGINE=auto"
        )
    if manifest.network:
        return [Backend.OPENVINO]
    if preference.backend != "auto":
        return [Backend(preference.backend)]
    if has_gpu():
        return [Backend.TENSORFLOW]
    if not HAS_OPENVINO:
        log.warning("openvino can't be imported: %s", OPENVINO_ERROR)
        return [Backend.TENSORFLOW]
    return [Backend.OPENVINO, Backend.TENSORFLOW]


def _precisions(backend: Backend, manifest: Manifest) -> list[Precision]:
    if backend is Backend.OPENVINO:
        bf16 = [Precision.BF16] if computes_bf16() else []
        int8 = [Precision.INT8] if computes_int8() and has_tall_filters(manifest) else []
        return [*bf16, *int8, Precision.FLOAT32]
    if has_gpu():
        return [Precision.BF16, Precision.FLOAT32]
    return [Precision.FLOAT32, Precision.BF16]


def _load(
    store: Store,
    manifest: Manifest,
    candidates: list[tuple[Backend, Precision]],
    preference: EnginePreference,
) -> "TrackModel | ImportedModel":
    """Return a model, with the network in the form that the fastest candidate runs if possible."""
    if manifest.network:
        return load_imported(store, manifest)
    if candidates[0][0] is Backend.OPENVINO:
        read_file(store, manifest)  # raises if the weights are missing or altered
        exact, embedding = preference.exact, preference.embedding
        if converted := read_converted(manifest, exact=exact, embedding=embedding):
            return converted
    return _load_keras(store, manifest, Precision.FLOAT32, preference)


def _load_keras(
    store: Store, manifest: Manifest, precision: Precision, preference: EnginePreference
) -> "TrackModel":
    from app.store.registry.loading import add_embedding, load

    model = load(store, manifest, precision, exact=preference.exact)
    return add_embedding(model) if preference.embedding else model


def _build(
    store: Store,
    model: "TrackModel | ImportedModel",
    extractor: FeatureExtractor,
    candidate: tuple[Backend, Precision],
    preference: EnginePreference,
) -> Engine:
    backend, precision = candidate
    if backend is Backend.OPENVINO:
        if not isinstance(model, ImportedModel):
            model = convert_and_cache(model)
        return OpenVINOEngine(model, precision, extractor)
    from app.inference.tensorflow_engine import TensorFlowEngine
    from app.inference.waveform_engine import WaveformEngine
    from app.store.registry.loading import TrackModel

    if precision is not Precision.FLOAT32 or not isinstance(model, TrackModel):
        model = _load_keras(store, model.manifest, precision, preference)
    if has_gpu():
        return WaveformEngine(model, precision)
    return TensorFlowEngine(model, precision, extractor)


def _run_golden(engine: Engine, manifest: Manifest) -> tuple[Outputs, float]:
    """Return an engine's mean outputs for its golden input, and its seconds of audio per second.

    The time of a busy machine is the CPU time, so that other processes make no engine slow.
    """
    clocks = time.perf_counter, time.process_time
    start = [clock() for clock in clocks]
    outputs = _golden_mean(engine, manifest)
    return outputs, manifest.golden.seconds / min(
        clock() - began for clock, began in zip(clocks, start, strict=True)
    )


def _golden_mean(engine: Engine, manifest: Manifest) -> Outputs:
    """Return the mean of an engine's outputs for its golden input, (outputs,)."""
    if engine.backbone:
        embeddings = golden_embeddings(manifest.golden, engine.input_shape[0])
        mean: Outputs = engine.score(embeddings).mean(axis=0)
        return mean
    front = manifest.front_end
    return engine.mean(Waveform(golden_waveform(manifest.golden, front), front.sample_rate))
