"""Tables that compare models, as tables 10.1 and 10.2 of the thesis."""

from collections.abc import Callable, Sequence

from app.evaluation.figures import Evaluation, Interval, Overall, group_comparable
from app.evaluation.report.formatting import cell, count, describe_pooling
from app.report.blocks import Cell, Grid, Prose, Section

Group = Sequence[Evaluation]

METRICS: dict[str, Callable[[Overall], Interval]] = {
    "PR-AUC": lambda overall: overall.pr_auc_macro,
    "ROC-AUC": lambda overall: overall.roc_auc_macro,
    "PR-AUC, micro": lambda overall: overall.pr_auc_micro,
    "ROC-AUC, micro": lambda overall: overall.roc_auc_micro,
    "cosine": lambda overall: overall.cosine,
}
BRIEF = ("PR-AUC", "ROC-AUC", "cosine")

NOTE = (
    "Models in one table were measured on the same tracks and tags; figures of different tables "
    "can’t be compared. Bold: the highest of a column, and all whose intervals overlap with its."
)


def compare_models(evaluations: Sequence[Evaluation]) -> Section:
    """Compare models on whole songs, on chunks, and by pooling."""
    parts = tuple(_group(group) for group in group_comparable(evaluations))
    return Section("Models and tasks", (Prose(NOTE),), parts)


def describe_tracks(evaluation: Evaluation) -> str:
    """Describe the tracks of an evaluation."""
    return f"{evaluation.part} part of “{evaluation.split}” ({evaluation.fingerprint[:8]})"


def best(figures: Sequence[Interval]) -> frozenset[int]:
    """Return the indices of the highest figure, and of those whose intervals overlap with its.

    That is stricter than a test of the difference on the same tracks: some true differences are
    missed, few false ones are shown.
    """
    known = {at: each for at, each in enumerate(figures) if each.value is not None}
    if not known:
        return frozenset()
    top = max(known, key=lambda at: known[at].value or 0)
    return frozenset({top, *(at for at, each in known.items() if _reaches(each, known[top]))})


def _reaches(one: Interval, top: Interval) -> bool:
    return one.high is not None and top.low is not None and one.high >= top.low


def _group(group: Group) -> Section:
    first = group[0]
    about = f"The {describe_tracks(first)}: {count(first.tracks)} tracks"
    blocks = (
        Prose(f"{about}, {len(first.measured_tags)} of {len(first.tags)} tags measured."),
        _overall_grid(group, "Whole songs, windows pooled by the mean", lambda each: each.song),
        _overall_grid(group, "Chunks, single windows", lambda each: each.chunk),
        _pooling_grid(group),
    )
    return Section(first.task, blocks)


def _overall_grid(group: Group, caption: str, level: Callable[[Evaluation], Overall]) -> Grid:
    rows = [((each.model,), level(each)) for each in group]
    return _grid(f"{caption} ({group[0].task})", ("model",), tuple(METRICS), rows)


def _pooling_grid(group: Group) -> Grid:
    levels = [(level, each.model) for each in group for level in each.songs]
    levels.sort(key=lambda pair: (pair[0].overlap, pair[0].pooling))
    rows = [((describe_pooling(level), model), level.overall) for level, model in levels]
    caption = f"Whole songs by pooling of windows ({group[0].task})"
    return _grid(caption, ("pooling", "model"), BRIEF, rows)


def _grid(
    caption: str,
    words: tuple[str, ...],
    metrics: tuple[str, ...],
    rows: Sequence[tuple[tuple[str, ...], Overall]],
) -> Grid:
    """Return a table with the best figures of each column in bold, unless there is one row."""
    columns = [[METRICS[metric](overall) for _, overall in rows] for metric in metrics]
    strong = [best(column) if len(rows) > 1 else frozenset() for column in columns]
    cells = (
        (
            *map(Cell, names),
            *(cell(column[at], at in top) for column, top in zip(columns, strong, strict=True)),
        )
        for at, (names, _) in enumerate(rows)
    )
    return Grid(caption, (*words, *metrics), tuple(cells), words=len(words))
