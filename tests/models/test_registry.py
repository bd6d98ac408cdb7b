"""All architectures by name: from a waveform to scores, with exactly as much to learn."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from app.front_ends import FrontEnd, WindowSpec
from app.models import architectures, build, network, shapes, variables
from app.models.architectures.embedding_probe import head
from app.models.registry import STEREO
from app.spectra import Log10, LogFrequency, Mel, Spectrum
from tests.models.conftest import TOLERANCE

TRAINABLE = {
    "fcn": 447_732,
    "crnn": 394_100,
    "musicnn": 787_159,
    "musicnn_zoo": 784_300,
    "vgg": 605_748,
    "sample_cnn": 1_869_874,
    "sample_cnn_se": 6_951_858,
    "sample_cnn_res": 4_920_882,
    "sample_cnn_rese": 26_980_146,
    "short_chunk_cnn": 3_687_348,
    "short_chunk_res": 12_104_244,
    "harmonic_cnn": 3_631_551,
    "cnnsa": 10_521_652,
    "music_tagging_transformer": 4_567_732,
    "clmr": 2_368_512 + 512 * 50 + 50,
    "ensemble": 784_300 + 3_687_348,
    "embedding_probe": 512 * 50 + 50,
}
"""For 50 tags, by the published references."""

MUSICNN = {
    "timbral_channels": 8,
    "temporal_channels": 4,
    "mid_channels": 8,
    "hidden_units": 16,
}
"""Arguments with which `musicnn_zoo` is built and trained in no time."""

UNPUBLISHED = {
    "spectnt",
    "multi_level_multi_scale",
    "musicnn_waveform",
    "cnnsa_musicnn",
    "cnnsa_sample_cnn",
    "k1c2",
    "k2c1",
    "k2c2",
}
"""Published in millions or not at all; counted exactly in the tests of their layers."""


def count(model: keras.Model) -> int:
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


def published_window_spec(name: str) -> WindowSpec:
    known = architectures()[name]
    return WindowSpec(known.front_end, known.window_frames, known.window_frames)


def noise(samples: int, batch: int = 2) -> np.ndarray:
    return 0.1 * np.random.RandomState(3).standard_normal((batch, samples)).astype(np.float32)


def test_all_architectures_of_the_thesis_are_there():
    assert set(architectures()) == {*TRAINABLE, *UNPUBLISHED}


@pytest.mark.thorough
@pytest.mark.parametrize("name", TRAINABLE)
def test_a_model_has_exactly_the_published_parameters(name: str):
    assert count(build(name, n_tags=50)) == TRAINABLE[name]


@pytest.mark.thorough
@pytest.mark.parametrize("name", architectures())
def test_a_model_accepts_waveforms_of_the_published_length_and_scores_any_number_of_tags(name: str):
    model = build(name, n_tags=7)

    assert model.input_shape == (None, architectures()[name].window_samples)
    scores = np.asarray(model(noise(model.input_shape[1])))
    assert scores.shape == (2, 7)
    assert scores.dtype == np.float32
    assert 0 <= scores.min() < scores.max() <= 1


@pytest.mark.thorough
@pytest.mark.parametrize("name", architectures())
def test_every_weight_has_a_unique_path_that_is_the_same_in_every_build(name: str):
    window_spec = published_window_spec(name)
    first, second = (variables(network(name, 3, window_spec, {})) for _ in range(2))

    assert len(first) == len({id(variable) for variable in first.values()})
    assert len(first) == len(network(name, 3, window_spec, {}).weights), "as many as Keras counts"
    assert {path: tuple(v.shape) for path, v in first.items()} == {
        path: tuple(v.shape) for path, v in second.items()
    }


def test_another_front_end_and_window_can_stand_before_a_network():
    cqt = FrontEnd(22_050, Spectrum((4096,), 512, bands=LogFrequency(96, 12, 32.7), log=Log10(1e4)))
    stack = FrontEnd(
        16_000, Spectrum((512, 1024), 256, bands=Mel(128, 0.0, 8_000.0), log=Log10(1e4))
    )

    model = build("crnn", n_tags=5, front_end=cqt, window_samples=220_500, channels=[8] * 4)

    assert np.asarray(model(noise(220_500))).shape == (2, 5)
    small = {"channels": [8] * 7, "hidden_units": 16}
    short_chunk = build("short_chunk_cnn", n_tags=5, front_end=stack, **small)
    assert short_chunk.layers[-1].input_shape == (None, 231, 128, 2)
    assert np.asarray(short_chunk(noise(59_049))).shape == (2, 5)


@pytest.mark.parametrize("name", ["musicnn", "crnn", "cnnsa", "harmonic_cnn", "sample_cnn"])
def test_a_front_end_that_does_not_fit_the_network_is_refused(name: str):
    raw = FrontEnd(16_000)
    mels = FrontEnd(16_000, Spectrum((512,), 256, bands=Mel(64, 0.0, 8_000.0)))
    front = mels if architectures()[name].front_end.spectrum is None else raw

    with pytest.raises(ValueError, match="window"):
        build(name, n_tags=5, front_end=front)


@pytest.mark.parametrize("name", STEREO)
def test_only_the_first_filters_of_a_network_see_that_samples_are_stereo(name: str):
    mono = published_window_spec(name)
    stereo = replace(mono, front=replace(mono.front, channels=2))

    before, after = (shapes(name, 5, spec, {}) for spec in (mono, stereo))

    changed = {path for path in before if before[path] != after[path]}
    assert changed == {path for path, shape in before.items() if len(shape) == 3 and shape[1] == 1}
    assert {after[path][1] for path in changed} == {2}


@pytest.mark.parametrize("name", ["musicnn", "fcn", "ensemble"])
def test_a_network_of_mono_is_refused_with_stereo_samples(name: str):
    window_spec = WindowSpec(FrontEnd(16_000, channels=2), 59_049, 59_049)

    with pytest.raises(ValueError, match=f"{name}: takes mono, not 2 channels; .* sample_cnn"):
        shapes(name, 5, window_spec, {})


def test_an_unknown_architecture_is_refused_with_a_list_of_the_known_ones():
    with pytest.raises(
        ValueError,
        match=r"'resnet' is not a known architecture; expected one of fcn, crnn, k1c2",
    ):
        build("resnet", n_tags=5)


@pytest.mark.parametrize("name", architectures())
def test_an_unknown_argument_of_an_architecture_is_refused(name: str):
    with pytest.raises(ValueError, match="depth"):
        network(name, 5, published_window_spec(name), {"depth": 3})


def test_an_ensemble_gives_the_mean_of_its_members():
    members = {
        "first": {"architecture": "musicnn_zoo", **MUSICNN},
        "again": {"architecture": "musicnn_zoo", **MUSICNN},
        "other": {"architecture": "sample_cnn", "channels": [4] * 11},
    }
    model = build("ensemble", n_tags=4, members=members)
    together = model.layers[-1]
    waveforms = noise(59_049)

    alone = []
    for name, arguments in members.items():
        own = {key: value for key, value in arguments.items() if key != "architecture"}
        member = build(arguments["architecture"], n_tags=4, **own)
        weights = variables(together)
        for path, variable in variables(member).items():
            variable.assign(weights[f"{name}/{path}"])
        alone.append(np.asarray(member(waveforms[:, : member.input_shape[1]])))

    assert np.max(np.abs(alone[0] - alone[1])) > 1e-3, "else the members are the same"
    np.testing.assert_allclose(model(waveforms), np.mean(alone, axis=0), rtol=0, atol=TOLERANCE)


def test_a_member_with_a_shorter_window_scores_as_many_as_fit():
    members = {"only": {"architecture": "musicnn_zoo", **MUSICNN}}
    model = build("ensemble", n_tags=4, window_samples=100_000, members=members)
    member = build("musicnn_zoo", n_tags=4, **MUSICNN)
    for path, variable in variables(member).items():
        variable.assign(variables(model.layers[-1])[f"only/{path}"])
    waveforms = noise(100_000)

    pieces = [np.asarray(member(waveforms[:, i * 48_000 : (i + 1) * 48_000])) for i in (0, 1)]

    assert np.max(np.abs(pieces[0] - pieces[1])) > 1e-3
    np.testing.assert_allclose(model(waveforms), np.mean(pieces, axis=0), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "members"),
        ({"a": {}}, r"members\.a\.architecture"),
        ({"a": {"architecture": "resnet"}}, "'resnet' is not a known architecture"),
        ({"a": {"architecture": "harmonic_cnn"}}, r"members\.a needs 80000 samples"),
        ({"a": {"architecture": "musicnn_zoo", "depth": 3}}, "depth"),
    ],
)
def test_invalid_members_are_refused(members: dict, message: str):
    with pytest.raises(ValueError, match=message):
        build("ensemble", n_tags=4, members=members)


@pytest.mark.parametrize(("hidden_units", "parameters"), [(0, 240_050), (512, 2_483_762)])
def test_embeddings_of_an_external_encoder_are_probed(hidden_units: int, parameters: int):
    """CALM: 4,800 numbers a track, of Jukebox."""
    probe = head(50, hidden_units=hidden_units)

    scores = np.asarray(probe(np.random.RandomState(1).standard_normal((3, 4_800))))

    assert count(probe) == parameters
    assert scores.shape == (3, 50)
    assert np.median(np.ptp(scores, axis=0)) > 1e-3


@pytest.mark.parametrize(
    "encoder", ["musicnn_zoo", pytest.param("clmr", marks=pytest.mark.thorough)]
)
def test_a_probe_gets_the_input_of_the_encoders_last_layer_and_only_the_probe_is_trained(
    encoder: str,
):
    front = architectures()[encoder].front_end
    arguments = MUSICNN if encoder == "musicnn_zoo" else {}
    given = {"encoder": encoder, "arguments": arguments, "hidden_units": 8}
    model = build("embedding_probe", n_tags=3, front_end=front, **given)
    probed = model.layers[-1]
    frozen = variables(probed.get_layer("encoder"))
    before = {path: np.asarray(variable) for path, variable in frozen.items()}
    waveforms = noise(59_049, 4)
    model.compile("adam", "binary_crossentropy", run_eagerly=True)

    model.fit(waveforms, np.eye(4, 3), epochs=2, verbose=0)

    assert {v.path.split("/")[0] for v in model.trainable_variables} == {"hidden", "tags"}
    for path, variable in frozen.items():
        np.testing.assert_array_equal(variable, before[path], err_msg=path)
    frames = probed.input_shape[1]
    whole = network(encoder, 1, WindowSpec(front, frames, frames), arguments)
    inside = keras.Model(whole.input, whole.get_layer("tags").input)
    for path, variable in variables(inside).items():
        variable.assign(frozen[path])
    windows = 0.5 + 0.2 * np.random.RandomState(5).rand(2, *probed.input_shape[1:])
    vectors = np.asarray(probed.get_layer("encoder")(windows))
    assert np.ptp(vectors) > 0
    np.testing.assert_allclose(vectors, inside(windows), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("probed", [False, True], ids=["alone", "probed"])
def test_a_network_that_knows_frequencies_knows_those_of_its_front_end(probed: bool):
    front = FrontEnd(22_050, Spectrum((512,), 256))
    name, arguments = "harmonic_cnn", {"channels": 4}
    if probed:
        name, arguments = "embedding_probe", {"encoder": name, "arguments": arguments}

    model = build(name, n_tags=2, front_end=front, window_samples=110_250, **arguments)

    inner = model.layers[-1].get_layer("encoder") if probed else model.layers[-1]
    assert inner.get_layer("harmonic_filters").frequencies[-1] == 11_025
    with pytest.raises(ValueError, match="sample_rate"):
        build("harmonic_cnn", n_tags=2, front_end=front, sample_rate=16_000)
