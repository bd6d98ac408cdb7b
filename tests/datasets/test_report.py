"""Pictures of merging, splitting and resampling, and the page with all of them."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import imread
from playwright.sync_api import Browser

from app.datasets.cleaning import Cleaned, clean
from app.datasets.genre_tree import draw_genre_tree
from app.datasets.loaders import fma
from app.datasets.loaders.dataset import About, Dataset, Genre
from app.datasets.merging import merge
from app.datasets.plots import draw_figures
from app.datasets.splits.resampling import resample
from app.datasets.splits.splitting import divide
from app.datasets.task_plots import draw_merging, draw_split
from app.datasets.tasks import Task
from app.datasets.tracks import Subset, Track, track_id
from tests.datasets.loaders.test_loaders import MINIATURE
from tests.support.commands import refused, taggram

WORDS = (("rock",), ("Rock", "punk"), ("punk",), ("jazz", "punk"), ("waltz",))
TASK = Task("own", ("rock", "jazz"), {"one": {"rock": "rock", "punk": "rock", "jazz": "jazz"}})


def dataset(name: str, words: Sequence[tuple[str, ...]], songs: int = 40) -> Cleaned:
    tracks = tuple(
        Track(track_id(name, f"{at}.mp3"), name, f"{at}.mp3", f"{name} {at // 2}", words[at % 5])
        for at in range(songs)
    )
    return clean(Dataset(name, About(name), tracks, {}, ()))


def widths(axes: Axes) -> dict[str, list[float]]:
    """Return the widths of the stacked bars by label, as drawn."""
    labels = [label.get_text() for label in axes.get_yticklabels()]
    stacks = [[bar.get_width() for bar in bars] for bars in axes.containers]
    return {label: [stack[row] for stack in stacks] for row, label in enumerate(labels)}


def drawn(figure: Figure) -> list[dict[str, list[float]]]:
    return [widths(axes) for axes in figure.axes]


def test_merging_is_drawn_before_and_after_by_dataset() -> None:
    merged, wrangled = merge(TASK, [dataset("one", WORDS), dataset("two", WORDS)])

    figures = draw_merging(merged, wrangled)

    assert list(figures) == ["words-one", "words-two", "merged"]
    # Of each five tracks of `one`, two have the word rock, in any spelling, and four get the tag.
    assert widths(figures["words-one"].axes[0]) == {"rock": [16, 16], "jazz": [8, 0]}
    before, after = drawn(figures["merged"])
    assert before == {"jazz": [8, 8], "punk": [24, 0], "rock": [8, 8], "Rock": [8, 8]}
    assert after == {"rock": [32, 16], "jazz": [8, 8]}
    notes = [text.get_text() for text in figures["words-one"].axes[0].texts]
    assert notes == ["punk 24", ""]


def test_the_parts_and_the_resampling_of_a_split_are_drawn_as_counted() -> None:
    merged, _ = merge(TASK, [dataset("one", WORDS, 200), dataset("two", WORDS, 200)])
    split = divide(merged).split
    resampled = resample(split, 100, 1)

    figures = draw_split(split, resampled)

    for axes, part in zip(figures["split"].axes, list(Subset)[:3], strict=True):
        counts: Counter[tuple[str, str]] = Counter()
        for each in resampled.part(part):
            for tag in each.track.tags:
                counts[tag, each.track.dataset] += each.repeats
        shown = {
            (tag, name): width
            for tag, stack in widths(axes).items()
            for name, width in zip(("one", "two"), stack, strict=True)
            if width
        }
        assert shown == dict(counts)
    before, after = drawn(figures["resampling"])
    was = Counter(tag for each in split.part(Subset.TRAIN) for tag in each.track.tags)
    assert {tag: sum(stack) for tag, stack in before.items()} == was
    assert sum(after["jazz"]) > sum(before["jazz"])
    ratio = max(was.values()) / min(was.values())
    assert figures["resampling"].axes[0].get_title() == f"before: {ratio:.1f} to 1"
    assert list(draw_split(split, split)) == ["split"]


def test_a_tree_of_genres_has_each_genre_below_its_parent() -> None:
    genres = {
        1: Genre("Rock", "genre"),
        2: Genre("Punk", "subgenre", 1),
        3: Genre("Hardcore", "sub-subgenre", 2),
        4: Genre("Jazz", "genre"),
        5: Genre("$\\frac{", "subgenre", 1),
    }

    figure = draw_genre_tree(genres, {"Rock": 9, "Punk": 4, "$\\frac{": 5})

    rock, jazz = (
        [(text.get_text(), round(text.get_position()[0], 2)) for text in axes.texts]
        for axes in figure.axes
    )
    assert [text for text, _ in rock] == ["Rock  9", "$\\frac{  5", "Punk  4", "Hardcore  0"]
    assert [left for _, left in rock] == [0, 0.09, 0.09, 0.18]
    assert [text for text, _ in jazz] == ["Jazz  0"]


def test_a_very_deep_tree_is_drawn() -> None:
    chain = {number: Genre("deep", "genre", number - 1 or None) for number in range(1, 1_200)}
    assert len(draw_genre_tree(chain, {}).axes[0].texts) == 1_199


@pytest.fixture
def with_bit_rates(tmp_path: Path) -> Path:
    """Copy the miniature of FMA, with a column of bit rates."""
    folder = tmp_path / "fma_metadata"
    folder.mkdir()
    original = MINIATURE / "fma" / "fma_metadata"
    (folder / "genres.csv").write_bytes((original / "genres.csv").read_bytes())
    with (original / "tracks.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    column = ["track", "bit_rate", "", "320000", "256000", "-1", "128000"]
    with (folder / "tracks.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for row, cell in zip(rows, column + [""] * len(rows), strict=False):
            writer.writerow([*row, cell])
    return tmp_path


def test_the_bit_rates_of_fma_are_drawn(with_bit_rates: Path) -> None:
    cleaned = clean(fma.load(with_bit_rates))

    assert list(cleaned.dataset.bit_rates.values()) == [320_000, 256_000, 128_000]
    axes = draw_figures(cleaned)["bit-rates"].axes[0]
    before, after = (
        {round(bar.get_x()): bar.get_height() for bar in bars if bar.get_height()}
        for bars in axes.containers
    )
    assert before == {320: 1, 256: 1, 128: 1}
    assert after == {320: 1}  # the others are too long and too short


def test_the_tree_of_fma_is_read() -> None:
    genres = fma.load(MINIATURE / "fma").genres
    parents = {each.title: each.parent and genres[each.parent].title for each in genres.values()}
    assert parents["Rock"] is None
    assert parents["Punk"] == "Rock"


OWN = tuple(
    (f"{artist}/{at}.mp3", "metal; loud" if artist % 3 else "jazz", f"artist {artist}")
    for artist in range(20)
    for at in range(3)
)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "own.csv"
    lines = ["path,tags,artist", *(",".join(row).replace("; ", ";") for row in OWN)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def page(own: Path) -> Path:
    path = own.parent / "datasets.html"
    ran = taggram(
        "data", "report", path, "--fma", MINIATURE / "fma", "--mtat", MINIATURE / "mtat",
        "--folder", own, "--task", "own", "--target", 30,
    )  # fmt: skip
    assert ran.exit_code == 0, ran.output
    assert f"{path}: the report of fma, mtat, " in ran.stdout
    return path


@pytest.mark.parametrize(
    "text",
    [
        ">FMA: A Dataset for Music Analysis</h2>",
        ">Task: own</h2>",
        *(f"<h3>{name}</h3>" for name in ("Counts", "Tags", "Merging", "Split", "Resampling")),
        "shorter than 60 s or longer than 600 s",
        "Tree of genres, with numbers of tracks",
        "Words before the merge, and tags after it, by dataset",
        "Law et al., ISMIR 2009",
        '<th scope="row" class="words">loud</th>',
    ],
)
def test_the_page_has_counts_and_pictures_of_each_step(text: str, page: Path) -> None:
    assert text in page.read_text()


def test_the_page_is_self_contained(page: Path) -> None:
    text = page.read_text().replace("xlink:", "")
    assert not re.findall(r"(?:src|href)\s*=\s*[\"'](?!#|data:)", text)
    assert "<script" not in text


def test_the_page_fits_a_phone_and_is_accessible(page: Path, browser: Browser) -> None:
    with browser.new_page(viewport={"width": 360, "height": 800}, color_scheme="dark") as tab:
        tab.goto(page.as_uri())
        assert tab.evaluate("document.documentElement.scrollWidth") == 360
        violations = Axe().run(tab).response["violations"]
    assert not [(each["id"], each["nodes"][0]["html"][:200]) for each in violations]


def test_too_few_artists_leave_the_merge_without_a_split(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("path,tags,artist\na.mp3,metal,one\n")
    out = tmp_path / "page.html"
    ran = taggram("data", "report", out, "--folder", path, "--task", "own")
    assert ran.exit_code == 0, ran.output
    assert "There is no split: 1 artists with tags are too few" in out.read_text()


def test_mistakes_are_reported_in_one_line(tmp_path: Path, own: Path) -> None:
    out = tmp_path / "page.html"
    assert "no dataset was given" in refused("data", "report", out)
    message = refused("data", "report", out, "--folder", own, "--task", "polka")
    assert "the task 'polka' does not exist" in message
    assert "add --folder" in refused(
        "data", "report", out, "--fma", MINIATURE / "fma", "--task", "own"
    )
    assert not out.exists()


def test_merge_and_split_write_their_pictures(own: Path, tmp_path: Path) -> None:
    merged, pictures = tmp_path / "merged.parquet", tmp_path / "pictures"
    ran = taggram("data", "merge", merged, "--task", "own", "--folder", own, "--pictures", pictures)
    assert ran.exit_code == 0, ran.output
    ran = taggram(
        "data", "split", merged, tmp_path / "split.parquet", "--target", 30, "--pictures", pictures
    )
    assert ran.exit_code == 0, ran.output
    names = {path.stem for path in pictures.iterdir()}
    assert {"merged", "split", "resampling"} < names
    assert all(np.ptp(imread(path)) > 0.5 for path in pictures.iterdir())
