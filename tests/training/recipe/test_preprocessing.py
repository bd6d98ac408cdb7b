"""A recipe sets the input of its network: the thesis's by `thesis`, any other, or a refusal."""

import inspect

import numpy as np
import pytest
from keras import layers

from app.errors import SetupError
from app.models import architectures
from app.spectra import Decibels, Mel, MelScale
from app.training.loop.networks import build, window_spec_of
from app.training.recipe.schema import Phase, read_recipe
from app.training.run.train import replace_architecture
from tests.support.toy import toy_phase, toy_recipe

OTHERS = ("musicnn", "musicnn_zoo", "short_chunk_res", "cnnsa")
THESIS = ("short_chunk_cnn", *OTHERS)

MEL_96 = {"n_mels": 96, "f_min": 0, "f_max": 8000}
SPECTRUM = {"n_fft": [512], "hop": 256, "bands": MEL_96, "log": {"floor": 1e-10}}


def thesis_phase(architecture: str) -> Phase:
    """Return the phase of the recipe `thesis`, with another architecture."""
    return replace_architecture(read_recipe("thesis"), architecture).phases[0]


def own_phase(spectrum: dict[str, object] | None = None, **others: object) -> Phase:
    """Return a phase with a front end of its own."""
    front_end = {"sample_rate": 16_000, "spectrum": {**SPECTRUM, **(spectrum or {})}}
    return Phase.model_validate(toy_phase(**{"front_end": front_end, "arguments": {}, **others}))


@pytest.mark.parametrize("architecture", THESIS)
def test_the_recipe_of_the_thesis_has_its_input_and_dropout_for_each_network(architecture: str):
    phase = thesis_phase(architecture)
    window_spec = window_spec_of(phase)
    spectrum = window_spec.front.spectrum
    assert window_spec.window_shape == (188, 128)  # of 48,000 samples at 16 kHz
    assert spectrum.bands == Mel(128, 0, 8_000, MelScale.HTK, by_area=False)
    assert (spectrum.n_fft, spectrum.hop, spectrum.power) == ((512,), 256, 2)
    assert spectrum.log == Decibels(1e-10)
    assert phase.crops.overlap == 0.5
    assert phase.arguments == {"conv_dropout": 0.1}


def test_another_network_of_the_thesis_loses_only_the_arguments_that_it_lacks():
    assert thesis_phase("vgg").arguments == {}


@pytest.mark.parametrize(
    "architecture",
    ["short_chunk_cnn", *(pytest.param(each, marks=pytest.mark.thorough) for each in OTHERS)],
)
def test_dropout_of_convolutions_adds_no_weights_and_is_off_by_default(architecture: str):
    known = architectures()[architecture]
    small = {
        name: 2 if isinstance(each.default, int) else [2] * len(each.default)
        for name, each in inspect.signature(known.network).parameters.items()
        if "channels" in name
    }
    without, with_it = (
        known.network(3, (188, 128), **small, **others) for others in ({}, {"conv_dropout": 0.1})
    )
    assert without.count_params() == with_it.count_params()
    rates = [layer.rate for layer in with_it.layers if isinstance(layer, layers.Dropout)]
    assert 0.1 in rates
    assert rates[-1] == 0.5  # before the last layer
    assert not any(
        layer.rate == 0.1 for layer in without.layers if isinstance(layer, layers.Dropout)
    )


@pytest.mark.parametrize(
    ("spectrum", "window_s", "shape"),
    [
        ({}, 3, (188, 96)),
        ({"cepstrum": 20}, 3, (188, 20)),
        ({"bands": None}, 1.5, (94, 257)),
        ({"n_fft": [512, 1024]}, 3, (188, 96, 2)),
        ({"log": None, "weighting": "a"}, None, (188, 96)),  # the published 48,000 samples
    ],
    ids=["96 mels", "MFCC", "linear", "two resolutions", "weighted powers"],
)
def test_a_recipe_sets_front_end_and_window(spectrum, window_s, shape):
    phase = own_phase(spectrum, window_s=window_s, architecture="musicnn_zoo")
    assert window_spec_of(phase).window_shape == shape


def test_a_network_of_a_recipe_scores_waveforms_by_its_front_end():
    small = {"timbral_channels": 2, "temporal_channels": 2, "mid_channels": 2}
    built = build(own_phase(window_s=1, architecture="musicnn_zoo", arguments=small), 3)
    scores = built.training_model(np.zeros((2, built.window_spec.window_samples), np.float32))
    assert built.window_spec.window_shape == (63, 96)
    assert scores.shape == (2, 3)


@pytest.mark.parametrize(
    ("phase", "message"),
    [
        ({"architecture": "short_chunk_cnn"}, r"3.696 s, \(231, 96\): the window is too small: a"),
        ({"architecture": "sample_cnn"}, "not a valid shape; expected .samples"),
        ({"architecture": "ensemble"}, "each member has its own front end"),
        ({"architecture": "harmonic_cnn"}, "leave bands, log, cepstrum and deltas out"),
        ({"window_s": 1e-3, "architecture": "vgg"}, "the window is too small"),
        ({"window_s": 590.0, "architecture": "vgg"}, "elements; at most"),
    ],
)
def test_what_a_network_can_not_take_is_refused_in_words(phase: dict, message: str):
    with pytest.raises(SetupError, match=message) as refused:
        build(own_phase(**phase), 3)
    assert "phase 'tags'" in str(refused.value)


def test_an_unknown_key_of_a_front_end_is_refused_with_its_name():
    with pytest.raises(ValueError, match=r"spectrum\.hopp"):
        own_phase({"hopp": 3})


def test_a_recipe_with_a_front_end_survives_its_file():
    recipe = toy_recipe([own_phase().model_dump(mode="json")])
    assert type(recipe).model_validate(recipe.model_dump(mode="json")) == recipe
