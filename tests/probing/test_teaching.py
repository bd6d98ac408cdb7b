"""Custom tags, taught on a published model with songs that differ clearly, or not at all."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from app.datasets.tracks import Track, track_id
from app.errors import SetupError
from app.evaluation.curve_areas import roc_pr_auc
from app.front_ends import WindowSpec
from app.models import network, variables
from app.models.architectures import fcn
from app.probing.embedding import EmbeddedSongs, embed_files, read_own_tracks
from app.probing.encoder import EmbeddedTrack, Encoder
from app.probing.examples import Examples, check_examples
from app.probing.probe import Probe, folds, out_of_fold, song_scores, train_probe
from app.probing.separation import measure_separation
from app.probing.teaching import TeachResult, check_name, teach
from app.store.manifest.manifest import Manifest, read_store
from app.store.registry.loading import load
from app.store.registry.publishing import publish
from app.store.registry.verification import verify
from app.store.storage.store import Store
from app.training.run.publishing import describe_trained
from tests.support.commands import files_of_at_most, taggram
from tests.support.toy import RATE, TAGS, toy_sound

SONGS, ARTISTS = 8, 4


def quiet(done: int, of: int) -> None:
    """Nobody watches."""


def publish_listener(models: Store) -> Manifest:
    """An untrained network: its embeddings separate low, high and noise."""
    window_spec = WindowSpec(fcn.FRONT_END, 128, 64)
    arguments = {"channels": [4, 8], "pools": [[4, 8], [4, 8]]}
    keras.utils.set_random_seed(1)
    weights = {
        path: np.asarray(variable.value)
        for path, variable in variables(network("fcn", 3, window_spec, arguments)).items()
    }
    spec = describe_trained(
        name="listener",
        summary="Random weights.",
        architecture="fcn",
        arguments=arguments,
        window_spec=window_spec,
        tags=("a", "b", "c"),
        family="listener",
        vocabulary="listener",
        licence="CC0-1.0",
        citation="Nobody 2026.",
    )
    return publish(models, spec, weights)


def write_songs(root: Path, tags: tuple[str, ...] = TAGS) -> None:
    for number in range(SONGS * len(tags)):
        tag, own = tags[number % len(tags)], number // len(tags)
        path = root / tag / f"{tag} artist {own % ARTISTS}" / f"{own}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, toy_sound(tag, number), RATE)


def embedded_in(folder: Path, encoder: Encoder, cache: Path) -> EmbeddedSongs:
    audio, tracks, _ = read_own_tracks(folder)
    return embed_files(encoder, audio, tracks, cache, quiet)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("taught")
    write_songs(root / "songs")
    (root / "songs" / "low" / "torn.mp3").write_bytes(b"<html>Not found</html>")
    return root


@pytest.fixture(scope="module")
def models(root: Path) -> Store:
    models = Store(root / "models")
    publish_listener(models)
    return models


@pytest.fixture(scope="module")
def encoder(models: Store, root: Path) -> Encoder:
    return Encoder(models, "listener", root / "cache")


@pytest.fixture(scope="module")
def embedded(encoder: Encoder, root: Path) -> EmbeddedSongs:
    return embedded_in(root / "songs", encoder, root / "cache")


@pytest.fixture(scope="module")
def taught(models: Store, encoder: Encoder, embedded: EmbeddedSongs) -> TeachResult:
    return teach(models, encoder, embedded.songs, name="own", precision=0.8, on_progress=quiet)


def test_an_undecodable_file_is_named_and_the_others_are_used(embedded: EmbeddedSongs):
    assert len(embedded.songs) == SONGS * len(TAGS)
    assert list(embedded.skipped) == ["low/torn.mp3"]


def test_clearly_different_tags_are_learned(taught: TeachResult):
    assert taught.evaluation.song.roc_auc_macro.value > 0.95
    assert all(pair.is_separated for pair in taught.pairs)
    assert {each.tag for each in taught.evaluation.tags if each.threshold is not None} == set(TAGS)


def test_the_published_model_scores_like_the_probe(
    models: Store, encoder: Encoder, embedded: EmbeddedSongs, taught: TeachResult
):
    manifest = read_store(models)["own"]
    verify(models, manifest)
    probe = train_probe(Examples.of(embedded.songs, manifest.tags.names))
    sound = toy_sound("low", 99).astype(np.float32)
    samples = np.rint(sound * 32_768).astype(np.int16)

    graph = load(models, manifest).graph
    given = graph((samples / np.float32(32_768))[np.newaxis].astype(np.float32))["windows"]

    np.testing.assert_allclose(
        given, probe.scores(encoder.embed(samples, "0" * 64).windows), atol=1e-4
    )
    assert manifest.tags.names[int(np.mean(given, axis=0).argmax())] == "low"


def test_the_published_model_scores_its_vocabulary_and_keeps_the_licence(taught: TeachResult):
    manifest = taught.manifest

    assert (manifest.vocabulary.name, manifest.vocabulary.unheard) == ("own", ())
    assert set(manifest.thresholds.scores) == set(TAGS)
    assert manifest.calibration is not None
    assert manifest.base_rates.rates == pytest.approx([1 / len(TAGS)] * len(TAGS), abs=1e-6)
    assert manifest.source.licence == "CC0-1.0"
    assert manifest.confidence is None


def test_songs_are_decoded_once_and_their_embeddings_are_read_once_per_run(
    models: Store, root: Path, embedded: EmbeddedSongs
):
    class Deaf(Encoder):
        read = 0

        def embed(self, samples: np.ndarray, digest: str) -> EmbeddedTrack:
            raise AssertionError("it was heard before")

        def cached(self, digest: str) -> EmbeddedTrack | None:
            embedded = super().cached(digest)
            self.read += embedded is not None
            return embedded

    deaf = Deaf(models, "listener", root / "cache")

    again = embedded_in(root / "songs", deaf, root / "cache")

    for old, new in zip(embedded.songs, again.songs, strict=True):
        assert old.track == new.track
        np.testing.assert_array_equal(old.windows, new.windows)
    assert deaf.read == len(embedded.songs)
    assert not (root / "cache" / "decoded").exists()


def test_a_stopped_run_is_resumed(models: Store, root: Path, tmp_path: Path):
    class Counting(Encoder):
        left = 5
        embedded = 0

        def embed(self, samples: np.ndarray, digest: str) -> EmbeddedTrack:
            if self.embedded == self.left:
                raise KeyboardInterrupt
            self.embedded += 1
            return super().embed(samples, digest)

    stopped, going_on = (Counting(models, "listener", tmp_path) for _ in range(2))
    with pytest.raises(KeyboardInterrupt):
        embedded_in(root / "songs", stopped, tmp_path)
    going_on.left = 1_000

    embedded = embedded_in(root / "songs", going_on, tmp_path)

    assert len(embedded.songs) == SONGS * len(TAGS)
    assert going_on.embedded == len(embedded.songs) - 5


@pytest.mark.parametrize("end", [0, 100, -1])
def test_corrupted_embeddings_are_computed_again(
    encoder: Encoder, root: Path, embedded: EmbeddedSongs, end: int
):
    kept = next((root / "cache").rglob("*.npy"))
    kept.write_bytes(kept.read_bytes()[:end])

    again = embedded_in(root / "songs", encoder, root / "cache")

    for old, new in zip(embedded.songs, again.songs, strict=True):
        np.testing.assert_allclose(old.windows, new.windows, atol=1e-5)


def test_a_full_disk_is_reported(encoder: Encoder, root: Path):
    with files_of_at_most(100), pytest.raises(SetupError, match="there is no space for it"):
        encoder.embed(np.ones(RATE * 9, np.int16), "f" * 64)

    assert encoder.cached("f" * 64) is None


def test_the_same_file_in_two_folders_is_one_song_with_two_tags(
    encoder: Encoder, tmp_path: Path, root: Path
):
    song = next((root / "songs" / "low").rglob("*.flac")).read_bytes()
    for place in ("low/x/1.flac", "deep/2.flac"):
        (tmp_path / "f" / place).parent.mkdir(parents=True)
        (tmp_path / "f" / place).write_bytes(song)

    embedded = embedded_in(tmp_path / "f", encoder, root / "cache")

    [only] = embedded.songs
    assert (set(only.track.tags), only.track.artist) == ({"low", "deep"}, "x")
    assert embedded.repeats == 1


def test_paths_in_a_csv_file_are_relative_to_it(encoder: Encoder, tmp_path: Path, root: Path):
    song = next((root / "songs" / "low").rglob("*.flac")).read_bytes()
    (tmp_path / "a.flac").write_bytes(song)
    (tmp_path / "songs.csv").write_text("path,tags,artist\na.flac,low;calm,x\nb.flac,high,y\n")

    embedded = embedded_in(tmp_path / "songs.csv", encoder, root / "cache")

    assert [song.track.tags for song in embedded.songs] == [("low", "calm")]
    assert list(embedded.skipped) == ["b.flac"]


def tracks_of(counts: dict[str, tuple[int, int]]) -> list[Track]:
    """By tag, how many songs, of how many artists."""
    return [
        Track(track_id("d", f"{tag}{n}"), "d", f"{tag}{n}", f"{tag}{n % artists}", (tag,))
        for tag, (songs, artists) in counts.items()
        for n in range(songs)
    ]


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"techno": (30, 10)}, "too few to train on"),
        ({"techno": (30, 10), "dub": (4, 4)}, "dub has 4 songs of 4 artists; add songs"),
        ({"techno": (30, 10), "dub": (9, 2)}, "dub has 9 songs of 2 artists; add"),
    ],
)
def test_too_few_songs_are_refused_with_the_number_needed(counts: dict, message: str):
    with pytest.raises(SetupError, match=message):
        check_examples(tracks_of(counts))


def test_a_tag_on_all_songs_is_refused():
    tracks = [
        replace(each, tags=(*each.tags, "music"))
        for each in tracks_of({"techno": (9, 9), "dub": (9, 9)})
    ]

    with pytest.raises(SetupError, match="all songs have the tag 'music'"):
        check_examples(tracks)


@pytest.mark.parametrize(
    ("name", "tags", "message"),
    [
        ("listener", TAGS, "listener is the name of another model"),
        ("No Name", TAGS, "--name No Name"),
        ("raw", TAGS, "is the name of each model's own tags"),
        ("own", ("=1+1", "b"), "the tag '=1.1' is not a valid word"),
    ],
)
def test_an_invalid_name_is_refused_at_once(
    models: Store, name: str, tags: tuple[str, ...], message: str
):
    with pytest.raises(SetupError, match=message):
        check_name(models, name, tags)


def test_a_taught_model_cannot_be_taught_again(models: Store, taught: TeachResult, tmp_path: Path):
    with pytest.raises(SetupError, match=f"{taught.manifest.ref}: its architecture"):
        Encoder(models, "own", tmp_path)


def made_up(seed: int, artists: int, tags: int, artist_sound: float, tag_sound: float) -> Examples:
    """Four songs per artist; each artist has a tag and a typical sound, and so has each tag."""
    rng = np.random.default_rng(seed)
    artist_of = np.repeat(np.arange(artists), 4)
    own = rng.integers(tags, size=artists) if tag_sound == 0 else np.arange(artists) % tags
    y_true = own[artist_of][:, np.newaxis] == np.arange(tags)
    sounds = artist_sound * rng.normal(size=(artists, 30)), tag_sound * rng.normal(size=(tags, 30))
    windows = tuple(
        (sounds[0][artist] + sounds[1][own[artist]] + rng.normal(size=(5, 30))).astype(np.float32)
        for artist in artist_of
    )
    return Examples(tuple("abcdef"[:tags]), y_true, windows, artist_of)


def test_artists_are_not_recognised():
    """Random tags on artists with a typical sound: there is nothing to learn."""
    examples = made_up(3, artists=40, tags=3, artist_sound=3, tag_sound=0)

    windows = out_of_fold(examples, quiet)

    scores = song_scores(windows)
    one_draw = np.ones((1, len(scores)), np.uint8)
    figures = [
        roc_pr_auc(hits, column, one_draw, np.arange(len(scores))).roc[0]
        for hits, column in zip(examples.y_true.T, scores.T, strict=True)
    ]
    assert np.mean(figures) < 0.65
    assert not any(pair.is_separated for pair in measure_separation(examples, windows))


def test_tags_that_sound_alike_are_named():
    examples = made_up(5, artists=24, tags=3, artist_sound=0.3, tag_sound=3)
    alike = examples.y_true.copy()
    swapped = np.arange(24)[::2]  # every other artist of the first two tags has the other one
    for artist in swapped:
        rows = examples.artists == artist
        alike[rows, :2] = alike[rows, 1::-1]
    mixed = Examples(examples.tags, alike, examples.windows, examples.artists)

    found = {
        (pair.first, pair.second): pair.is_separated
        for pair in measure_separation(mixed, out_of_fold(mixed, quiet))
    }

    assert found == {("a", "b"): False, ("a", "c"): True, ("b", "c"): True}


def test_each_song_weighs_the_same_however_long():
    examples = made_up(1, artists=12, tags=2, artist_sound=0.5, tag_sound=1)
    longer = tuple(
        np.repeat(windows, 6 if number % 2 else 1, axis=0)
        for number, windows in enumerate(examples.windows)
    )

    probes = [train_probe(examples), train_probe(replace_windows(examples, longer))]

    np.testing.assert_allclose(probes[0].kernel, probes[1].kernel, rtol=0.05, atol=0.01)


def replace_windows(examples: Examples, windows: tuple[np.ndarray, ...]) -> Examples:
    return Examples(examples.tags, examples.y_true, windows, examples.artists)


def test_constant_dimensions_are_ignored():
    examples = made_up(2, artists=12, tags=2, artist_sound=0.5, tag_sound=2)
    dead = tuple(np.pad(windows, ((0, 0), (0, 1))) + 7 for windows in examples.windows)

    probe: Probe = train_probe(replace_windows(examples, dead))

    assert not probe.kernel[-1].any()
    assert np.isfinite(probe.bias).all()


@given(
    seed=st.integers(0, 1_000),
    artists=st.integers(3, 30),
    tags=st.integers(2, 5),
    count=st.integers(2, 6),
)
def test_folds_separate_artists_and_score_each_song_once(
    seed: int, artists: int, tags: int, count: int
):
    examples = made_up(seed, artists, tags, artist_sound=1, tag_sound=1)

    labeled = []
    for known, unknown in folds(examples, count):
        assert not set(examples.artists[known]) & set(examples.artists[unknown])
        labeled += unknown.tolist()

    assert sorted(labeled) == list(range(len(examples.windows)))


@pytest.mark.thorough
def test_the_command_teaches_and_prints_how_to_serve(models: Store, root: Path):
    places = ("--store", root / "models", "--cache", root / "cache")

    done = taggram("teach", root / "songs", "--name", "by-command", "--model", "listener", *places)

    assert done.exit_code == 0, done.output
    assert "TAGGRAM_MODELS='[\"by-command\"]'" in done.stdout
    assert "low/torn.mp3" in done.stderr
    assert read_store(models)["by-command"].vocabulary.name == "by-command"
