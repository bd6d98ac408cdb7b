"""A tiny published model scores a tiny audio store as it would in the service."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import Result

from app.datasets.audio.audio_store import AudioStore
from app.datasets.audio.storing import store_tracks
from app.datasets.tables import write_split
from app.datasets.tracks import Split, SplitTrack, Subset, Track, track_id
from app.errors import SetupError
from app.evaluation.evaluation_file import read_evaluation
from app.evaluation.scoring import NOT_STORED, OnProgress, Scored, Scorer
from app.evaluation.task_tags import project_on_task
from app.front_ends import FrontEnd
from app.spectra import Mel, Spectrum
from app.store.manifest.manifest import Manifest, Tags, manifests
from app.store.registry.loading import load
from app.store.registry.publishing import publish
from app.store.storage.store import Store
from app.tagging.projection import Projection
from tests.support import tiny
from tests.support.commands import files_of_at_most, taggram

RATE = 16_000
FRONT_END = FrontEnd(RATE, Spectrum((2048,), 1600, bands=Mel(8, 0.0, 8_000.0)))
WINDOW = 16 * 1600
"""Samples: 1.6 seconds."""

SECONDS = (7.1, 4.7, 1.3, 5.5, 6.3, 5.9, 4.1, 5.0)
"""The third is shorter than a window."""
SHORT = 2
TESTED = 5
"""The others are for validation."""

TAGS = ("one", "two", "three")


def track_of(path: str, tag: str) -> Track:
    return Track(track_id("made", path), "made", path, path, (tag,))


SONGS = tuple(track_of(f"{number}.flac", TAGS[number % 3]) for number in range(len(SECONDS)))
LOST, BROKEN = track_of("lost.flac", "one"), track_of("broken.flac", "one")


def split_of(tags: tuple[str, ...] = TAGS, task: str = "own") -> Split:
    parts = [Subset.TEST] * TESTED + [Subset.VALIDATION] * (len(SONGS) - TESTED)
    placed = [SplitTrack(track, part) for track, part in zip(SONGS, parts, strict=True)]
    unheard = (SplitTrack(LOST, Subset.TEST), SplitTrack(BROKEN, Subset.TEST))
    return Split(task, tags, "made, seed 1", (*placed, *unheard))


SPLIT = split_of()


@pytest.fixture(scope="module")
def audio_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rising tones in noise, as an audio store; one file is broken, another is not there."""
    files, folder = tmp_path_factory.mktemp("files"), tmp_path_factory.mktemp("audio")
    random = np.random.RandomState(0)
    (files / "made").mkdir()
    for number, (track, seconds) in enumerate(zip(SONGS, SECONDS, strict=True)):
        time = np.arange(round(seconds * RATE)) / RATE
        tone = np.sin(2 * np.pi * 200 * (number + 1) * time * (1 + 0.1 * time))
        noise = random.uniform(0, 0.1) * random.standard_normal(len(time))
        soundfile.write(files / "made" / track.path, 0.3 * tone + noise, RATE)
    (files / "made" / BROKEN.path).write_bytes(b"no music")
    tracks = [each.track for each in SPLIT.placed]
    store_tracks(tracks, files, folder, sample_rate=RATE, jobs=2, on_progress=silent)
    return folder


@pytest.fixture(scope="module")
def audio(audio_folder: Path) -> AudioStore:
    return AudioStore.open(audio_folder)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("models"))
    published(store)
    return store


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `scorer` caches scores."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def scorer(models: Store, audio: AudioStore, cache: Path) -> Scorer:
    """For tests that don't depend on which scores are cached."""
    return Scorer(models, "tiny", SPLIT, audio, cache)


def published(
    store: Store, name: str = "tiny", seed: int = 0, tags: tuple[str, ...] = TAGS
) -> Manifest:
    spec = tiny.spec(name, front_end=FRONT_END, tags={"family": "tiny", "names": tags})
    weights = tiny.weights(seed, len(tags))
    return publish(store, spec, {**weights, "tags/kernel": 20 * weights["tags/kernel"]})


def silent(done: int, total: int) -> None:
    """Report nothing."""


def samples_of(audio: AudioStore, number: int) -> np.ndarray:
    return audio.samples(SONGS[number].id).astype(np.float32) / 32_768


def columns(found: Projection) -> list[tuple[int, ...]]:
    """Those of the raw tags that mean each tag, of the one model."""
    return [row.columns[0] for row in found.rows]


def assert_same(one: Scored, other: Scored) -> None:
    assert one.ids == other.ids
    for windows, others in zip(one.windows, other.windows, strict=True):
        np.testing.assert_allclose(windows, others, atol=1e-5)


def test_windows_score_as_in_the_published_graph(
    models: Store, audio: AudioStore, scorer: Scorer
) -> None:
    on_progress: list[tuple[int, int]] = []
    scored = scorer.score(Subset.TEST, 0.0, lambda *counts: on_progress.append(counts))
    graph = load(models, scorer.manifest).graph
    for number, windows in enumerate(scored.windows):
        samples = samples_of(audio, number)
        if number == SHORT:
            samples = np.resize(samples, scorer.manifest.window_spec.window_samples)
        wanted = np.asarray(graph(samples[np.newaxis])["windows"])
        np.testing.assert_allclose(windows, wanted, atol=1e-5)
        assert np.ptp(windows) > 0.05
    assert on_progress == [(done, TESTED) for done in range(1, TESTED + 1)]


def test_labels_and_missing_tracks_are_reported(audio: AudioStore, scorer: Scorer) -> None:
    scored = scorer.score(Subset.TEST, 0.0, silent)
    assert scored.ids == tuple(track.id for track in SONGS[:TESTED])
    assert scored.y_true.argmax(axis=1).tolist() == [0, 1, 2, 0, 1]
    assert scored.y_true.sum() == TESTED
    [refused] = audio.refused
    assert scored.skipped == {LOST.id: NOT_STORED, BROKEN.id: refused.why}
    assert scored.left_out == {}


def test_overlapping_windows_begin_more_often(scorer: Scorer) -> None:
    plain = scorer.score(Subset.TEST, 0.0, silent)
    for overlap, times in ((0.5, 2), (0.75, 4)):
        scored = scorer.score(Subset.TEST, overlap, silent)
        for track, others in enumerate(scored.windows):
            starts_s, times_s = plain.times_s[track], scored.times_s[track]
            assert len(times_s) == len(others)
            whole = len(starts_s) - (len(starts_s) > 1)  # the last ends with the track
            np.testing.assert_allclose(times_s[::times][:whole], starts_s[:whole], atol=1e-6)
            expected = plain.windows[track][:whole]
            np.testing.assert_allclose(others[::times][:whole], expected, atol=1e-5)
            assert times_s[-1] <= starts_s[-1] + 1e-6


def test_scored_tracks_are_not_scored_again(
    models: Store, audio: AudioStore, scorer: Scorer, tmp_path: Path
) -> None:
    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    stopped = Scorer(models, "tiny", SPLIT, audio, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        stopped.score(Subset.TEST, 0.0, stop)
    kept = sorted((tmp_path / "tiny" / "1" / "scores").rglob("*.npy"))
    assert len(kept) == 3
    first = tmp_path.rglob(f"{audio.digests[SONGS[0].id]}.npy")
    np.save(next(first), np.full((1, 3), 0.25, np.float32))
    scored = Scorer(models, "tiny", SPLIT, audio, tmp_path).score(Subset.TEST, 0.0, silent)
    assert scored.windows[0].tolist() == [[0.25] * 3]
    whole = scorer.score(Subset.TEST, 0.0, silent)
    assert_same(
        replace(scored, windows=scored.windows[1:]), replace(whole, windows=whole.windows[1:])
    )


@pytest.mark.parametrize("corrupted", [b"", b"no scores", None])
def test_scores_corrupted_by_a_crash_are_computed_again(
    corrupted: bytes | None, scorer: Scorer, cache: Path
) -> None:
    before = scorer.score(Subset.TEST, 0.0, silent)
    for path in cache.rglob("*.npy"):
        path.write_bytes(path.read_bytes()[:-4] if corrupted is None else corrupted)
    assert_same(scorer.score(Subset.TEST, 0.0, silent), before)


def test_another_model_of_the_same_name_scores_again(
    models: Store, audio: AudioStore, tmp_path: Path
) -> None:
    others = Store(tmp_path / "models")
    published(others, seed=1)
    one = Scorer(models, "tiny", SPLIT, audio, tmp_path).score(Subset.TEST, 0.0, silent)
    other = Scorer(others, "tiny", SPLIT, audio, tmp_path).score(Subset.TEST, 0.0, silent)
    assert not np.allclose(one.windows[0], other.windows[0])


def test_a_full_disk_is_reported(models: Store, audio: AudioStore, tmp_path: Path) -> None:
    scorer = Scorer(models, "tiny", SPLIT, audio, tmp_path)
    with files_of_at_most(100), pytest.raises(SetupError, match=r"\.npy: it can't be written"):
        scorer.score(Subset.TEST, 0.0, silent)
    assert len(scorer.score(Subset.TEST, 0.0, silent).ids) == TESTED


def test_another_sample_rate_is_refused(audio: AudioStore, tmp_path: Path) -> None:
    store = Store(tmp_path / "models")
    publish(store, tiny.spec(), tiny.weights())
    with pytest.raises(
        SetupError,
        match=r"tiny/1 needs a sample rate of 2000 Hz in mono, .* 16000 Hz .*--sample-rate 2000",
    ):
        Scorer(store, "tiny", SPLIT, audio, tmp_path)


def test_a_subset_without_audio_is_refused(
    models: Store, audio: AudioStore, tmp_path: Path
) -> None:
    split = Split("own", TAGS, "made, seed 1", (SplitTrack(LOST, Subset.TEST),))
    scorer = Scorer(models, "tiny", split, audio, tmp_path)
    with pytest.raises(SetupError, match="none of the 1 tracks of the part test is in"):
        scorer.score(Subset.TEST, 0.0, silent)


def with_tags(models: Store, family: str, *names: str) -> Manifest:
    [[manifest]] = manifests(models).values()
    return manifest.model_copy(update={"tags": Tags(family=family, names=names)})


def test_tags_are_scored_as_the_vocabulary_says(models: Store) -> None:
    """In `genres`, chillout is chillout or chill of msd; jazz is jazz of mtt only here."""
    split = split_of(("chillout", "blues", "jazz"), "genres")
    found = project_on_task(split, with_tags(models, "msd", "chill", "blues", "chillout"))
    assert found.tags == ("chillout", "blues")
    assert columns(found) == [(2, 0), (1,)]


def test_a_model_with_all_tags_scores_them_under_the_same_names(models: Store) -> None:
    split = split_of(("ambient", "chillout"), "genres")
    found = project_on_task(split, with_tags(models, "msd", "chillout", "chill", "ambient"))
    assert columns(found) == [(2,), (0,)]


def test_a_model_of_an_unknown_family_scores_tags_under_the_same_names(models: Store) -> None:
    for task in ("genres", "own"):
        found = project_on_task(
            split_of(("one", "polka", "two"), task), with_tags(models, "x", "two", "one")
        )
        assert (found.tags, columns(found)) == (("one", "two"), [(1,), (0,)])


def test_a_model_with_none_of_the_tags_is_refused(models: Store) -> None:
    for family in ("x", "msd"):
        with pytest.raises(SetupError, match="tiny/1: none of its raw tags maps to a tag"):
            project_on_task(split_of(("polka",), "genres"), with_tags(models, family, "drums"))


def test_published_models_are_evaluated_on_tasks(store: Path) -> None:
    """What the shipped vocabularies say of the shipped models, in the task's order."""
    found = {name: each[-1] for name, each in manifests(Store(store)).items()}
    split = split_of(("rock", "chiptune", "ambient"), "subgenres")
    with pytest.raises(SetupError, match="none of its raw tags"):
        project_on_task(replace(split, tags=("chiptune",)), found["msd-musicnn"])
    tags = project_on_task(
        split_of(("rock", "ambient", "blues"), "genres"), found["mtt-musicnn"]
    ).tags
    assert tags == ("rock", "ambient")


def test_omitted_tags_are_named(models: Store, audio: AudioStore, tmp_path: Path) -> None:
    scorer = Scorer(models, "tiny", split_of(("three", "polka", "one")), audio, tmp_path)
    scored = scorer.score(Subset.TEST, 0.0, silent)
    assert scored.tags == ("three", "one")
    assert scored.left_out == {"polka": "no raw tag of tiny/1 maps to it"}
    assert {windows.shape[1] for windows in scored.windows} == {2}


@pytest.fixture
def split_file(tmp_path: Path) -> Path:
    path = tmp_path / "split.parquet"
    write_split(path, SPLIT)
    return path


def run(models: Store, split: Path, audio: Path, out: Path, *others: str) -> Result:
    where = ("--store", models.url, "--split", split, "--audio-store", audio)
    return taggram("evaluate", *others, *where, "--out", out)


def test_the_command_prints_and_writes_figures(
    models: Store, split_file: Path, audio_folder: Path, tmp_path: Path
) -> None:
    options = ("--overlap", "0.5", "--majority-k", "3")
    result = run(models, split_file, audio_folder, tmp_path, "tiny", *options)
    assert result.exit_code == 0, result.output
    found = read_evaluation(tmp_path / "tiny" / "1" / "evaluation.json")
    assert (found.model, found.tracks, found.part) == ("tiny/1", TESTED, "test")
    assert {level.overlap for level in found.songs} == {0.0, 0.5}
    assert "majority_top3" in {level.pooling for level in found.songs}
    assert found.chunk_level
    assert len(found.chunk_level.confusion) == len(found.tags)
    assert found.architecture == "fcn"
    assert "tiny/1" in taggram("zoo", "table", "--figures", tmp_path).stdout
    assert f"{found.chunk.roc_auc_macro.value:.3f}" in result.output
    assert "tiny/1: 1 skipped: it is not in the audio store" in result.output
    rows = (tmp_path / "tiny" / "1" / "scores.csv").read_text().splitlines()
    assert rows[0] == "track_id,one,two,three"
    assert len(rows) == 1 + TESTED
    again = run(models, split_file, audio_folder, tmp_path, "tiny/1", *options)
    assert read_evaluation(tmp_path / "tiny" / "1" / "evaluation.json") == found
    assert again.exit_code == 0


def test_adjacent_windows_are_scored_once_for_figures_table_and_report(
    models: Store,
    split_file: Path,
    audio_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passes: list[tuple[Subset, float]] = []
    score = Scorer.score

    def counted(scorer: Scorer, part: Subset, overlap: float, on_progress: OnProgress) -> Scored:
        passes.append((part, overlap))
        return score(scorer, part, overlap, on_progress)

    monkeypatch.setattr(Scorer, "score", counted)
    result = run(models, split_file, audio_folder, tmp_path, "tiny", "--report")
    assert result.exit_code == 0, result.output
    assert sorted(passes) == [(Subset.TEST, 0.0), (Subset.VALIDATION, 0.0)]
    found = read_evaluation(tmp_path / "tiny" / "1" / "evaluation.json")
    assert {level.overlap for level in found.songs} == {0.0}


@pytest.mark.parametrize(
    ("others", "message"),
    [
        (["other"], "'other' is not published"),
        (["tiny", "--overlap", "1"], "overlap 1: expected a share"),
        (["tiny", "--precision", "0"], "precision 0: expected a share"),
        (["tiny", "--part", "unlabelled"], "the part unlabelled can't be evaluated"),
    ],
)
def test_a_user_s_mistake_is_reported_in_a_single_line(
    others: list[str],
    message: str,
    models: Store,
    split_file: Path,
    audio_folder: Path,
    tmp_path: Path,
) -> None:
    result = run(models, split_file, audio_folder, tmp_path, *others)
    assert result.exit_code == 1
    assert f"taggram: {message}" in result.output
    assert "Traceback" not in result.output
