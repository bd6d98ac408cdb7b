"""Options against skew: which tags and tracks they mean, and what an epoch and a batch get."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.datasets.audio.audio_store import AudioStore
from app.datasets.audio.cropping import Crops
from app.training.data import skew
from app.training.data.batches import BatchDataset, Mixing, WindowSource, mix_with_previous
from app.training.data.sampling import SamplerConfig, training_epoch
from app.training.loop import networks
from app.training.recipe.schema import Phase
from tests.support.toy import toy_phase

LABELS = np.array(
    [[1, 0, 0]] * 6 + [[1, 1, 0]] * 2 + [[0, 1, 0]] * 2 + [[0, 0, 1]] * 2 + [[1, 0, 1]], np.float32
)
"""Tag 0 nine times, tag 1 four times, tag 2 three times."""

ONCE = np.ones(len(LABELS), np.int64)

WINDOW = 100


def config(repeats: np.ndarray = ONCE) -> SamplerConfig:
    crops = Crops(start_cut=0, end_cut=0, random_crop=None, windows="one")
    return SamplerConfig([1_000] * len(LABELS), repeats.tolist(), 100, WINDOW, crops)


def test_minority_tags_have_an_imbalance_ratio_above_the_mean() -> None:
    # 9/9, 9/4 and 9/3: their mean is 2.08
    assert skew.find_minorities(LABELS, ONCE).tolist() == [False, True, True]
    repeated = np.where(LABELS[:, 2], 4, 1)  # 12, 4 and 12 uses: 1, 3 and 1, mean 1.67
    assert skew.find_minorities(LABELS, repeated).tolist() == [False, True, False]


@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 9), st.integers(1, 5)),
        elements=st.sampled_from([0, 1]),
    )
)
def test_minorities_agree_with_the_definition(labels: np.ndarray) -> None:
    counts = {tag: column.sum() for tag, column in enumerate(labels.T) if column.any()}
    ratios = {tag: max(counts.values()) / count for tag, count in counts.items()}
    mean = sum(ratios.values()) / len(ratios) if ratios else 0
    found = np.flatnonzero(skew.find_minorities(labels, np.ones(len(labels), np.int64)))
    clear = {tag for tag, ratio in ratios.items() if ratio > mean + 1e-9}
    assert clear <= set(found.tolist()) <= {t for t, r in ratios.items() if r > mean - 1e-9}


def test_an_epoch_uses_a_share_of_the_tracks_with_a_majority_tag_alone_and_all_others() -> None:
    only = skew.find_majority_only(LABELS, skew.find_minorities(LABELS, ONCE))
    assert np.flatnonzero(only).tolist() == [0, 1, 2, 3, 4, 5]
    used = [skew.draw_tracks(config(), only, 1 / 3, 1, number).repeats for number in range(20)]
    assert {sum(each[:6]) for each in used} == {2}
    assert all(each[6:] == [1] * 7 for each in used)
    assert {track for each in used for track in np.flatnonzero(each[:6])} == set(range(6))
    assert used[3] == skew.draw_tracks(config(), only, 1 / 3, 1, 3).repeats


def test_a_synthetic_window_follows_each_minority_window_and_shares_a_tag_with_it() -> None:
    minorities = skew.find_minorities(LABELS, ONCE)
    labels = LABELS[:, minorities] > 0
    epoch = training_epoch(config(), 1, 0)
    longer, weights = skew.add_synthetic(epoch, config(), labels, 1.0, [1, 0])
    inserted = np.flatnonzero(weights != 1)
    assert len(longer) == len(epoch) + 7
    assert len(inserted) == 7
    kept = np.delete(np.arange(len(longer)), inserted)
    assert longer.tracks[kept].tolist() == epoch.tracks.tolist()
    for row in inserted:
        own, other = longer.tracks[row - 1], longer.tracks[row]
        assert own != other
        assert (labels[own] & labels[other]).any()
        assert 0 <= longer.starts[row] <= 1_000 - WINDOW


def test_a_rare_tag_of_one_track_is_mixed_with_another_window_of_it() -> None:
    labels = np.zeros((len(LABELS), 1), bool)
    labels[4] = True
    longer, _ = skew.add_synthetic(training_epoch(config(), 1, 0), config(), labels, 1.0, [1])
    assert np.count_nonzero(longer.tracks == 4) == 2


def dataset(mixing: Mixing | None, size: int = 4) -> BatchDataset:
    """Windows whose samples and target are the number of their track."""
    store = cast(
        "AudioStore",
        SimpleNamespace(
            samples=lambda key: np.full(1_000, 32 * int(key), np.int16), sample_shape=()
        ),
    )
    ids = [str(number) for number in range(len(LABELS))]
    source = WindowSource(store, ids, lambda track, _: np.array([track], np.float32), WINDOW)
    return BatchDataset(source, training_epoch(config(), 1, 0), size, mixing)


def batches(data: BatchDataset) -> list:
    return list(data.parts().as_numpy_iterator())


def test_both_channels_of_a_window_are_mixed() -> None:
    windows = np.arange(24, dtype=np.float32).reshape(3, 4, 2)
    weights = np.array([[1], [0.25], [0.5]], np.float32)

    mixed = mix_with_previous(windows, weights)

    for channel in range(2):
        alone = mix_with_previous(windows[:, :, channel], weights)
        np.testing.assert_array_equal(mixed[:, :, channel], alone)


def test_windows_and_tags_are_mixed_alike_with_the_window_before() -> None:
    weights = np.linspace(0, 1, len(LABELS), dtype=np.float32)
    plain, mixed = batches(dataset(None)), batches(dataset(Mixing(weights, embeddings=False)))
    first = 0
    for (windows, targets), (_, own) in zip(mixed, plain, strict=True):
        expected = own.copy()
        for row in range(1, len(own)):
            weight = weights[first + row]
            expected[row] = weight * own[row] + (1 - weight) * own[row - 1]
        np.testing.assert_allclose(targets, expected, rtol=1e-5)
        np.testing.assert_allclose(windows[:, 0] * 1024, targets[:, 0], rtol=1e-5)
        first += len(own)


def test_weights_of_embeddings_go_to_the_network_and_windows_stay() -> None:
    weights = np.full(len(LABELS), 0.25, np.float32)
    (windows, given_weights), targets = batches(dataset(Mixing(weights, embeddings=True)))[0]
    plain, own = batches(dataset(None))[0]
    assert given_weights.ravel().tolist() == [1, 0.25, 0.25, 0.25]
    np.testing.assert_array_equal(windows, plain)
    np.testing.assert_allclose(targets[1], 0.25 * own[1] + 0.75 * own[0], rtol=1e-6)


def test_the_network_mixes_embeddings_before_its_last_layer() -> None:
    phase = Phase.model_validate(toy_phase(skew={"interpolate": 1.0}, window_s=2.1))
    built = networks.build(phase, 3)
    rng = np.random.default_rng(1)
    windows = rng.normal(0, 0.1, (2, built.window_spec.window_samples)).astype(np.float32)

    def logits(weight: float) -> np.ndarray:
        scores = built.training_model([windows, np.array([[1], [weight]], np.float32)])
        scores = np.asarray(scores, np.float64)
        return np.log(scores / (1 - scores))

    alone, mixed = logits(1.0), logits(0.25)
    np.testing.assert_allclose(mixed[0], alone[0], atol=1e-4)
    np.testing.assert_allclose(mixed[1], 0.25 * alone[1] + 0.75 * alone[0], atol=1e-4)
    assert not np.allclose(alone[0], alone[1], atol=1e-3)


@pytest.mark.parametrize(
    "phase",
    [
        {"skew": {"mixup": 0.2, "interpolate": 1.0}},
        {"skew": {"mixup": 0.2}, "teacher": "other"},
        {"skew": {"majority_only": 0.0}},
        {"skew": {"majority_only": 0.5}, "learns": "contrast", "augmentation": {}},
    ],
)
def test_impossible_options_are_refused(phase: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="skew"):
        Phase.model_validate(toy_phase(**phase))
