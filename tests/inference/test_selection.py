"""The fastest engine that scores as published runs a model; where none does, it is said why."""

import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.domain import Backend, Precision
from app.errors import SetupError
from app.inference import selection
from app.inference.engine import Engine
from app.inference.selection import HAS_OPENVINO, Wish, choose
from app.inference.tensorflow_engine import has_gpu
from app.inference.tensorflow_framer import TensorFlowFramer
from app.store.manifest import Manifest
from app.store.store import Store

NAME = "mtt-vgg"
AUTO = Wish("auto", "auto")

with_openvino = pytest.mark.skipif(not HAS_OPENVINO, reason="openvino is not installed")
on_a_cpu = pytest.mark.skipif(has_gpu(), reason="a GPU has another order of preference")

Chooser = Callable[..., Engine]


@pytest.fixture
def chosen(store: Path, manifests: dict[str, Manifest], framer: TensorFlowFramer) -> Chooser:
    """Chooses an engine whose golden scores are so much higher than published."""

    def choice(wish: Wish, *, off: float = 0.0) -> Engine:
        manifest = manifests[NAME]
        published = np.array(manifest.golden.mean_scores)
        shifted = np.clip(published + off * np.sign(0.5 - published), 0, 1)
        golden = manifest.golden.model_copy(update={"mean_scores": tuple(shifted)})
        return choose(Store(store), manifest.model_copy(update={"golden": golden}), framer, wish)

    return choice


@pytest.fixture
def bf16(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Have a CPU that computes bf16, or one that does not."""

    def pretend(computes: bool) -> None:
        monkeypatch.setattr(selection, "computes_bf16", lambda: computes)

    return pretend


def kind(engine: Engine) -> tuple[Backend, Precision]:
    return engine.backend, engine.precision


@on_a_cpu
@with_openvino
def test_a_cpu_that_computes_bf16_runs_openvino_in_it_and_says_so(
    chosen: Chooser, bf16: Callable[[bool], None], caplog: pytest.LogCaptureFixture
) -> None:
    bf16(True)
    with caplog.at_level(logging.INFO):
        engine = chosen(AUTO)

    assert kind(engine) == (Backend.OPENVINO, Precision.BF16)
    assert "mtt-vgg/1 runs on openvino in bf16" in caplog.messages


@on_a_cpu
@with_openvino
def test_a_cpu_without_bf16_runs_openvino_in_float32(
    chosen: Chooser, bf16: Callable[[bool], None]
) -> None:
    bf16(False)
    assert kind(chosen(AUTO)) == (Backend.OPENVINO, Precision.FLOAT32)


@with_openvino
def test_bf16_asked_for_where_the_cpu_has_none_is_refused_with_what_to_set(
    chosen: Chooser, bf16: Callable[[bool], None]
) -> None:
    bf16(False)
    with pytest.raises(SetupError, match=r"openvino computes no bf16.*TAGGRAM_PRECISION"):
        chosen(Wish(Backend.OPENVINO, Precision.BF16))


@pytest.mark.skipif(not has_gpu(), reason="there is no GPU")
def test_a_gpu_runs_tensorflow_in_bf16(chosen: Chooser) -> None:
    assert kind(chosen(AUTO)) == (Backend.TENSORFLOW, Precision.BF16)


@pytest.mark.parametrize("backend", Backend)
@pytest.mark.parametrize("precision", Precision)
def test_what_is_asked_for_is_what_runs(
    chosen: Chooser, backend: Backend, precision: Precision
) -> None:
    if backend is Backend.OPENVINO and not HAS_OPENVINO:
        pytest.skip("openvino is not installed")
    if (backend, precision) == (Backend.OPENVINO, Precision.BF16) and not selection.computes_bf16():
        pytest.skip("this CPU computes no bf16")

    assert kind(chosen(Wish(backend, precision))) == (backend, precision)


@on_a_cpu
def test_tensorflow_on_a_cpu_is_exact_unless_told_otherwise(chosen: Chooser) -> None:
    assert kind(chosen(Wish(Backend.TENSORFLOW, "auto"))) == (
        Backend.TENSORFLOW,
        Precision.FLOAT32,
    )


@on_a_cpu
def test_an_engine_that_scores_otherwise_than_published_is_passed_over(
    chosen: Chooser, caplog: pytest.LogCaptureFixture
) -> None:
    off = 1e-3  # too much for float32, and as good as it gets in bf16
    engine = chosen(Wish(Backend.TENSORFLOW, "auto"), off=off)

    assert kind(engine) == (Backend.TENSORFLOW, Precision.BF16)
    [warning] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "not on tensorflow in float32: mtt-vgg/1: the golden input" in warning.getMessage()
    assert "1.0e-03 off" in warning.getMessage()


@on_a_cpu
@with_openvino
def test_where_openvino_scores_otherwise_than_published_tensorflow_runs(
    chosen: Chooser,
    bf16: Callable[[bool], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bf16(True)
    right = selection.OpenVINOEngine.score
    monkeypatch.setattr(
        selection.OpenVINOEngine, "score", lambda self, windows: 1 - right(self, windows)
    )

    assert kind(chosen(AUTO)) == (Backend.TENSORFLOW, Precision.FLOAT32)
    assert [record.levelno for record in caplog.records].count(logging.WARNING) == 2


def test_where_none_scores_as_published_the_reason_of_each_is_named(
    chosen: Chooser, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SetupError) as error:
        chosen(Wish(Backend.TENSORFLOW, "auto"), off=0.1)

    reasons = [record.args[-1] for record in caplog.records if record.levelno == logging.WARNING]
    assert len(reasons) == 2
    assert str(error.value) == "; ".join(str(reason) for reason in reasons)
    assert "the golden input scores 1.0e-01 off" in str(error.value)


WITHOUT_OPENVINO = f"""
import sys
sys.modules["openvino"] = None
from app.domain import Backend
from app.errors import SetupError
from app.inference.selection import Wish, choose
from app.inference.tensorflow_framer import TensorFlowFramer
from app.settings import Settings
from app.store.manifest import read_store
from app.store.store import Store

store = Store(Settings().model_store)
manifest = read_store(store)["{NAME}"]
framer = TensorFlowFramer(manifest.front_end)
print(choose(store, manifest, framer, Wish("auto", "auto")).backend)
try:
    choose(store, manifest, framer, Wish(Backend.OPENVINO, "auto"))
except SetupError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def without_openvino() -> list[str]:
    """Where nobody installed it: what is chosen, and what who insists on it is told."""
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_OPENVINO], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


def test_without_openvino_tensorflow_runs(without_openvino: list[str]) -> None:
    assert without_openvino[0] == "tensorflow"


def test_openvino_asked_for_where_it_is_not_installed_is_refused_with_what_to_install(
    without_openvino: list[str],
) -> None:
    assert without_openvino[1] == (
        "TAGGRAM_ENGINE is openvino, which is not installed; "
        "install taggram[openvino] or choose auto"
    )
