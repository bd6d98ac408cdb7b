"""What a manifest may say of a training: words, thresholds, calibration, figures."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.store.manifest.manifest import Manifest
from app.store.registry.packaging import package_model
from tests.support import tiny

TAGS = ("one", "two", "three")
VOCABULARY = {"name": "own", "description": "Ours."}
CALIBRATION = {
    "scores": (0.1, 0.9),
    "frequencies": (0.2, 0.8),
    "counts": (5, 7),
    "expected_error": 0.1,
}
EVALUATION = {"dataset": "Ours.", "roc_auc": 0.9, "pr_auc": 0.5}
ALL = {
    "vocabulary": VOCABULARY,
    "thresholds": {"precision": 0.8, "scores": {"two": 0.43}},
    "calibration": CALIBRATION,
    "evaluation": {
        **EVALUATION,
        "roc_auc_interval": (0.8, 0.95),
        "tags": {"one": {"roc_auc": 0.9, "pr_auc": 0.5, "positives": 3}},
    },
}


@pytest.fixture(scope="module", autouse=True)
def unscored() -> Iterator[None]:
    """Leaves out the golden scores, which are not the matter here."""
    with pytest.MonkeyPatch.context() as without:
        preparing = "app.store.registry.packaging"
        without.setattr(f"{preparing}.assemble", lambda manifest, *_: manifest)
        without.setattr(
            f"{preparing}.golden_scores", lambda manifest: np.zeros(len(manifest.tags.names))
        )
        yield


def described(**fields: object) -> Manifest:
    """A manifest after it was written and read."""
    names = fields.pop("names", TAGS)
    spec = tiny.spec(tags={"family": "tiny", "names": names}, **fields)
    return package_model(spec, tiny.weights(n_tags=len(names))).manifest("1")


def test_all_fields_are_kept():
    manifest = described(**ALL)

    for table, fields in ALL.items():
        assert getattr(manifest, table).model_dump(exclude_defaults=True) == fields


WRONG = {
    "name raw": ({"vocabulary": {**VOCABULARY, "name": "raw"}}, "'raw' is the name of each"),
    "blank name": ({"vocabulary": {**VOCABULARY, "name": " "}}, "is not a valid word"),
    "control character in the name": (
        {"vocabulary": {**VOCABULARY, "name": "a\x07"}},
        "not a valid word",
    ),
    "unknown field": ({"vocabulary": {**VOCABULARY, "colour": "red"}}, "colour"),
    "untrained tag that it has not": (
        {"vocabulary": {**VOCABULARY, "unheard": ["four"]}},
        "vocabulary.unheard: the model has no tag four",
    ),
    "threshold of another tag": (
        {"thresholds": {"precision": 0.8, "scores": {"four": 0.1, "five": 0.1}}},
        "thresholds.scores: the model has no tag five, four",
    ),
    "threshold above 1": ({"thresholds": {"precision": 0.8, "scores": {"one": 1.1}}}, "scores.one"),
    "precision of nothing": ({"thresholds": {"precision": 0, "scores": {}}}, "precision"),
    "bin without a count": (
        {"calibration": {**CALIBRATION, "counts": [5]}},
        "expected one of each per bin",
    ),
    "figures of another tag": (
        {
            "evaluation": {
                **EVALUATION,
                "tags": {"four": {"roc_auc": 1, "pr_auc": 1, "positives": 1}},
            }
        },
        "evaluation.tags: the model has no tag four",
    ),
    "half a hash": ({"evaluation": {**EVALUATION, "fingerprint": "0123"}}, "fingerprint"),
}


@pytest.mark.parametrize(("fields", "words"), WRONG.values(), ids=WRONG)
def test_fields_that_contradict_the_model_are_refused(fields: dict[str, object], words: str):
    with pytest.raises(ValidationError, match=words):
        tiny.spec(**fields)


@pytest.mark.parametrize("tag", ["=1+1", "@SUM(1)", "\uff1d1", " -1", "a\x07b", " ", "\ud800"])
def test_a_tag_invalid_in_a_vocabulary_is_refused_only_if_it_becomes_a_word(tag: str):
    tags = {"family": "tiny", "names": (tag, "two", "three")}

    tiny.spec(tags=tags)
    with pytest.raises(ValidationError, match="is not a valid word"):
        tiny.spec(tags=tags, vocabulary=VOCABULARY)


@given(
    names=st.lists(
        st.text("aé\"'\\.[]{}#=\u2028\u202e🎵 ", min_size=1, max_size=6).filter(
            lambda tag: tag.strip() and not tag.lstrip().startswith("=")
        ),
        min_size=1,
        max_size=4,
        unique=True,
    )
)
def test_any_valid_words_are_kept(names: list[str]):
    thresholds = {"precision": 0.8, "scores": dict.fromkeys(names, 0.5)}

    manifest = described(names=names, vocabulary=VOCABULARY, thresholds=thresholds)

    assert manifest.tags.names == tuple(names)
    assert manifest.thresholds.scores == thresholds["scores"]
