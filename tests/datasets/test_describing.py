"""The summary and the pictures of a dataset."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from app.datasets.cleaning import clean
from app.datasets.loaders import fma, mtat
from app.datasets.loaders.dataset import About, Dataset
from app.datasets.plots import draw
from app.datasets.summary import by_category, describe
from app.datasets.tracks import Track, track_id
from tests.datasets.loaders.test_loaders import LOADERS, MINIATURE
from tests.support.commands import files_of_at_most, refused, taggram


def test_a_dataset_is_summarised() -> None:
    numbers = describe(mtat.load(MINIATURE / "mtat").tracks)

    assert (numbers.tracks, numbers.artists) == (3, 2)
    assert numbers.tags == {"guitar": 1, "no vocals": 1, "slow": 1}
    assert numbers.tags_a_track == (1, 1, 1)
    assert numbers.durations_s == (29, 29, 29)
    assert numbers.sample_rates == {16_000: 3}
    assert numbers.unknown == {
        "tags": 1, "artist": 0, "licence": 0, "duration": 0, "sample rate": 0,
    }  # fmt: skip


def test_an_empty_dataset_is_summarised() -> None:
    assert describe(()).tracks == describe(()).hours == 0


def test_tags_are_sorted_by_category_and_falling_frequency() -> None:
    sorted_tags = by_category(clean(fma.load(MINIATURE / "fma")))

    assert list(sorted_tags) == ["genre", "tag", "subgenre", "sub-subgenre"]
    assert sorted_tags["genre"] == {"Rock": 3, "Hip-Hop": 1}
    assert sorted_tags["tag"] == {"loud": 3, "hip hop": 1, "the larks": 1}


@pytest.mark.parametrize(
    "name",
    [
        name if name == "mtat" else pytest.param(name, marks=pytest.mark.thorough)
        for name in LOADERS
    ],
)
def test_pictures_are_drawn(name: str, tmp_path: Path) -> None:
    cleaned = clean(LOADERS[name](MINIATURE / name))

    paths = draw(cleaned, tmp_path / "new" / "folder")

    assert {path.stem for path in paths} == {
        "top-tags", "tags-a-track", "durations", "missing-values",
        *(["sample-rates"] if name == "mtat" else []),
        *(["genre-tree"] if name == "fma" else []),
    }  # fmt: skip
    for path in paths:
        assert np.ptp(imread(path)) > 0.5
    assert sorted((tmp_path / "new" / "folder").iterdir()) == sorted(paths)


@pytest.mark.parametrize(
    "tags", [(), ("$\\frac{1}$", "[bold]", "x" * 500, "\u266b \u8f9b \U0001f3b8", "\udcff")]
)
def test_tags_with_any_name_can_be_drawn(tags: Sequence[str], tmp_path: Path) -> None:
    track = Track(track_id("mine", "a"), "mine", "a", "", tuple(tags))
    about = About("$ \\frac{")

    assert draw(clean(Dataset("mine", about, (track,), {}, ())), tmp_path)


def test_the_command_prints_loaded_dropped_and_missing_tracks(tmp_path: Path) -> None:
    ran = taggram("data", "describe", "mtat", MINIATURE / "mtat", "--out", tmp_path)

    assert ran.exit_code == 0, ran.output
    words = " ".join(ran.stdout.replace("│", " ").split())
    assert "Law et al., ISMIR 2009" in words
    assert "tracks 3 2" in words
    assert "no tag 1 33.3% 0 2" in words
    assert "mp3_path 20.0%" in words
    assert f"{tmp_path}/top-tags.png" in words
    assert "annotations_final.csv: line 5: slow: 'x' is neither 0 nor 1" in ran.stderr


def test_many_skipped_rows_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("path,tags\na.mp3,rock\n" + "/no.mp3,rock\n" * 30)

    ran = taggram("data", "describe", "folder", path)

    assert ran.exit_code == 0
    assert ran.stderr.count("skipped: ") == 11
    assert "own.csv: 20 more" in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("gtzan", "."), "'gtzan' is not a known dataset; choose one of fma, mtg-jamendo"),
        (("mtat", MINIATURE / "mtat", "--subset", "large"), "mtat has no subsets"),
        (("fma", MINIATURE / "fma", "--subset", "tiny"), "FMA has no subset 'tiny'; choose"),
        (("mtat", "missing"), "missing: neither annotations_final.csv nor"),
        (("folder", "missing.csv"), "missing.csv: can't be read"),
    ],
)
def test_a_user_s_mistake_is_reported_in_one_line(arguments: Sequence[object], named: str) -> None:
    assert named in refused("data", "describe", *arguments)


def test_a_full_disk_leaves_no_partial_picture(tmp_path: Path) -> None:
    with files_of_at_most(5_000):
        ran = taggram("data", "describe", "mtat", MINIATURE / "mtat", "--out", tmp_path)

    assert ran.exit_code == 1
    assert "top-tags.png: it can't be written" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert list(tmp_path.iterdir()) == []
