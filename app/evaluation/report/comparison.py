"""Tables that compare models, as tables 10.1 and 10.2 of the thesis."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from app.evaluation.figures import Evaluation, Interval, Overall
from app.evaluation.report.blocks import Block, Cell, Grid, Prose, Section
from app.evaluation.report.comparing import best
from app.evaluation.report.words import POOLINGS, cell, count, joined, with_interval

Group = Sequence[Evaluation]

METRICS: dict[str, Callable[[Overall], Interval]] = {
    "PR-AUC": lambda overall: overall.pr_auc_macro,
    "ROC-AUC": lambda overall: overall.roc_auc_macro,
    "PR-AUC, micro": lambda overall: overall.pr_auc_micro,
    "ROC-AUC, micro": lambda overall: overall.roc_auc_micro,
    "cosine": lambda overall: overall.cosine,
}
BRIEF = ("PR-AUC", "ROC-AUC", "cosine")
BOLD = "Bold: the highest, and all that don’t differ significantly from it."


def compare_models(evaluations: Sequence[Evaluation]) -> Section:
    """Compare the models of each task, on whole songs and on chunks."""
    groups = _comparable(evaluations)
    blocks: list[Block] = [Prose(BOLD)]
    if len({group[0].task for group in groups}) < len(groups):
        blocks.append(
            Prose(
                "Some models of a task were evaluated on different tracks; figures of different "
                "tables can’t be compared."
            )
        )
    parts = tuple(_group(group) for group in groups)
    return Section("Models and tasks", tuple(blocks), parts)


def describe_tracks(evaluation: Evaluation) -> str:
    """Describe the tracks of an evaluation."""
    return f"{evaluation.part} part of “{evaluation.split}” ({evaluation.fingerprint[:8]})"


def _comparable(evaluations: Iterable[Evaluation]) -> list[Group]:
    """Group evaluations of the same task and tracks."""
    groups = defaultdict(list)
    for each in evaluations:
        groups[each.task, each.split, each.part, each.fingerprint].append(each)
    return list(groups.values())


def _group(group: Group) -> Section:
    first = group[0]
    blocks = (
        Prose(f"On the {describe_tracks(first)}. {_winner(group)}"),
        *_caveats(group),
        _overall_grid(group, "Whole songs, windows pooled by the mean", lambda each: each.song),
        _overall_grid(group, "Chunks, single windows", lambda each: each.chunk),
        _pooling_grid(group),
    )
    return Section(first.task, blocks)


def _winner(group: Group) -> str:
    figures = [each.song.pr_auc_macro for each in group]
    if len(group) == 1:
        return f"PR-AUC on whole songs is {with_interval(figures[0])}."
    top = best(figures)
    if not top:
        return "No model’s PR-AUC could be measured."
    if any(figure.low is None for figure in figures):
        return "Some figures have no interval, so the best model is unknown."
    names = [group[at].model for at in sorted(top)]
    if len(names) == 1:
        return f"By PR-AUC on whole songs, {names[0]} is best, above the intervals of all others."
    return (
        f"By PR-AUC on whole songs, {joined(names)} don’t differ significantly: their intervals "
        "overlap."
    )


def _caveats(group: Group) -> tuple[Block, ...]:
    caveats = []
    if len({each.tracks for each in group}) > 1:
        caveats.append("The models scored different numbers of tracks, as some could not be read.")
    if len({_measured_tags(each) for each in group}) > 1:
        caveats.append(
            "The models are measured on different tags, so their means are not comparable."
        )
    return tuple(map(Prose, caveats))


def _measured_tags(evaluation: Evaluation) -> frozenset[str]:
    return frozenset(each.tag for each in evaluation.tags if each.pr_auc.value is not None)


def _overall_grid(group: Group, caption: str, level: Callable[[Evaluation], Overall]) -> Grid:
    columns = [[of(level(each)) for each in group] for of in METRICS.values()]
    strong = [best(column) for column in columns]
    rows = tuple(
        (
            Cell(each.model),
            Cell(count(each.tracks)),
            Cell(str(len(_measured_tags(each)))),
            *_cells(columns, strong, at),
        )
        for at, each in enumerate(group)
    )
    return Grid(f"{caption} ({group[0].task})", ("model", "tracks", "tags", *METRICS), rows)


def _pooling_grid(group: Group) -> Grid:
    """Return a table with each pooling's best model in bold, as table 10.2."""
    rows = []
    for pooling, name in POOLINGS.items():
        found = [
            (each.model, level.overall)
            for each in group
            for level in each.songs
            if level.pooling == pooling and not level.overlap
        ]
        columns = [[METRICS[metric](overall) for _, overall in found] for metric in BRIEF]
        strong = [best(column) for column in columns]
        rows += [
            (Cell(name), Cell(model), *_cells(columns, strong, at))
            for at, (model, _) in enumerate(found)
        ]
    caption = f"Whole songs by pooling, adjacent windows ({group[0].task})"
    return Grid(caption, ("pooling", "model", *BRIEF), tuple(rows), words=2)


def _cells(
    columns: Sequence[Sequence[Interval]], strong: Sequence[frozenset[int]], at: int
) -> tuple[Cell, ...]:
    alone = len(columns[0]) == 1
    return tuple(
        cell(column[at], strong=at in top and not alone)
        for column, top in zip(columns, strong, strict=True)
    )
