"""The report is self-contained, states the figures, and escapes names."""

import re
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from app.errors import SetupError
from app.evaluation.figures import (
    Calibration,
    Evaluation,
    Interval,
    LevelFigures,
    Overall,
    SongLevel,
    TagFigures,
)
from app.evaluation.report.comparison import compare_models
from app.evaluation.report.taggrams import SongTaggram
from app.evaluation.write_report import write_report

DARK = "rgb(28, 27, 34)"
"""The colour of words on white paper."""

HOSTILE = "<script>alert('tag')</script>"

SECTIONS = (
    "Models and tasks",
    "Findings",
    "Tags",
    "Confusions",
    "Among the first K",
    "Whether scores are probabilities",
    "Training",
    "Songs over time",
)

CURVES = (
    "phase,epoch,stage,learning_rate,loss,roc_auc,pr_auc,val_loss,val_roc_auc,val_pr_auc\n"
    "tags,1,1,0.001,0.5,0.6,0.3,0.55,0.58,0.28\n"
    "tags,2,1,0.001,0.4,0.7,0.4,0.45,0.68,0.38\n"
)


def around(value: float, width: float = 0.03) -> Interval:
    return Interval(value=value, low=max(value - width, 0), high=min(value + width, 1))


def overall(value: float) -> Overall:
    return Overall(
        roc_auc_macro=around(value),
        roc_auc_micro=around(value),
        pr_auc_macro=around(value / 2),
        pr_auc_micro=around(value / 2),
        cosine=around(value / 2),
    )


def evaluation(model: str = "musicnn/1", n_tags: int = 19, seed: int = 0) -> Evaluation:
    rng = np.random.default_rng(seed)
    tags = tuple(
        TagFigures(
            tag=HOSTILE if not number else f"tag {number}",
            positives=40 + number,
            train_positives=400 + 10 * number,
            roc_auc=around(float(rng.uniform(0.6, 0.95))),
            pr_auc=around(float(rng.uniform(0.1, 0.7))),
            threshold=0.4,
            precision=0.8,
            recall=0.3,
        )
        for number in range(n_tags)
    )
    shares = rng.uniform(size=(n_tags, n_tags)) + 4 * np.eye(n_tags)
    confusion = shares / shares.sum(axis=0)
    rising = np.linspace(0.3, 1, n_tags)
    bins = Calibration(
        scores=(0.1, 0.5, 0.9), frequencies=(0.05, 0.4, 0.8), counts=(9_000, 400, 80),
        expected_error=0.06,
    )  # fmt: skip
    at_k = {
        "accuracy_at_k": tuple(float(each) for each in rising**2),
        "soft_accuracy_at_k": tuple(float(each) for each in rising),
        "confusion": tuple(tuple(float(cell) for cell in row) for row in confusion),
        "calibration": bins,
    }
    chunk_tags = tuple(
        TagFigures(
            tag=each.tag,
            positives=75 * each.positives,
            roc_auc=around((each.roc_auc.value or 0) - 0.05),
            pr_auc=around((each.pr_auc.value or 0) - 0.05),
        )
        for each in tags
    )
    return Evaluation(
        model=model,
        task="genres",
        split="artists apart",
        part="test",
        fingerprint="ab" * 32,
        tracks=800,
        chunks=60_000,
        preferred_precision=0.8,
        chunk=overall(0.83),
        songs=tuple(
            SongLevel(pooling=pooling, overlap=overlap, overall=overall(0.86))
            for pooling in ("mean", "majority", "majority_top1", "softmax", "max")
            for overlap in (0.0, 0.5)
        ),
        tags=tags,
        **at_k,
        chunk_level=LevelFigures(tags=chunk_tags, **at_k),
        left_out={"waltz": "no track of the part test has it"},
        skipped={"0123456789abcdef": "it breaks off"},
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    curves = folder / "curves.csv"
    curves.write_text(CURVES)
    scores = np.random.default_rng(1).uniform(size=(20, 19)).astype(np.float32)
    tags = [each.tag for each in evaluation().tags]
    times_s = [3.0 * number for number in range(20)]
    song = SongTaggram(f"{HOSTILE}.mp3", tags, times_s, 3.0, scores, tags[:2])
    songs_only = evaluation("vgg/1", seed=1).model_copy(update={"chunk_level": None})
    both = [evaluation(), songs_only]
    return write_report(both, folder, [song], {"musicnn/1": curves})


def test_the_page_is_self_contained(report: Path) -> None:
    page = report.read_text()
    assert not re.findall(r"(?:src|href)\s*=\s*[\"'](?!#|data:)", page.replace("xlink:", ""))
    assert "<script" not in page
    assert "@import" not in page
    assert "url(http" not in page


def test_names_in_a_report_stay_text(report: Path) -> None:
    page = report.read_text()
    assert "&lt;script&gt;alert(" in page
    assert HOSTILE not in page


@pytest.mark.parametrize("section", SECTIONS)
def test_the_report_has_every_section(section: str, report: Path) -> None:
    assert f">{section}<" in report.read_text()


def test_all_figures_are_in_the_text_too(report: Path) -> None:
    page = report.read_text()
    for each in evaluation().tags[1:]:
        assert each.roc_auc.value is not None
        assert f"{each.roc_auc.value:.3f}" in page


def test_figures_that_could_not_be_measured_are_reported(report: Path) -> None:
    page = report.read_text()
    assert '<td class="words">not measured</td>' in page
    assert "It has no figures: no track of the part test has it." in page
    assert "it breaks off</th><td>1</td>" in page


def test_every_pooling_and_overlap_of_every_model_is_in_one_table(report: Path) -> None:
    page = report.read_text()
    table = page[page.index("<caption>Whole songs by pooling") :].split("</table>")[0]
    assert table.count("majority vote, overlap 50%") == 2
    assert table.count("musicnn/1") == table.count("vgg/1") == 10


def test_only_models_with_the_same_tracks_and_tags_share_a_table() -> None:
    both = compare_models([evaluation(), evaluation("vgg/1")])
    apart = compare_models([evaluation(), evaluation("vgg/1", n_tags=18)])
    assert [len(part.blocks[1].rows) for part in both.sections] == [2]
    assert [len(part.blocks[1].rows) for part in apart.sections] == [1, 1]


@pytest.mark.parametrize(
    ("width", "scheme"),
    [(360, "dark"), pytest.param(1200, "light", marks=pytest.mark.thorough)],
)
def test_the_report_fits_phone_desktop_and_paper_and_is_accessible(
    width: int, scheme: str, report: Path, browser: Browser
) -> None:
    with browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme) as page:
        page.goto(report.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == width
        violations = Axe().run(page).response["violations"]
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.body).color") == DARK
        assert page.get_by_role("navigation").is_hidden()
    assert not [(each["id"], each["nodes"][0]["html"][:200]) for each in violations]


def test_a_switch_shows_the_figures_of_songs_or_of_windows(report: Path, browser: Browser) -> None:
    with browser.new_page() as page:
        page.goto(report.as_uri())
        songs = page.get_by_role("table", name="Each tag", exact=True)
        windows = page.get_by_role("table", name="Each tag in windows")
        assert (songs.count(), windows.count()) == (2, 0)
        page.get_by_role("radio", name="single windows").check()
        assert (songs.count(), windows.count()) == (1, 1)  # the other model has songs alone


def test_without_figures_of_windows_there_is_no_switch(tmp_path: Path) -> None:
    earlier = evaluation(n_tags=4).model_copy(update={"chunk_level": None})
    page = write_report([earlier], tmp_path).read_text()
    assert 'type="radio"' not in page
    assert "Each tag in windows" not in page


def test_the_same_figures_give_the_same_files(tmp_path: Path) -> None:
    given = [evaluation(n_tags=4)]
    first, second = (write_report(given, tmp_path / name) for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_without_an_evaluation_there_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="taggram evaluate"):
        write_report([], tmp_path)


def test_invalid_training_curves_are_refused(tmp_path: Path) -> None:
    (tmp_path / "curves.csv").write_text("epoch\n1\n")
    with pytest.raises(SetupError, match="the column loss is missing"):
        write_report([evaluation()], tmp_path, curves={"musicnn/1": tmp_path / "curves.csv"})
