"""The synthetic datasets are like the real ones, and their tags can be predicted."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from scipy.signal import stft

from app.datasets.cleaning import clean
from app.datasets.loaders import fma, mtat, mtg_jamendo
from app.datasets.loaders.dataset import Dataset
from app.datasets.merging import merge
from app.datasets.tasks import read_task
from testing.synthetic_music import STYLES, make_track
from tests.conftest import SHARED
from tests.support.synthetic.datasets import BROKEN, CYCLES, MadeDatasets, make_datasets

METADATA = SHARED / "metadata"
LOADERS = {"fma": fma.load, "mtat": mtat.load, "mtg-jamendo": mtg_jamendo.load}
TRACKS = 12
SECONDS = (3, 5)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeDatasets:
    return make_datasets(tmp_path_factory.mktemp("made"), 5, TRACKS, SECONDS)


@pytest.fixture(scope="module")
def loaded(made: MadeDatasets) -> dict[str, Dataset]:
    return {name: load(made.metadata[name]) for name, load in LOADERS.items()}


def test_loaders_read_the_synthetic_datasets_completely(
    made: MadeDatasets, loaded: dict[str, Dataset]
) -> None:
    for name, dataset in loaded.items():
        assert not dataset.skipped
        assert {track.path for track in dataset.tracks} == {*made.styles[name], *made.fault[name]}
        assert len(made.styles[name]) == TRACKS // len(LOADERS)


def test_each_row_has_its_song_and_one_per_dataset_is_broken(
    made: MadeDatasets, loaded: dict[str, Dataset]
) -> None:
    for name, dataset in loaded.items():
        unread = []
        for track in dataset.tracks:
            try:
                info = soundfile.info(made.audio[name] / track.path)
            except soundfile.LibsndfileError:
                unread.append(track.path)
            else:
                assert 2.9 <= info.duration <= 5.2
                assert 22_050 <= info.samplerate <= 44_100
                assert info.channels in {1, 2}
        assert unread == [made.broken[name]]


def test_the_irregular_rows_have_their_stated_faults(
    made: MadeDatasets, loaded: dict[str, Dataset]
) -> None:
    for name, dataset in loaded.items():
        tracks = {track.path: track for track in dataset.tracks}
        for path, fault in made.fault[name].items():
            track = tracks[path]
            assert (not track.tags) == (fault == "no tags")
            assert (len(track.tags) > 15) == (fault == "more than 15 tags")
            if name != "mtat":  # all clips of which last 29 seconds
                assert ((track.duration_s or 0) < 60) == (fault == "shorter than a minute")
                assert ((track.duration_s or 0) > 600) == (fault == "longer than ten minutes")


def test_after_cleaning_and_merging_the_tags_are_the_styles(
    made: MadeDatasets, loaded: dict[str, Dataset]
) -> None:
    merged, _ = merge(read_task("subgenres"), [clean(dataset) for dataset in loaded.values()])
    tags = {(track.dataset, track.path): set(track.tags) for track in merged.tracks}
    assert tags == {
        (name, path): set(song_styles)
        for name, styles in made.styles.items()
        for path, song_styles in styles.items()
    }


def test_fma_and_mtat_share_an_artist(loaded: dict[str, Dataset]) -> None:
    artists = [{track.artist for track in loaded[name].tracks} for name in ("fma", "mtat")]
    assert artists[0] & artists[1] == {"ana lume"}


def test_artists_have_three_to_six_tracks(loaded: dict[str, Dataset]) -> None:
    for dataset in loaded.values():
        tracks = Counter(track.artist for track in dataset.tracks)
        assert max(tracks.values()) <= 6
        assert all(count >= 3 for count in list(tracks.values())[:-1])


def test_the_tables_have_the_format_of_the_real_ones(made: MadeDatasets) -> None:
    if not METADATA.is_dir():
        pytest.skip(f"the real metadata are not at {METADATA}")
    mtat_made, mtat_real = made.metadata["mtat"], METADATA / "mtat"
    infos = [_first_line(folder / "clip_info_final.csv") for folder in (mtat_made, mtat_real)]
    assert infos[0] == infos[1]
    words = [
        set(_first_line(folder / "annotations_final.csv").split("\t"))
        for folder in (mtat_made, mtat_real)
    ]
    assert words[0] < words[1]
    jamendo = "splits/split-0/autotagging_genre-train.tsv"
    assert _first_line(made.metadata["mtg-jamendo"] / jamendo) == _first_line(
        METADATA / "mtg-jamendo" / jamendo
    )
    trees = [
        set((folder / "genres.csv").read_text().splitlines())
        for folder in (made.metadata["fma"], METADATA / "fma")
    ]
    assert trees[0] < trees[1]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    once, again, other = (
        make_datasets(tmp_path / name, seed, tracks=3, seconds=(2, 3)).audio["fma"]
        for name, seed in (("once", 1), ("again", 1), ("other", 2))
    )
    songs = [[path.read_bytes() for path in folder.rglob("*.mp3")] for folder in (once, again)]
    assert sorted(songs[0]) == sorted(songs[1])
    assert len(set(songs[0])) == len(songs[0]) > 1
    others = {path.read_bytes() for path in other.rglob("*.mp3")}
    assert others & set(songs[0]) <= {BROKEN["fma"]}


def test_every_style_is_in_some_dataset() -> None:
    assert {style for cycle in CYCLES.values() for style in cycle} == STYLES.keys()


@pytest.mark.thorough
def test_tags_of_unseen_songs_can_be_predicted() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    known, unseen = _songs(0, 12), _songs(1_000, 5)
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    song_styles = OneVsRestClassifier(linear).fit(*known).predict_proba(unseen[0])
    assert roc_auc_score(unseen[1], song_styles) > 0.95


def _songs(seed: int, each: int) -> tuple[np.ndarray, np.ndarray]:
    """Features and tags of songs of every style, one in three with a second one."""
    names = list(STYLES)
    rows, y_true = [], []
    for number in range(each * len(names)):
        tags = {names[number % len(names)]}
        if number % 3 == 0:
            tags.add(names[(number * 5 + 3) % len(names)])
        rows.append(_features(sorted(tags), seed + number))
        y_true.append([name in tags for name in names])
    return np.array(rows), np.array(y_true)


def _features(tags: list[str], seed: int) -> np.ndarray:
    """Level, spread and change over time of bands that grow wider upwards, (3 * bands,)."""
    samples, rate = make_track(tags, seed, seconds=6)
    mono = samples if samples.ndim == 1 else samples.mean(axis=1)
    song_styles = soxr.resample(mono, rate, 16_000, quality="LQ")
    power = np.abs(stft(song_styles, nperseg=512)[2]) ** 2
    edges = np.unique(np.geomspace(1, 257, 36).astype(int))
    bands = np.log(1e-9 + np.add.reduceat(power, edges[:-1]))
    return np.hstack([bands.mean(1), bands.std(1), np.abs(np.diff(bands)).mean(1)])


def _first_line(path: Path) -> str:
    return path.read_bytes().splitlines()[0].decode()
