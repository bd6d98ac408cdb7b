"""A model that was trained becomes a version, with all that was measured of it."""

from pathlib import Path

import pytest

from app.datasets.tracks import SplitTrack, Subset, Track
from app.errors import SetupError
from app.evaluation.figures import Interval
from app.store.card import card
from app.store.manifest.manifest import read_store
from app.store.manifest.training_results import BaseRates
from app.store.registry.verification import verify
from app.store.registry.weights import read_weights
from app.store.storage.store import Store
from app.training.recipe.configuration import Configuration, claim
from app.training.recipe.schema import read_recipe
from app.training.run.publishing import MODEL, base_rates_of, publish_run
from tests.support import trained
from tests.support.trained import FIGURES, figures

TAGS = ("ambient", "chiptune", "drum & bass")

MEASURED = trained.evaluation(
    figures("ambient", 0.95, threshold=0.41234567),
    figures("chiptune", 0.7, threshold=None),
    figures("drum & bass", None, positives=0, train_positives=0, threshold=None),
)


def test_the_manifest_holds_the_trained_tags_and_the_figures(tmp_path: Path):
    store = Store(tmp_path)

    trained.publish(store, "tiny", TAGS, "subgenres", MEASURED)

    manifest = read_store(store)["tiny"]
    verify(store, manifest)
    assert manifest.tags.names == TAGS
    assert manifest.window.hop_frames == 8
    assert manifest.source.licence == "CC0-1.0"
    assert manifest.vocabulary.name == "subgenres"
    assert manifest.vocabulary.unheard == ("drum & bass",)
    assert manifest.thresholds.model_dump() == {"precision": 0.8, "scores": {"ambient": 0.412346}}
    assert manifest.calibration.model_dump() == MEASURED.calibration.model_dump()
    evaluation = manifest.evaluation
    assert (evaluation.split, evaluation.fingerprint, evaluation.tracks) == (
        "artists, seed 1",
        MEASURED.fingerprint,
        2_104,
    )
    assert (evaluation.roc_auc, evaluation.roc_auc_interval) == (0.912346, (0.88, 0.93))
    assert (evaluation.pr_auc, evaluation.pr_auc_interval) == (0.4321, (0.4, 0.47))
    assert {tag: each.roc_auc for tag, each in evaluation.tags.items()} == {
        "ambient": 0.95,
        "chiptune": 0.7,
    }


def test_base_rates_count_each_track_as_often_as_an_epoch_uses_it(tmp_path: Path):
    tagged = [("ambient",), ("ambient", "chiptune"), ("ambient",)]
    tracks = [
        SplitTrack(Track(str(number), "made", "", "", tags), Subset.TRAIN, repeats)
        for number, (tags, repeats) in enumerate(zip(tagged, (1, 2, 1), strict=True))
    ]
    rates = base_rates_of(TAGS, tracks)

    manifest = trained.publish(Store(tmp_path), "tiny", TAGS, "subgenres", base_rates=rates)

    assert manifest.base_rates.source == "Share of the tracks of the training part"
    # All tracks are ambient and none is drum & bass, which counts as half a track less.
    assert manifest.base_rates.rates == (3.5 / 4, 2 / 4, 0.5 / 4)


def test_a_run_is_published_with_the_base_rates_of_its_training(tmp_path: Path):
    run, rates = tmp_path / "run", BaseRates(source="Counted.", rates=(0.5, 0.25, 0.125))
    run.mkdir()
    trained.publish(Store(run / MODEL), "tiny", TAGS, "subgenres", base_rates=rates)
    about = {"task": "subgenres", "tags": TAGS, "split": "artists", "split_fingerprint": "0" * 64}
    code = {"taggram": "1", "code": "0" * 64, "audio_fingerprint": "0" * 64}
    recipe = read_recipe("thesis")
    claim(run, Configuration(recipe=recipe, seed=0, sample_rate=2_000, **about, **code))

    manifest = publish_run(Store(tmp_path / "models"), run, name="mine")

    assert (str(manifest.ref), manifest.base_rates) == ("mine/1", rates)


def test_a_model_without_an_evaluation_has_no_figures(tmp_path: Path):
    manifest = trained.publish(Store(tmp_path), "tiny", TAGS, "subgenres")

    assert manifest.vocabulary.unheard == ()
    assert manifest.evaluation is manifest.thresholds is manifest.calibration is None
    assert manifest.base_rates is manifest.confidence is None


def test_each_training_is_a_version_of_its_own(tmp_path: Path):
    versions = [
        trained.publish(Store(tmp_path), "tiny", TAGS, "subgenres", seed=seed).version
        for seed in (0, 1)
    ]

    assert versions == ["1", "2"]


def test_without_thresholds_none_is_published(tmp_path: Path):
    measured = trained.evaluation(figures("ambient"), figures("chiptune"))

    assert trained.publish(Store(tmp_path), "tiny", TAGS, "s", measured).thresholds is None


def test_figures_that_could_not_be_measured_are_omitted(tmp_path: Path):
    lacking = FIGURES.model_copy(update={"pr_auc_macro": Interval(value=None)})
    measured = trained.evaluation(figures("ambient"), overall=lacking)

    assert trained.publish(Store(tmp_path), "tiny", TAGS, "s", measured).evaluation is None


@pytest.mark.parametrize(
    ("tags", "vocabulary", "tag", "message"),
    [
        (TAGS, "raw", "ambient", "'raw' is the name of each model's own tags"),
        (TAGS, " ", "ambient", "vocabulary.name: .*is not a valid word"),
        (TAGS, "subgenres", "polka", "the model has no tag polka"),
        (("=1+1", "b", "c"), "subgenres", "b", "'=1\\+1' is not a valid word"),
        (("a", "b", "a"), "subgenres", "b", "named twice: a"),
    ],
)
def test_an_invalid_run_is_refused_and_the_store_stays_empty(
    tags: tuple[str, ...], vocabulary: str, tag: str, message: str, tmp_path: Path
):
    measured = trained.evaluation(figures(tag))

    with pytest.raises(SetupError, match=f"^tiny: .*{message}"):
        trained.publish(Store(tmp_path), "tiny", tags, vocabulary, measured)

    assert not list(tmp_path.iterdir())


def test_the_card_shows_the_trained_tags_and_the_figures(tmp_path: Path):
    store = Store(tmp_path)
    manifest = trained.publish(store, "tiny", TAGS, "subgenres", MEASURED)

    written = card(manifest, read_weights(store, manifest))

    for words in (
        "- Vocabulary: subgenres;",
        "- Without an example in training, so their scores are not used: drum &amp; bass\n",
        "- Test set: subgenres, part test, 2,104 tracks\n",
        f"- Split: artists, seed 1, SHA-256 {MEASURED.fingerprint}\n",
        "- ROC-AUC: 0.9123 (95 %: 0.8800 to 0.9300)\n",
        "- PR-AUC: 0.4321 (95 %: 0.4000 to 0.4700)\n",
        "- Best tags by ROC-AUC: ambient 0.950 (PR-AUC 0.475, on 12 tracks), chiptune 0.700",
        "at least 80 % of the time, on the validation set: ambient 0.412\n",
        "- Without a threshold, or not measured: chiptune, drum &amp; bass\n",
        "- Calibration: scores are off by 0.0110 on average\n",
        "- At a score of 0.55 the tag was right 61 % of 211 times\n",
        "- Source: Three songs.\n",
        "- To cite: Nobody 2026.\n",
    ):
        assert words in written


def test_the_card_lists_the_best_and_the_worst_tags(tmp_path: Path):
    tags = [f"t{number:02}" for number in range(12)]
    measured = trained.evaluation(
        *(figures(tag, 0.5 + number / 100) for number, tag in enumerate(tags))
    )
    store = Store(tmp_path)
    manifest = trained.publish(store, "tiny", tags, "own", measured)

    written = card(manifest, read_weights(store, manifest)).splitlines()

    best = next(line for line in written if line.startswith("- Best"))
    worst = next(line for line in written if line.startswith("- Worst"))
    assert [tag for tag in tags if tag in best] == tags[7:]
    assert [tag for tag in tags if tag in worst] == tags[:5]
