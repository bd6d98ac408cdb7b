"""The published figures are those of the thesis's text, and own runs stand beside them."""

import re
from pathlib import Path

import pytest

from app.evaluation.costs import COSTS, read_costs, write_costs
from app.evaluation.evaluation_file import write_evaluation
from app.evaluation.published import POOLED, TABLE_4_10, TABLE_10_1, TABLE_10_2
from app.models import architectures
from tests.conftest import SHARED
from tests.docs.pages import doc
from tests.evaluation.test_report import evaluation
from tests.support.commands import refused, taggram


@pytest.fixture(scope="module")
def thesis() -> list[str]:
    """Return the lines of the thesis's text."""
    found = sorted((SHARED / "seeds").glob("000_*.txt"))
    if not found:
        pytest.skip("the thesis's text is not there")
    return found[0].read_text().replace("<b>", "").replace("</b>", "").splitlines()


def _rows(lines: list[str], caption: str, before: int) -> list[tuple[str, list[str]]]:
    """Return the rows above a caption with their numbers, as printed."""
    end = next(at for at, line in enumerate(lines) if line.startswith(caption))
    cells = [line.split("\t") for line in lines[end - before : end]]
    return [(each[0], each[1:]) for each in cells if len(each) > 6]


def test_table_4_10_is_the_thesis_s(thesis: list[str]) -> None:
    printed = _rows(thesis, "Table 4.10.", 15)[2:]
    assert len(printed) == len(TABLE_4_10) == 12
    for (_, cells), ours in zip(printed, TABLE_4_10, strict=True):
        assert [float(each) for each in cells] == [f for pair in ours.roc_pr.values() for f in pair]


def test_table_10_1_is_the_thesis_s(thesis: list[str]) -> None:
    printed = {name: cells for name, cells in _rows(thesis, "Table 10.1.", 6) if name != "model"}
    tasks = dict.fromkeys(each.task for each in TABLE_10_1)
    for method in ("Short", "ShortRes", "MusiCNN"):
        ours = [
            figure
            for task in tasks
            for each in TABLE_10_1
            if (each.task, each.method) == (task, method)
            for figure in each.figures["chunk"]
        ]
        assert [float(each) for each in printed[method]] == ours


def test_table_10_2_is_the_thesis_s(thesis: list[str]) -> None:
    methods = {each.method for each in TABLE_10_2}
    printed = [row for row in _rows(thesis, "Table 10.2.", 33) if row[0] in methods]
    assert [name for name, _ in printed] == [each.method for each in TABLE_10_2]
    for (_, cells), ours in zip(printed, TABLE_10_2, strict=True):
        figures = [figure for name in POOLED for figure in ours.figures[name]]
        known = [None if cell in {"-", "0."} else float(cell) for cell in cells]
        assert known == figures


def test_the_costs_are_those_of_the_documentation() -> None:
    costs = read_costs().architectures
    variants = {name: cost for name, cost in costs.items() if name not in architectures()}
    assert set(variants) == {each.cost for each in TABLE_4_10 if each.n_mels}
    for cost in variants.values():
        assert f"{cost.gflop_a_minute}" in doc("benchmarks")
    for name, cost in costs.items():
        if name in variants:
            continue
        row = re.search(rf"^\| `{name}` \|.*$", doc("benchmarks"), re.MULTILINE)
        assert row
        speeds = ", ".join(map(str, cost.audio_s_a_s.values())) or "not measured"
        shown = f"| {cost.parameters:,} | {cost.gflop_a_minute} | {speeds} |"
        assert shown in row[0]


def test_costs_are_written_as_they_were_read(tmp_path: Path) -> None:
    write_costs(read_costs(), tmp_path / "costs.json")
    assert (tmp_path / "costs.json").read_bytes() == COSTS.read_bytes()


def test_published_figures_are_shown_with_costs_and_sources() -> None:
    shown = taggram("zoo", "table").stdout
    row = next(line for line in shown.splitlines() if "Short-chunk + Res" in line)
    figures = (".9129 .4614", ".8898 .3280", ".8316 .2951", "12,104,244", "90.3", "119", "[1]")
    assert all(figure in row for figure in figures)
    assert "arXiv:2006.00751" in shown
    assert ".448 .876 .634" in shown


def test_own_runs_stand_below_the_published_ones_of_their_task(tmp_path: Path) -> None:
    genres = evaluation("our-genres/1").model_copy(update={"architecture": "musicnn"})
    official = evaluation("on-mtat/2").model_copy(
        update={"architecture": "fcn", "split": "official mtat-clean", "task": "own"}
    )
    for each in (genres, official):
        write_evaluation(tmp_path / each.model / "evaluation.json", each)
    lines = taggram("zoo", "table", "--figures", tmp_path).stdout.splitlines()
    table_4_10 = next(line for line in lines if "on-mtat/2, 19 tags" in line)
    assert all(word in table_4_10 for word in (".8600 .4300", "447,732", "here"))
    windows, songs = (line for line in lines if "our-genres/1" in line)
    assert ".415 .830 .415" in windows
    assert songs.count(".430 .860 .430") == 2  # the mean, and the majority of top tags
    assert "- - -" in songs  # it has no softmax over tags
    at = {name: next(i for i, line in enumerate(lines) if name in line) for name in ("CNSSA",)}
    assert lines.index(songs) == at["CNSSA"] + 1


def test_a_folder_without_figures_is_refused(tmp_path: Path) -> None:
    message = refused("zoo", "table", "--figures", tmp_path)
    assert "it has no evaluation.json; `taggram evaluate` writes them" in message
