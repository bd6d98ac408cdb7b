"""Scores of the golden input against the published ones."""

from pathlib import Path

import numpy as np
import pytest

from app.domain import Precision, Scores
from app.errors import WeightsError
from app.front_ends import FrontEnd
from app.store.manifest.manifest import Folding, Manifest, read_store
from app.store.registry.golden import check_golden, golden_waveform
from app.store.storage.store import Store


@pytest.fixture(scope="module")
def manifest(store: Path) -> Manifest:
    return read_store(Store(store))["msd-musicnn"]


def published(manifest: Manifest) -> Scores:
    return np.array(manifest.golden.mean_scores)


def best(manifest: Manifest) -> list[int]:
    """The tags, best first."""
    return np.argsort(-published(manifest)).tolist()


def exchanged(manifest: Manifest, one: int, other: int) -> Scores:
    """The published scores, but for two places of the ranking that changed hands, hardly."""
    first, second = best(manifest)[one], best(manifest)[other]
    scores = published(manifest)
    middle = (scores[first] + scores[second]) / 2
    scores[first], scores[second] = middle - 1e-9, middle + 1e-9
    return scores


def refusal(manifest: Manifest, scores: Scores, precision: Precision, *, exact: bool = True) -> str:
    with pytest.raises(WeightsError) as refused:
        check_golden(manifest, scores, precision, exact=exact)
    return str(refused.value)


def test_every_published_model_tolerates_only_the_noise_of_float32(store: Path):
    tolerances = {model.golden.tolerance for model in read_store(Store(store)).values()}

    assert tolerances == {1e-5}


@pytest.mark.parametrize(
    ("precision", "exact", "tolerance"),
    [
        (Precision.FLOAT32, True, 1e-5),
        (Precision.INT8, True, 0.01),
        (Precision.BF16, True, 0.02),
        (Precision.FLOAT32, False, 0.00201),
        (Precision.BF16, False, 0.022),
    ],
)
@pytest.mark.parametrize("sign", [-1, 1])
def test_scores_may_differ_by_the_tolerance_of_their_arithmetic(
    sign: int, precision: Precision, exact: bool, tolerance: float, manifest: Manifest
):
    folding = Folding(source="Measured.", filters={"timbral_38": ((0, 0.0),)})
    manifest = manifest.model_copy(update={"folding": folding})
    worst = best(manifest)[-1]
    scores = published(manifest)

    scores[worst] += sign * 0.99 * tolerance
    check_golden(manifest, scores, precision, exact=exact)

    scores[worst] += sign * 0.02 * tolerance
    assert f"at most {tolerance:.0e}" in refusal(manifest, scores, precision, exact=exact)


@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_are_refused(
    number: float, precision: Precision, manifest: Manifest
):
    scores = published(manifest)
    scores[3] = number

    message = refusal(manifest, scores, precision)

    assert message.startswith(
        "msd-musicnn/1: 1 of 50 scores of the golden input are NaN or infinite"
    )


@pytest.mark.parametrize("place", range(5))
def test_the_five_best_tags_must_come_in_the_published_order(place: int, manifest: Manifest):
    # At this distance only the order can differ: another tag's scores would be off.
    near = manifest.model_copy(
        update={"golden": manifest.golden.model_copy(update={"tolerance": 1.0})}
    )

    message = refusal(near, exchanged(manifest, place, place + 1), Precision.FLOAT32)

    assert message.startswith("msd-musicnn/1: ")
    assert "best tags are not those published" in message


def test_tags_below_the_five_best_may_change_order(manifest: Manifest):
    ranking = best(manifest)
    scores = published(manifest)
    assert scores[ranking[5]] - scores[ranking[6]] < 0.04, "else bf16 does not take it"

    check_golden(manifest, exchanged(manifest, 5, 6), Precision.BF16)


def test_the_channels_of_a_stereo_golden_waveform_differ(manifest: Manifest):
    mono = golden_waveform(manifest.golden, manifest.front_end)

    stereo = golden_waveform(manifest.golden, FrontEnd(16_000, channels=2))

    assert stereo.shape == (7.5 * 16_000, 2)
    np.testing.assert_array_equal(stereo[:, 0], mono)
    assert np.abs(stereo[:, 1] - mono).mean() > 0.01


def test_the_golden_waveform_is_the_same_on_every_machine(manifest: Manifest):
    waveform = golden_waveform(manifest.golden, manifest.front_end)

    assert waveform.shape == (7.5 * 16_000,)
    assert waveform.dtype == np.float32
    assert 0.3 < np.max(np.abs(waveform)) < 1
    np.testing.assert_allclose(
        waveform[[0, 10_000, 60_000, -1]],
        [-0.01666424, -0.01292752, -0.07021988, 0.02434435],
        rtol=0,
        atol=1e-6,
    )
    with pytest.raises(ValueError, match="read-only"):
        waveform[0] = 0  # it is cached
