"""The fastest engine that works and scores as published runs a model; else the message says why."""

import importlib.util
import logging
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from app.domain import Backend, EngineCheck, Precision, Scores, Windows
from app.errors import SetupError, WeightsError
from app.inference import selection
from app.inference.engine import Engine
from app.inference.selection import AUTO, EnginePreference, choose
from app.inference.tensorflow_features import TensorFlowFeatureExtractor
from app.store.manifest.manifest import Manifest
from app.store.registry.loading import TrackModel
from app.store.storage.store import Store

NAME = "mtt-vgg"

Kind = tuple[Backend, Precision]

ORDER: list[Kind] = [
    (Backend.OPENVINO, Precision.BF16),
    (Backend.OPENVINO, Precision.FLOAT32),
    (Backend.TENSORFLOW, Precision.FLOAT32),
    (Backend.TENSORFLOW, Precision.BF16),
]
"""Fastest first, on a CPU that computes bf16."""


@dataclass
class Machine:
    """What becomes of engines on this machine; by default each scores as published.

    Attributes:
        manifest: The model.
        extractor: Makes its frames.
        building: What is raised when one is built.
        running: What is raised when one runs, or by how much its scores are off.
        speeds: How many seconds of audio one computes a second; by default a hundred.
        checked: The result of each engine that was tried, in order.
    """

    manifest: Manifest
    extractor: TensorFlowFeatureExtractor
    building: dict[Kind, Exception] = field(default_factory=dict)
    running: dict[Kind, Exception | float] = field(default_factory=dict)
    speeds: dict[Kind, float] = field(default_factory=dict)
    checked: list[tuple[Backend, Precision, EngineCheck]] = field(default_factory=list)

    def choose(self, backend: str = "auto", precision: str = "auto") -> Kind:
        preference = EnginePreference(backend, precision)
        engine = choose(
            *(Store("nowhere"), self.manifest, self.extractor, preference),
            lambda *checked: self.checked.append(checked),
        )
        return engine.backend, engine.precision

    def build(
        self,
        store: Store,
        model: TrackModel,
        extractor: TensorFlowFeatureExtractor,
        kind: Kind,
        preference: EnginePreference,
    ) -> Engine:
        """In the place of the libraries."""
        if kind in self.building:
            raise self.building[kind]
        return ScriptedEngine(self, *kind)


class ScriptedEngine(Engine):
    """Scores as its machine says."""

    def __init__(self, machine: Machine, backend: Backend, precision: Precision) -> None:
        manifest = machine.manifest
        super().__init__(manifest.ref, precision, 4, manifest.window_spec, machine.extractor)
        self.backend = backend
        self._runs = machine.running.get((backend, precision), 0.0)
        self._published = np.array(manifest.golden.mean_scores)

    def score(self, windows: Windows) -> Scores:
        if isinstance(self._runs, Exception):
            raise self._runs
        off = self._runs * np.sign(0.5 - self._published)
        return np.tile(self._published + off, (len(windows), 1))


@pytest.fixture
def machine(
    manifests: dict[str, Manifest],
    extractor: TensorFlowFeatureExtractor,
    monkeypatch: pytest.MonkeyPatch,
) -> Machine:
    """One with OpenVINO and a CPU that computes bf16, without a GPU."""
    made = Machine(manifests[NAME], extractor)
    monkeypatch.setattr(
        selection, "_load", lambda _, manifest, *__, **___: TrackModel(manifest, None)
    )
    monkeypatch.setattr(selection, "_build", made.build)
    run_golden = selection._run_golden
    monkeypatch.setattr(
        selection,
        "_run_golden",
        lambda engine, manifest: (
            run_golden(engine, manifest)[0],
            made.speeds.get((engine.backend, engine.precision), 100.0),
        ),
    )
    monkeypatch.setattr(selection, "computes_bf16", lambda: True, raising=False)
    monkeypatch.setattr(selection, "computes_int8", lambda: True, raising=False)
    monkeypatch.setattr(selection, "has_gpu", lambda: False)
    monkeypatch.setattr(selection, "HAS_OPENVINO", True)
    return made


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def test_the_fastest_runs_and_the_log_names_it(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        assert machine.choose() == ORDER[0]

    assert caplog.messages == ["mtt-vgg/1 runs on openvino in bf16"]


def test_an_engine_that_is_too_slow_is_skipped(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    machine.speeds = {ORDER[0]: 2.0, ORDER[1]: 1.5}

    assert machine.choose() == ORDER[2]
    assert warnings(caplog) == [
        f"mtt-vgg/1 runs slowly on openvino in {speed} s of audio per second; expected at least 8"
        for speed in ("bf16: 2.0", "float32: 1.5")
    ]


def test_each_engine_that_was_tried_is_reported(machine: Machine) -> None:
    machine.building[ORDER[0]] = FAILURE
    machine.running[ORDER[1]] = 0.1
    machine.speeds[ORDER[2]] = 2.0

    assert machine.choose() == ORDER[3]
    results = (
        *(EngineCheck.FAILED, EngineCheck.WRONG_SCORES),
        *(EngineCheck.SLOW, EngineCheck.PASSED),
    )
    assert machine.checked == [(*kind, result) for kind, result in zip(ORDER, results, strict=True)]


def test_if_all_engines_are_slow_the_fastest_runs(machine: Machine) -> None:
    machine.speeds = dict(zip(ORDER, (2.0, 3.0, 1.0, 0.5), strict=True))

    assert machine.choose() == ORDER[1]


def test_a_cpu_without_bf16_runs_openvino_in_float32(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection, "computes_bf16", lambda: False)

    assert machine.choose() == ORDER[1]
    with pytest.raises(SetupError, match=r"openvino can't compute in bf16.*TAGGRAM_PRECISION"):
        machine.choose("openvino", "bf16")


def test_a_gpu_runs_tensorflow_in_bf16(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "has_gpu", lambda: True)

    assert machine.choose() == (Backend.TENSORFLOW, Precision.BF16)


@pytest.mark.parametrize("kind", ORDER, ids=" ".join)
def test_the_requested_engine_runs(kind: Kind, machine: Machine) -> None:
    assert machine.choose(*kind) == kind


def test_tensorflow_on_a_cpu_uses_float32_unless_bf16_is_requested(machine: Machine) -> None:
    assert machine.choose("tensorflow") == (Backend.TENSORFLOW, Precision.FLOAT32)


FAILURE = RuntimeError("Check failed at core.cpp:112:\n  could not create a primitive")
MESSAGE = "RuntimeError: Check failed at core.cpp:112: could not create a primitive"


@pytest.mark.parametrize("failing", range(1, len(ORDER)))
@pytest.mark.parametrize("when", ["building", "running"])
def test_a_failing_engine_is_skipped_and_logged_with_the_reason(
    when: str, failing: int, machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    getattr(machine, when).update(dict.fromkeys(ORDER[:failing], FAILURE))

    assert machine.choose() == ORDER[failing]
    assert warnings(caplog) == [
        f"mtt-vgg/1 does not run on {backend} in {precision}: {MESSAGE}"
        for backend, precision in ORDER[:failing]
    ]


@pytest.mark.parametrize("level", [logging.INFO, logging.DEBUG])
def test_at_debug_level_the_log_holds_the_traceback(
    level: int, machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    machine.building[ORDER[0]] = FAILURE

    with caplog.at_level(level):
        machine.choose()

    assert ("Traceback" in caplog.text) == (level == logging.DEBUG)


@pytest.mark.parametrize(
    ("off", "best"),
    [(1e-3, ORDER[0]), (0.1, ORDER[1]), (np.nan, ORDER[1])],
    ids=["as good as it gets in bf16", "too much", "NaN"],
)
def test_an_engine_whose_scores_differ_too_much_is_skipped(
    off: float, best: Kind, machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    machine.running[ORDER[0]] = off

    assert machine.choose() == best
    assert len(warnings(caplog)) == ORDER.index(best)
    for message in warnings(caplog):
        assert message.startswith("mtt-vgg/1 does not run on openvino in bf16: mtt-vgg/1: ")
        assert "the golden input" in message


def test_float32_must_be_closer_to_the_published_scores_than_bf16(machine: Machine) -> None:
    machine.running = dict.fromkeys(ORDER, 5e-3)

    assert machine.choose("tensorflow") == (Backend.TENSORFLOW, Precision.BF16)


def test_if_all_engines_fail_the_reason_of_each_is_named(machine: Machine) -> None:
    machine.building[ORDER[0]] = NameError("name 'tensorflow' is not defined")
    machine.running = {ORDER[1]: FAILURE, ORDER[2]: 0.1, ORDER[3]: 0.1}

    with pytest.raises(SetupError) as error:
        machine.choose()

    message = str(error.value)
    assert message.startswith(
        "mtt-vgg/1 can't run on openvino in bf16: NameError: name 'tensorflow' is not defined; "
        f"openvino in float32: {MESSAGE}; "
        "tensorflow in float32: mtt-vgg/1: the golden input's scores differ by 1.0e-01 from"
    )
    assert "tensorflow in bf16: " in message
    assert "TAGGRAM_LOG_LEVEL=debug" in message
    assert "to auto" not in message


def test_a_requested_engine_that_fails_is_refused_with_the_setting_to_change(
    machine: Machine,
) -> None:
    machine.building[ORDER[1]] = FAILURE

    with pytest.raises(SetupError) as error:
        machine.choose("openvino", "float32")

    message = str(error.value)
    assert message.startswith(
        f"mtt-vgg/1 can't run on openvino in float32: {MESSAGE}; set TAGGRAM_"
    )
    assert "TAGGRAM_ENGINE and TAGGRAM_PRECISION to auto" in message
    assert "TAGGRAM_LOG_LEVEL=debug" in message


def test_an_error_of_the_model_itself_is_reported_once(
    manifests: dict[str, Manifest], extractor: TensorFlowFeatureExtractor, tmp_path: Path
) -> None:
    with pytest.raises(WeightsError, match=r"^/.*: the weights are missing; run `taggram"):
        choose(Store(tmp_path), manifests[NAME], extractor, AUTO)


@pytest.fixture
def without_openvino(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """The state of the selecting module if OpenVINO cannot be imported."""
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.delitem(sys.modules, "app.inference.openvino_engine", raising=False)
    spec = importlib.util.find_spec(selection.__name__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: getattr(module, name) for name in ("HAS_OPENVINO", "OPENVINO_ERROR")}


def test_without_openvino_tensorflow_runs_and_a_request_for_it_says_what_to_install(
    machine: Machine,
    without_openvino: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name, value in without_openvino.items():
        monkeypatch.setattr(selection, name, value)

    assert machine.choose() == (Backend.TENSORFLOW, Precision.FLOAT32)
    assert "openvino can't be imported: ModuleNotFoundError" in caplog.text
    with pytest.raises(SetupError) as error:
        machine.choose("openvino")
    assert "openvino can't be imported: ModuleNotFoundError" in str(error.value)
    assert "install taggram[openvino], or set TAGGRAM_ENGINE=auto" in str(error.value)
