"""`taggram zoo table`: published figures of the architectures, with what was measured here."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from app.cli.console import cell, out, plain_errors, say
from app.errors import SetupError
from app.evaluation.costs import Cost, Costs, read_costs
from app.evaluation.figures import Evaluation, Overall
from app.evaluation.published import (
    DATASETS,
    JAMENDO,
    MSD,
    MTAT,
    OTHERS,
    POOLED,
    TABLE_4_10,
    TABLE_10_1,
    TABLE_10_2,
    Result,
    ThesisResult,
)

OFFICIAL_SPLITS = {"official mtat-clean": MTAT, "official mtg-jamendo-0": JAMENDO}
"""The datasets of table 4.10 by the name of their split in `taggram data split`."""

AS_WRITTEN = {"mean": "mean", "majority": "majority_top1", "softmax": "softmax_tags"}
"""Our poolings that follow the thesis's text, by the columns of its table 10.2."""

SHORT = {MTAT: "MTAT", MSD: "MSD", JAMENDO: "Jamendo"}

WIDTH = 120
"""In columns, of tables that are written to a file or a pipe."""

Triple = tuple[float | None, float | None, float | None]


def table(
    figures: Annotated[
        list[Path],
        typer.Option(
            metavar="DIR",
            help="A folder of `taggram evaluate --out`: its models are added to the tables. May be "
            "repeated.",
        ),
    ] = [],  # noqa: B006 - typer only reads it
) -> None:
    """Show tables 4.10, 10.1 and 10.2 of the thesis as published, and what was measured here."""
    with plain_errors():
        own = [each for folder in figures for each in _evaluations(folder)]
        costs = read_costs()
    _print(_table_4_10(own, costs))
    for name in DATASETS:
        say(out, f"{SHORT[name]}: {name}")
    for number, source in enumerate(_sources(), 1):
        say(out, f"[{number}] {source}")
    say(
        out,
        "Parameters, GFLOP a minute of audio, and seconds of audio a second with OpenVINO were "
        f"measured here, with 50 tags: {costs.machine}.",
    )
    _print(_table_10_1(own))
    _print(_table_10_2(own))
    say(
        out,
        "Published figures were not measured here; rows with a version, as NAME/1, were: windows "
        "pooled by mean, majority_top1 and softmax_tags.",
    )


def _print(shown: Table) -> None:
    wide = out.is_terminal or out.width >= WIDTH
    (out if wide else Console(width=WIDTH)).print(shown)


def _evaluations(folder: Path) -> Iterator[Evaluation]:
    from app.evaluation.evaluation_file import read_evaluation

    paths = sorted(folder.rglob("evaluation.json"))
    if not paths:
        raise SetupError(f"{folder}: it has no evaluation.json; `taggram evaluate` writes them")
    yield from map(read_evaluation, paths)


def _sources() -> list[str]:
    return list(dict.fromkeys(each.source for each in (*TABLE_4_10, *OTHERS)))


def _table_4_10(own: Sequence[Evaluation], costs: Costs) -> Table:
    """Return the table of the literature: ROC-AUC and PR-AUC on three datasets, and costs."""
    names = (*(SHORT[name] for name in DATASETS), "parameters", "GFLOP/min", "s/s")
    heads = [Column(name, justify="right") for name in names]
    shown = Table("method", *heads, "source", title="Table 4.10, and others: ROC-AUC, PR-AUC")
    sources = _sources()
    published = (*TABLE_4_10, *(each for each in OTHERS if each.is_comparable))
    others = tuple(each for each in OTHERS if not each.is_comparable)
    for results in (published, others):
        for each in results:
            numbers = (_pair(each, dataset) for dataset in DATASETS)
            source = f"[{sources.index(each.source) + 1}]"
            shown.add_row(each.method, *numbers, *_cost(each.cost, costs), cell(source))
        shown.add_section()
    for evaluation in own:
        if evaluation.split in OFFICIAL_SPLITS:
            shown.add_row(*_own_row(evaluation, costs), "here")
    return shown


def _own_row(evaluation: Evaluation, costs: Costs) -> tuple[str, ...]:
    song, dataset = evaluation.song, OFFICIAL_SPLITS[evaluation.split]
    pair = f"{_short(song.roc_auc_macro.value)} {_short(song.pr_auc_macro.value)}"
    name = f"{evaluation.model}, {len(evaluation.measured_tags)} tags"
    numbers = (pair if dataset == each else "" for each in DATASETS)
    return (name, *numbers, *_cost(evaluation.architecture, costs))


def _pair(result: Result, dataset: str) -> str:
    if dataset not in result.roc_pr:
        return ""
    roc, pr = result.roc_pr[dataset]
    return f"{_short(roc)} {_short(pr)}"


def _cost(name: str | None, costs: Costs) -> tuple[str, str, str]:
    cost: Cost | None = costs.architectures.get(name or "")
    if cost is None:
        return "", "", ""
    speed = cost.audio_s_a_s.get("openvino")
    return f"{cost.parameters:,}", f"{cost.gflop_a_minute:.1f}", f"{speed:,}" if speed else ""


def _table_10_1(own: Sequence[Evaluation]) -> Table:
    rows = [(each, (each.figures["chunk"],)) for each in TABLE_10_1]
    measured = [(each, (_triple(each.chunk),)) for each in own]
    return _thesis_table("Table 10.1, single windows: PR-AUC, ROC-AUC, cosine", (), rows, measured)


def _table_10_2(own: Sequence[Evaluation]) -> Table:
    rows = [(each, tuple(each.figures[name] for name in POOLED)) for each in TABLE_10_2]
    measured = [(each, tuple(_pooled(each, AS_WRITTEN[name]) for name in POOLED)) for each in own]
    title = "Table 10.2, whole songs by pooling: PR-AUC, ROC-AUC, cosine"
    return _thesis_table(title, POOLED, rows, measured)


def _thesis_table(
    title: str,
    levels: Sequence[str],
    published: Sequence[tuple[ThesisResult, tuple[Triple, ...]]],
    measured: Sequence[tuple[Evaluation, tuple[Triple, ...]]],
) -> Table:
    """Return a table of the thesis, task by task, with our models of a task below its own."""
    heads = [Column(name, justify="right") for name in levels or ("windows",)]
    shown = Table("task", "model", *heads, title=title)
    tasks = [each.task for each, _ in published] + [each.task for each, _ in measured]
    for task in dict.fromkeys(tasks):
        for result, triples in published:
            if result.task == task:
                shown.add_row(task, result.method, *map(_numbers, triples))
        for evaluation, triples in measured:
            if evaluation.task == task:
                shown.add_row(cell(task), cell(evaluation.model), *map(_numbers, triples))
        shown.add_section()
    return shown


def _pooled(evaluation: Evaluation, pooling: str) -> Triple:
    for level in evaluation.songs:
        if level.pooling == pooling and not level.overlap:
            return _triple(level.overall)
    return None, None, None  # an earlier release did not measure it


def _triple(overall: Overall) -> Triple:
    pr, roc = overall.pr_auc_macro.value, overall.roc_auc_macro.value
    return pr, roc, overall.cosine.value


def _numbers(triple: Triple) -> str:
    return " ".join("-" if value is None else f"{value:.3f}".lstrip("0") for value in triple)


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}".lstrip("0")
