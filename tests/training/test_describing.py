"""What is told and drawn of a dataset."""

import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from app.training.cleaning import clean
from app.training.datasets import fma, folder, mtat
from app.training.datasets.source import About, Dataset
from app.training.describing import by_category, describe
from app.training.drawing import draw
from app.training.tracks import Track, track_id
from tests.training.test_datasets import LOADERS, MINIATURE

COMMAND = "import typer; from app.cli.data.describe import describe; typer.run(describe)"


def run(*arguments: str, bytes_a_file: int | None = None) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        if bytes_a_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_a_file, bytes_a_file))

    return subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        capture_output=True,
        text=True,
        preexec_fn=limit,
        env={"COLUMNS": "120", "PATH": "", "MPLCONFIGDIR": "/tmp"},
        check=False,
    )


def test_numbers() -> None:
    numbers = describe(mtat.load(MINIATURE / "mtat").tracks)

    assert (numbers.tracks, numbers.artists) == (3, 2)
    assert numbers.tags == {"guitar": 1, "no vocals": 1, "slow": 1}
    assert numbers.tags_a_track == (1, 1, 1)
    assert numbers.durations_s == (29, 29, 29)
    assert numbers.sample_rates == {16_000: 3}
    assert numbers.unknown == {
        "tags": 1, "artist": 0, "licence": 0, "duration": 0, "sample rate": 0,
    }  # fmt: skip


def test_nothing_has_numbers_too() -> None:
    assert describe(()).tracks == describe(()).hours == 0


def test_tags_go_by_category_the_most_frequent_first() -> None:
    sorted_tags = by_category(clean(fma.load(MINIATURE / "fma")))

    assert list(sorted_tags) == ["genre", "tag", "subgenre", "sub-subgenre"]
    assert sorted_tags["genre"] == {"Rock": 3, "Hip-Hop": 1}
    assert sorted_tags["tag"] == {"loud": 3, "hip hop": 1, "the larks": 1}


@pytest.mark.parametrize("name", LOADERS)
def test_pictures(name: str, tmp_path: Path) -> None:
    cleaned = clean(LOADERS[name](MINIATURE / name))

    paths = draw(cleaned, tmp_path / "new" / "folder")

    assert {path.stem for path in paths} == {
        "top-tags", "tags-a-track", "durations", "missing-values",
        *(["sample-rates"] if name == "mtat" else []),
    }  # fmt: skip
    for path in paths:
        assert np.ptp(imread(path)) > 0.5
    assert sorted((tmp_path / "new" / "folder").iterdir()) == sorted(paths)


@pytest.mark.parametrize(
    "tags", [(), ("$\\frac{1}$", "[bold]", "x" * 500, "\u266b \u8f9b \U0001f3b8", "\udcff")]
)
def test_whatever_tags_are_called_can_be_drawn(tags: Sequence[str], tmp_path: Path) -> None:
    track = Track(track_id("mine", "a"), "mine", "a", "", tuple(tags))
    about = About("$ \\frac{")

    assert draw(clean(Dataset("mine", about, (track,), {}, ())), tmp_path)


def test_the_command_tells_what_came_in_what_went_and_what_is_missing(tmp_path: Path) -> None:
    ran = run("mtat", str(MINIATURE / "mtat"), "--out", str(tmp_path))

    assert ran.returncode == 0, ran.stderr
    words = " ".join(ran.stdout.replace("│", " ").split())
    assert "Law et al., ISMIR 2009" in words
    assert "tracks 3 2" in words
    assert "no tag 1 33.3% 0 2" in words
    assert "mp3_path 20.0%" in words
    assert f"{tmp_path}/top-tags.png" in words
    assert "annotations_final.csv: line 5: slow: 'x' is neither 0 nor 1" in ran.stderr


def test_many_rows_that_were_skipped_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("path,tags\na.mp3,rock\n" + "/no.mp3,rock\n" * 30)
    assert len(folder.load(path).skipped) == 30

    ran = run("folder", str(path))

    assert ran.returncode == 0
    assert ran.stderr.count("skipped: ") == 11
    assert "own.csv: 20 more" in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("gtzan", "."), "'gtzan' is no dataset that is known; say one of fma, mtg-jamendo"),
        (("mtat", str(MINIATURE / "mtat"), "--subset", "large"), "mtat has no subsets"),
        (("fma", str(MINIATURE / "fma"), "--subset", "tiny"), "FMA has no subset 'tiny'; choose"),
        (("mtat", "missing"), "missing: neither annotations_final.csv nor"),
        (("folder", "missing.csv"), "missing.csv: it can't be read"),
        (
            ("mtat", str(MINIATURE / "mtat"), "--out", "/dev/null/no"),
            "top-tags.png: it can't be written",
        ),
    ],
)
def test_what_the_user_can_mend_is_a_line(arguments: Sequence[str], named: str) -> None:
    ran = run(*arguments)

    assert ran.returncode == 1
    assert named in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_full_disk_leaves_no_half_written_picture(tmp_path: Path) -> None:
    ran = run("mtat", str(MINIATURE / "mtat"), "--out", str(tmp_path), bytes_a_file=5000)

    assert ran.returncode == 1
    assert "top-tags.png: it can't be written" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert list(tmp_path.iterdir()) == []
