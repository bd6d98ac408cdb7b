"""The picture and the table of a taggram, read back."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from app.domain import Scores
from app.tagging.picture import draw
from app.tagging.table import tabulate

# What an operator's YAML file can hold in a tag: commas, quotes and line breaks too.
TAG = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from(',"\n'), min_size=1)


def picture(
    scores: Scores,
    tags: list[str] | None = None,
    title: str = "genres, track 0123456789ab",
    hop_s: float = 3.0,
    last_s: float | None = None,
) -> np.ndarray:
    """Decode the drawing: (height, width), from dark to bright; windows last 3 s."""
    times_s = [hop_s * window for window in range(len(scores))]
    times_s[-1] = times_s[-1] if last_s is None else last_s
    names = tags or [f"tag {number}" for number in range(scores.shape[1])]
    png = draw(times_s, 3.0, names, scores, title)
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("L"), np.float32)


def test_the_first_tag_is_drawn_on_top() -> None:
    scores = np.zeros((4, 10), np.float32)
    scores[:, :5] = 1

    middle = np.array_split(picture(scores), 3, axis=1)[1]
    upper, lower = np.array_split(middle, 2)

    assert upper.mean() > lower.mean() + 20


def test_time_runs_to_the_right() -> None:
    scores = np.zeros((4, 10), np.float32)
    scores[2:] = 1

    middle = np.array_split(picture(scores), 3)[1]
    width = middle.shape[1]
    earlier, later = middle[:, width // 4 : width // 3], middle[:, -width // 3 : -width // 4]

    assert later.mean() > earlier.mean() + 20


def bright(drawn: np.ndarray) -> np.ndarray:
    """The columns of the heat map that are bright, in its middle row."""
    row = drawn[drawn.shape[0] // 2, : int(0.8 * drawn.shape[1])]
    inside = np.flatnonzero((row > 200) & (row < 250))
    return inside[(inside > 0.1 * len(row))]


def test_overlapping_windows_are_drawn_around_their_centres() -> None:
    scores = np.zeros((3, 4), np.float32)
    scores[1] = 1

    wide, narrow = (bright(picture(scores, hop_s=hop_s)) for hop_s in (3.0, 1.0))

    # Three of nine seconds, and one of five.
    assert len(narrow) / len(wide) == pytest.approx((1 / 5) / (3 / 9), rel=0.05)
    assert narrow.mean() == pytest.approx(wide.mean(), abs=3)


def test_a_window_that_ends_with_the_track_meets_the_one_before_halfway() -> None:
    scores = np.zeros((3, 4), np.float32)
    scores[1] = 1

    # The windows are 0 to 3, 3 to 6 and 4 to 7 seconds: the second is drawn from 3 to 5.
    wide, narrow = bright(picture(scores)), bright(picture(scores, last_s=4.0))

    assert len(narrow) / len(wide) == pytest.approx((2 / 7) / (3 / 9), rel=0.05)


def test_colours_mean_the_same_in_every_picture() -> None:
    quiet = picture(np.full((4, 10), 0.2, np.float32))
    loud = picture(np.full((4, 10), 0.8, np.float32))
    row, column = quiet.shape[0] // 2, quiet.shape[1] // 2

    assert loud[row, column] > quiet[row, column] + 20


def test_a_picture_grows_with_its_tags_and_not_with_the_track() -> None:
    few = picture(np.full((4, 3), 0.5, np.float32))
    many = picture(np.full((4, 54), 0.5, np.float32))
    long = picture(np.full((200, 3), 0.5, np.float32))

    assert many.shape[0] > 3 * few.shape[0]
    assert many.shape[1] == few.shape[1]
    assert long.shape == few.shape


def test_a_single_window_and_a_single_tag_are_drawn() -> None:
    assert picture(np.full((1, 1), 0.5, np.float32)).size > 0


@pytest.mark.parametrize("text", ["a$ap", "cash $$", r"$\nosuchcommand$"])
def test_a_tag_is_drawn_as_written_and_not_parsed_as_a_formula(text: str) -> None:
    level = np.full((2, 2), 0.5, np.float32)

    assert picture(level, [text, "rock"], title=text).shape == picture(level).shape


def test_a_table_has_a_row_per_window_and_a_column_per_tag() -> None:
    table = tabulate([0.0, 2.992], ["rock", "hip, hop"], np.array([[0.25, 0.5], [1, 0]]))

    assert table.splitlines() == [
        'time_s,rock,"hip, hop"',
        "0.000,0.250000,0.500000",
        "2.992,1.000000,0.000000",
    ]


@given(data=st.data(), tags=st.lists(TAG, min_size=1, max_size=6))
def test_a_table_reads_back_as_the_tags_and_scores(data: st.DataObject, tags: list[str]) -> None:
    windows = data.draw(st.integers(1, 8))
    scores = data.draw(arrays(np.float32, (windows, len(tags)), elements=st.floats(0, 1, width=32)))
    times_s = [round(2.992 * window, 3) for window in range(windows)]

    header, *rows = csv.reader(io.StringIO(tabulate(times_s, tags, scores), newline=""))

    assert header == ["time_s", *tags]
    assert [float(row[0]) for row in rows] == times_s
    np.testing.assert_allclose(np.array([row[1:] for row in rows], np.float64), scores, atol=5.1e-7)
