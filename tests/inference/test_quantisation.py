"""Tall filters in 8 bits: rounded so that errors cancel out, and close to the exact scores."""

from pathlib import Path

import numpy as np
import pytest

from app.domain import Backend, Precision, Waveform
from app.inference import selection
from app.inference.selection import AUTO, HAS_OPENVINO, choose
from app.inference.tensorflow_features import TensorFlowFeatureExtractor
from app.store.manifest.manifest import Manifest
from app.store.registry.golden import INT8_TOLERANCE
from app.store.registry.loading import load
from app.store.storage.store import Store

if not HAS_OPENVINO:
    pytest.skip("openvino is not installed", allow_module_level=True)

from app.cpus import ISA_LIMITS
from app.inference.openvino_engine import OpenVINOEngine
from app.inference.quantisation import computes_int8, diffuse

RATE = 16_000
NAMES = ("msd-musicnn", pytest.param("mtt-musicnn", marks=pytest.mark.thorough))
WINDOW_TOLERANCE = 0.02


@pytest.mark.parametrize("shape", [(7, 38), (1, 1), (2, 5)])
def test_rounding_keeps_the_sum_of_each_filter(shape: tuple[int, int]):
    filters = np.random.RandomState(1).uniform(-100, 100, (6, *shape))

    rounded = diffuse(filters)

    assert rounded.dtype == np.int8
    off = rounded.sum(axis=(1, 2), dtype=np.int64) - filters.sum(axis=(1, 2))
    assert np.abs(off).max() <= 0.5 + 1e-9


def test_the_largest_weights_are_not_exceeded():
    rounded = diffuse(np.full((1, 7, 38), 126.6))

    assert rounded.max() == 127
    assert rounded.min() == 126


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("flags : fpu avx512f avx512_vnni", True),
        ("flags : fpu avx2 avx_vnni", True),
        ("flags : fpu avx2 avx512f avx512_bf16", False),
    ],
)
def test_a_cpu_computes_8_bits_only_with_instructions_for_their_sums(
    flags: str, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for limit in ISA_LIMITS:
        monkeypatch.delenv(limit, raising=False)
    file = tmp_path / "cpuinfo"
    file.write_text(flags)

    assert computes_int8(file) == expected
    assert not computes_int8(tmp_path / "missing")


@pytest.mark.skipif(not computes_int8(), reason="this CPU has no instructions for 8 bits")
@pytest.mark.parametrize("name", NAMES)
def test_a_minute_of_music_has_nearly_the_exact_scores(
    name: str,
    store: Path,
    manifests: dict[str, Manifest],
    extractor: TensorFlowFeatureExtractor,
    music: Waveform,
):
    minute = Waveform(music.samples[: 60 * RATE], RATE)
    exact = load(Store(store), manifests[name])
    expected = np.asarray(exact.graph(minute.samples[np.newaxis])["windows"])

    scores = OpenVINOEngine(exact, Precision.INT8, extractor).scores(minute)

    assert np.abs(scores - expected).max() > 1e-5, "nothing is quantised"
    np.testing.assert_allclose(scores, expected, rtol=0, atol=WINDOW_TOLERANCE)
    np.testing.assert_allclose(scores.mean(0), expected.mean(0), rtol=0, atol=INT8_TOLERANCE)


@pytest.mark.parametrize(
    ("name", "bf16", "expected"),
    [
        ("msd-musicnn", False, "int8"),
        ("msd-musicnn", True, "bf16"),
        ("mtt-vgg", False, "float32"),
    ],
)
def test_8_bits_are_chosen_for_tall_filters_on_a_cpu_without_bf16(
    name: str,
    bf16: bool,
    expected: str,
    manifests: dict[str, Manifest],
    extractor: TensorFlowFeatureExtractor,
    monkeypatch: pytest.MonkeyPatch,
):
    tried: list[Precision] = []

    def build(
        store: object, model: object, extractor: object, kind: tuple[Backend, Precision], *_: object
    ) -> None:
        tried.append(kind[1])
        raise RuntimeError("not built")

    monkeypatch.setattr(selection, "computes_bf16", lambda: bf16)
    monkeypatch.setattr(selection, "computes_int8", lambda: True)
    monkeypatch.setattr(selection, "has_gpu", lambda: False)
    monkeypatch.setattr(selection, "_load", lambda *_, **__: None)
    monkeypatch.setattr(selection, "_build", build)

    with pytest.raises(selection.SetupError):
        choose(Store("nowhere"), manifests[name], extractor, AUTO)

    assert tried[0] == expected
