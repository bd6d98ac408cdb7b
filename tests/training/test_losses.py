import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from app.training.losses import ContrastLoss, TagLoss, tag_loss
from app.training.recipe.schema import Loss

RNG = np.random.default_rng(3)
TAGS = RNG.integers(0, 2, (40, 7)).astype(np.float32)
SCORES = RNG.uniform(0.01, 0.99, (40, 7)).astype(np.float32)


def test_without_options_the_loss_is_keras_s_binary_cross_entropy() -> None:
    ours = float(TagLoss(np.ones(7))(TAGS, SCORES))
    assert ours == pytest.approx(float(keras.losses.BinaryCrossentropy()(TAGS, SCORES)), rel=1e-5)


def test_with_a_gamma_the_loss_is_keras_s_focal_loss() -> None:
    theirs = keras.losses.BinaryFocalCrossentropy(gamma=2.0)
    ours = float(TagLoss(np.ones(7), gamma=2.0)(TAGS, SCORES))
    assert ours == pytest.approx(float(theirs(TAGS, SCORES)), rel=1e-5)


def test_a_rare_tag_s_positives_weigh_as_much_as_its_negatives() -> None:
    tags = np.zeros((100, 2), np.float32)
    tags[:10, 0] = 1
    tags[:50, 1] = 1
    loss = tag_loss(Loss(class_weights=True), tags)
    assert loss.weights == pytest.approx([9, 1])


def test_class_weights_are_bounded_and_absent_tags_have_none() -> None:
    tags = np.zeros((1000, 2), np.float32)
    tags[0, 0] = 1
    assert tag_loss(Loss(class_weights=True, max_weight=20), tags).weights == pytest.approx(20)


def test_the_contrastive_loss_agrees_with_its_definition() -> None:
    z = RNG.normal(size=(6, 5)).astype(np.float32)
    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    likeness = np.exp(unit @ unit.T / 0.5)
    np.fill_diagonal(likeness, 0)
    partner = [1, 0, 3, 2, 5, 4]
    by_hand = -np.log(likeness[np.arange(6), partner] / likeness.sum(axis=1))
    assert float(ContrastLoss(0.5)(np.zeros((6, 1)), z)) == pytest.approx(by_hand.mean(), rel=1e-5)


def test_the_contrastive_loss_is_lowest_if_the_windows_of_a_track_agree() -> None:
    alike = np.repeat(np.eye(4, dtype=np.float32), 2, axis=0)
    strangers = np.concatenate([np.eye(4, dtype=np.float32)] * 2)
    nothing = np.zeros((8, 1))
    assert float(ContrastLoss(0.5)(nothing, alike)) < float(ContrastLoss(0.5)(nothing, strangers))


@pytest.mark.thorough
def test_the_contrastive_loss_of_a_batch_is_the_same_on_two_devices() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.contrast_on_devices"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["two"]["loss"] == pytest.approx(found["one"]["loss"], rel=1e-4)
    assert found["two"]["gradient"] == pytest.approx(found["one"]["gradient"], rel=1e-3, abs=1e-5)
