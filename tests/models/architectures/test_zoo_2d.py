"""Networks of Won et al. 2020 and Choi et al. 2017 on melgrams and spectra."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

import keras
import numpy as np
import pytest

from app.models.architectures import (
    crnn,
    fcn,
    harmonic_cnn,
    k1c2,
    k2c1,
    k2c2,
    musicnn_zoo,
    short_chunk_cnn,
    short_chunk_res,
)
from app.models.blocks.harmonic_filters import HarmonicFilters
from app.models.front_end import track_frames
from app.store.importers.torch_checkpoint import convert, read_checkpoint

pytestmark = pytest.mark.thorough

Scores = np.ndarray
Windows = np.ndarray

N_TAGS = 50


@dataclass(frozen=True)
class Published:
    """A network as it was published."""

    network: Callable[..., keras.Model]
    window: tuple[int, int]
    layers: Mapping[str, str]
    twin: tuple[str, str]
    """Module and class."""
    trainable: int
    statistics: int
    smallest: tuple[int, int]
    """The shortest window."""
    short: tuple[int, int]
    """A window with as many weights as the published one, for slow tests."""


Window = tuple[int, int]

SAME_NAMES = {
    name: name
    for name in (
        *("input_bn", "tags"),
        *(f"conv_{number}{part}" for number in range(1, 6) for part in ("", "_bn")),
        *(f"hidden_{number}{part}" for number in (1, 2) for part in ("", "_bn")),
    )
}
"""The modules of twins without released weights have the names of our layers."""


def published(
    module: object,
    name: str,
    twin: tuple[str, str],
    counts: tuple[int, int],
    smallest: Window,
    short: int,
) -> Published:
    frames, bins = module.FRONT_END.frames(module.WINDOW_SAMPLES), *module.FRONT_END.shape
    return Published(
        getattr(module, name),
        (frames, bins),
        getattr(module, "TORCH_LAYERS", SAME_NAMES),
        twin,
        *counts,
        smallest,
        (short, bins),
    )


ZOO = {
    "fcn": published(fcn, "fcn", ("fcn", "FCN"), (447_732, 1_026), (1_280, 96), 1_280),
    "crnn": published(crnn, "crnn", ("crnn", "CRNN"), (394_100, 898), (96, 96), 200),
    "musicnn_zoo": published(
        musicnn_zoo, "musicnn_zoo", ("musicnn_zoo", "MusiCNN"), (784_300, 1_908), (1, 3), 60
    ),
    "short_chunk_cnn": published(
        short_chunk_cnn,
        "short_chunk_cnn",
        ("short_chunk", "ShortChunkCNN"),
        (3_687_348, 4_610),
        (128, 128),
        128,
    ),
    "short_chunk_res": published(
        short_chunk_res,
        "short_chunk_res",
        ("short_chunk", "ShortChunkRes"),
        (12_104_244, 11_778),
        (1, 1),
        100,
    ),
    "harmonic_cnn": published(
        harmonic_cnn,
        "harmonic_cnn",
        ("harmonic_cnn", "HarmonicCNN"),
        (3_631_551, 4_876),
        (288, 2),
        288,
    ),
    "k1c2": published(k1c2, "k1c2", ("choi", "K1C2"), (944_633, 950), (1_280, 1), 1_280),
    "k2c1": published(k2c1, "k2c1", ("choi", "K2C1"), (1_002_796, 3_346), (1_280, 1), 1_280),
    "k2c2": published(k2c2, "k2c2", ("choi", "K2C2"), (1_003_830, 1_624), (1_280, 96), 1_280),
}
zoo = pytest.mark.parametrize("name", ZOO)
pooling = pytest.mark.parametrize("name", [n for n in ZOO if ZOO[n].smallest[0] > 1])


@cache
def network(name: str, short: bool = False) -> keras.Model:
    """As published, or for short windows; tests that need weights fill them in."""
    return ZOO[name].network(N_TAGS, ZOO[name].short if short else ZOO[name].window)


def windows_of(name: str, window: Window, count: int = 3, seed: int = 1) -> Windows:
    """Each has a spectrum and a loudness of its own, and noise: decibels, or power."""
    random = np.random.RandomState(seed)
    frames, bins = window
    spectrum = np.cumsum(random.standard_normal((count, 1, bins)), axis=-1)
    noise = random.standard_normal((count, frames, bins))
    decibels = random.uniform(-30, 20, (count, 1, 1)) + 3 * spectrum + 10 * noise
    powers = 10 ** (decibels / 10) if name == "harmonic_cnn" else decibels
    return powers.astype(np.float32)


def counted(variables: list[keras.Variable]) -> int:
    return sum(int(np.prod(variable.shape)) for variable in variables)


def fill(model: keras.Model, weights: Mapping[str, np.ndarray]) -> None:
    for variable in model.weights:
        variable.assign(weights[variable.path])


def shapes(model: keras.Model) -> dict[str, tuple[int, ...]]:
    return {variable.path: tuple(variable.shape) for variable in model.weights}


@cache
def twin_of(name: str) -> "torch.nn.Module":  # noqa: F821 - PyTorch may be missing
    """The network in PyTorch, with random weights that separate windows and tags."""
    from tests.models.architectures.torch_twins import filling

    module, class_ = ZOO[name].twin
    twins = "tests.models.architectures.torch_twins"
    twin = getattr(import_module(f"{twins}.{module}"), class_)(N_TAGS)
    twin = filling.filled(twin, seed=3, tag_gain=0.5)
    if name == "harmonic_cnn":
        twin.hstft.bw_Q.data.fill_(1.3)
    return filling.settled(twin, windows_of(name, ZOO[name].window), seed=4)


@cache
def twin_weights(name: str) -> dict[str, np.ndarray]:
    weights = {key: tensor.numpy() for key, tensor in twin_of(name).state_dict().items()}
    return convert(weights, ZOO[name].layers, shapes(network(name)), name)


# sizes


@zoo
def test_a_network_has_exactly_the_published_parameters(name: str):
    statistics = [each for each in network(name).weights if "/moving_" in each.path]

    assert counted(network(name).trainable_variables) == ZOO[name].trainable
    assert counted(statistics) == ZOO[name].statistics


def test_musicnn_for_the_million_song_dataset_has_the_published_parameters():
    wide = musicnn_zoo.musicnn_zoo(
        N_TAGS, ZOO["musicnn_zoo"].window, mid_channels=512, hidden_units=500
    )

    assert counted(wide.trainable_variables) == 7_972_000


K1C2 = {0.1: (15, 30), 0.25: (23, 47), 0.5: (33, 66), 3.0: (81, 163)}
K2C1 = {0.1: (43, 87), 0.25: (72, 145), 0.5: (106, 212), 3.0: (265, 535)}
K2C2 = {
    0.1: (20, 41, 41, 62, 83),
    0.25: (33, 66, 66, 100, 133),
    0.5: (47, 95, 95, 142, 190),
    3.0: (118, 236, 236, 355, 473),
}
"""The widths of Choi et al. by the published millions of parameters."""


@pytest.mark.parametrize("millions", K2C2)
def test_the_other_sizes_of_choi_have_the_published_millions_of_parameters(millions: float):
    window = (1_366, 96)
    (narrow, wide), (first, later) = K1C2[millions], K2C1[millions]

    by_time = k1c2.k1c2(N_TAGS, window, (narrow, narrow, wide, wide), (wide, wide))
    by_band = k2c1.k2c1(N_TAGS, window, (first, first, first, later, later), (later, later))
    by_both = k2c2.k2c2(N_TAGS, window, K2C2[millions])

    for network, margin in ((by_time, 0.09), (by_band, 0.03), (by_both, 0.04)):
        count = counted(network.trainable_variables)
        assert count / 1e6 == pytest.approx(millions, rel=margin)


@pytest.mark.parametrize(
    ("name", "window"),
    [
        ("fcn", (1_813, 96)),
        ("crnn", (1_813, 96)),
        ("musicnn_zoo", (188, 96)),
        ("short_chunk_cnn", (231, 128)),
        ("short_chunk_res", (231, 128)),
        ("harmonic_cnn", (313, 257)),
        ("k1c2", (1_366, 96)),
        ("k2c1", (1_366, 96)),
        ("k2c2", (1_366, 96)),
    ],
)
def test_the_published_window_has_the_published_frames(name: str, window: tuple[int, int]):
    assert ZOO[name].window == window


@zoo
def test_the_paths_of_weights_are_the_same_however_many_networks_were_built_before(name: str):
    again = ZOO[name].network(N_TAGS, ZOO[name].window)

    assert [each.path for each in again.weights] == [each.path for each in network(name).weights]
    assert len(shapes(again)) == len(again.weights), "each has one of its own"


@zoo
def test_the_last_layer_gives_the_tags(name: str):
    assert network(name).layers[-1].name == "tags"
    assert network(name).output_shape == (None, N_TAGS)


# against PyTorch


@zoo
def test_a_network_scores_as_its_twin_in_pytorch(name: str):
    from tests.models.architectures.torch_twins import filling

    twin, windows = twin_of(name), windows_of(name, ZOO[name].window)
    expected = filling.twin_scores(twin, windows)

    filling.assert_scores_differ(expected)
    ours = filling.paired(twin, network(name), ZOO[name].layers)
    np.testing.assert_allclose(ours(windows), expected, rtol=0, atol=1e-4)
    # Windows do not know of one another, and there may be one alone.
    np.testing.assert_allclose(ours(windows[1:2]), expected[1:2], rtol=0, atol=1e-4)


@pytest.mark.parametrize("data", ["mtat", "jamendo"])
@pytest.mark.parametrize("name", ["fcn", "crnn", "musicnn_zoo"])
def test_released_weights_score_a_waveform_like_their_source(name: str, data: str, golden: Path):
    released = name.removesuffix("_zoo")
    path = golden.parent / "weights" / "sota" / data / released / "best_model.pth"
    if not path.is_file():
        pytest.skip(f"the released weights are not at {path}")
    weights = convert(
        read_checkpoint(path), ZOO[name].layers, shapes(network(name)), path.parent.name
    )
    with np.load(golden / "sota_torch_golden.npz") as expected:
        waveform = expected["input_musicnn" if name == "musicnn_zoo" else "input_fcn_crnn"]
        scores = expected[f"{data}_{released}_sigmoid"]

    fill(network(name), weights)
    frames = track_frames(import_module(f"app.models.architectures.{name}").FRONT_END)(
        waveform[np.newaxis]
    )

    assert np.ptp(scores) > 0.3
    np.testing.assert_allclose(network(name)(frames), scores, rtol=0, atol=2e-5)


@pytest.mark.parametrize("name", ["fcn", "musicnn_zoo"])
def test_a_waveform_gives_the_decibels_that_the_released_weights_were_trained_on(
    name: str, golden: Path
):
    with np.load(golden / "sota_torch_golden.npz") as expected:
        waveform = expected["input_musicnn" if name == "musicnn_zoo" else "input_fcn_crnn"]
        decibels = expected[f"{name.removesuffix('_zoo')}_dbmel"].transpose(0, 2, 1)

    frames = track_frames(import_module(f"app.models.architectures.{name}").FRONT_END)(
        waveform[np.newaxis]
    )

    assert frames.shape == decibels.shape
    apart = np.abs(np.asarray(frames) - decibels)
    # Beside a bin 90 dB louder, float32 has two or three digits left for a quiet one: theirs is
    # then further than ours from the result of float64.
    assert np.quantile(apart, 0.999) < 1e-3
    assert np.max(apart) < 0.02


# how it is used


@pytest.mark.parametrize(
    ("name", "window", "arguments"),
    [
        ("fcn", (2_700, 128), {}),
        ("fcn", (40, 20), {"channels": (3, 4), "pools": (2, (3, 4))}),
        ("crnn", (300, 200), {}),
        ("crnn", (40, 20), {"channels": (3, 4), "pools": (2, (3, 4)), "gru_units": (5,)}),
        ("musicnn_zoo", (60, 40), {"mid_channels": 3, "hidden_units": 4}),
        ("short_chunk_cnn", (40, 20), {"channels": (3, 8), "hidden_units": 16}),
        ("short_chunk_res", (40, 20), {"channels": (3, 8), "hidden_units": 16}),
        ("k1c2", (40, 20), {"channels": (3, 4), "pools": (2, 3), "hidden_units": (5,)}),
        ("k2c1", (40, 20), {"channels": (3, 4), "pools": (2, 3), "hidden_units": (5,)}),
        ("k2c2", (40, 20), {"channels": (3, 4), "pools": (2, (3, 4))}),
        ("harmonic_cnn", (300, 513), {"channels": 4, "harmonics": 4, "sample_rate": 22_050}),
    ],
)
def test_a_network_can_be_built_for_other_windows_and_tags(
    name: str, window: tuple[int, int], arguments: dict[str, object]
):
    other = ZOO[name].network(7, window, **arguments)

    windows = np.random.RandomState(1).uniform(size=(5, *window)).astype(np.float32)

    scores = np.asarray(other(windows))

    assert scores.shape == (5, 7)
    assert np.all((scores >= 0) & (scores <= 1))
    assert np.max(np.ptp(scores, axis=0)) > 1e-4, "it depends on them"


@zoo
def test_the_smallest_window_gives_scores(name: str):
    small = ZOO[name].network(3, ZOO[name].smallest)

    assert np.all(np.isfinite(small(np.ones((2, *ZOO[name].smallest), np.float32))))


@pooling
def test_a_window_of_which_poolings_leave_nothing_is_refused(name: str):
    frames, bins = ZOO[name].smallest

    with pytest.raises(ValueError, match=r"the window is too (small|short)"):
        ZOO[name].network(3, (frames - 1, bins))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("fcn", {"channels": (64, 128)}),
        ("crnn", {"pools": (2, 3)}),
        ("crnn", {"gru_units": (0,)}),
        ("musicnn_zoo", {"mid_channels": 0}),
        ("musicnn_zoo", {"window": (188, 2)}),
        ("short_chunk_cnn", {"channels": (128, 0)}),
        ("short_chunk_res", {"hidden_units": -1}),
        ("short_chunk_cnn", {"window": (231, 128, 2, 1)}),
        ("harmonic_cnn", {"window": (80_000,)}),
        ("harmonic_cnn", {"harmonics": 0}),
        ("harmonic_cnn", {"harmonics": 300}),
        ("harmonic_cnn", {"sample_rate": 100}),
    ],
)
def test_invalid_arguments_are_refused(name: str, arguments: dict[str, object]):
    with pytest.raises(ValueError, match=r"\w"):
        ZOO[name].network(**{"n_tags": 3, "window": ZOO[name].window, **arguments})


@pytest.fixture
def scored(name: str) -> tuple[keras.Model, Windows, Scores]:
    """A network with random weights, short windows, and their scores."""
    fill(network(name, short=True), twin_weights(name))
    windows = windows_of(name, ZOO[name].short)
    scores = np.asarray(network(name, short=True)(windows))
    assert np.median(np.ptp(scores, axis=0)) > 0.02, "else nothing is tested"
    return network(name, short=True), windows, scores


@zoo
def test_in_bf16_a_network_scores_nearly_the_same(
    name: str, scored: tuple[keras.Model, Windows, Scores]
):
    _, windows, expected = scored
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        coarse = ZOO[name].network(N_TAGS, ZOO[name].short)
    finally:
        keras.config.set_dtype_policy("float32")
    fill(coarse, twin_weights(name))

    scores = np.asarray(coarse(windows))

    assert scores.dtype == np.float32
    apart = np.abs(scores - expected)
    assert 1e-4 < np.mean(apart) < 0.02, "if less, it was not bf16"


@zoo
def test_openvino_scores_the_same(name: str, scored: tuple[keras.Model, Windows, Scores]):
    pytest.importorskip("openvino", reason="OpenVINO is an extra")
    from app.inference.keras_conversion import convert
    from app.networks.core import core

    exact, windows, expected = scored
    compiled = core().compile_model(convert(exact), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()

    for count in (1, len(windows)):
        scores = request.infer({0: windows[:count]})[0]
        np.testing.assert_allclose(scores, expected[:count], rtol=0, atol=1e-4)


def test_fcn_ignores_the_end_of_a_published_window():
    fill(network("fcn"), twin_weights("fcn"))
    windows = windows_of("fcn", ZOO["fcn"].window, count=1)
    powers, changed = windows.copy(), windows.copy()
    powers[:, 1_684:] = 60
    changed[:, 1_685:] = 60

    before, after = network("fcn")(windows), network("fcn")(changed)

    np.testing.assert_array_equal(before, after)
    assert np.max(np.abs(network("fcn")(powers) - before)) > 1e-4


# harmonic filters

BIN = 4
"""In Hz."""


@pytest.fixture(scope="module")
def filters() -> HarmonicFilters:
    layer = HarmonicFilters(16_000, 6, 2, name="harmonic_filters")
    layer.build((None, None, 8_000 // BIN + 1))
    return layer


def responses(layer: HarmonicFilters) -> np.ndarray:
    """What the filters let through of each bin, (bins, notes, harmonics)."""
    bins = np.eye(8_000 // BIN + 1, dtype=np.float32)
    return np.asarray(layer(bins[np.newaxis]))[0]


def test_the_filters_are_at_half_semitones_from_c1_and_at_their_harmonics(
    filters: HarmonicFilters,
):
    peaks = BIN * np.argmax(responses(filters), axis=0)

    assert peaks.shape == (128, 6)
    np.testing.assert_allclose(peaks, filters.centres, atol=BIN / 2 + 0.01)
    np.testing.assert_allclose(filters.centres[[0, -1], 0], [32.70, 1_280.97], atol=0.005)
    np.testing.assert_allclose(np.diff(np.log2(filters.centres), axis=0), 1 / 24, rtol=1e-3)
    harmonics = filters.centres / filters.centres[:, :1]
    np.testing.assert_allclose(harmonics, np.tile(np.arange(1, 7), (128, 1)), rtol=1e-6)


def test_a_larger_q_makes_the_filters_narrower(filters: HarmonicFilters):
    for q in (1.0, 2.0):
        filters.q.assign([q])
        passed = BIN * np.sum(responses(filters) > 0, axis=0)

        widths = (0.1079 * filters.centres + 24.7) / q
        inside = filters.centres + widths / 2 < 8_000  # the last is cut off there
        np.testing.assert_allclose(passed[inside], widths[inside], atol=BIN)


def test_q_is_trained():
    spectra = np.random.RandomState(1).uniform(size=(2, 9, 257)).astype(np.float32)
    trained = keras.Sequential(
        [
            keras.Input((9, 257)),
            HarmonicFilters(16_000, 6, 2, name="harmonic_filters"),
            keras.layers.GlobalAveragePooling2D(),
        ]
    )
    trained.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=False)

    trained.fit(spectra, np.zeros((2, 6), np.float32), epochs=3, verbose=0)

    assert trained.get_layer("harmonic_filters").q.numpy()[0] > 1.01, "narrower lets less through"


def test_a_network_with_harmonic_filters_survives_being_saved(tmp_path: Path):
    small = harmonic_cnn.harmonic_cnn(3, (288, 65), channels=2)
    small.get_layer("harmonic_filters").q.assign([1.7])
    windows = np.random.RandomState(1).uniform(size=(2, 288, 65)).astype(np.float32)

    small.save(tmp_path / "small.keras")
    again = keras.models.load_model(tmp_path / "small.keras")

    assert again.get_layer("harmonic_filters").q.numpy() == pytest.approx([1.7])
    np.testing.assert_allclose(again(windows), small(windows), rtol=0, atol=1e-6)
