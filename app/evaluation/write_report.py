"""What an evaluation says, for people: a page, which prints well."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from app.errors import SetupError
from app.evaluation.figures import Evaluation
from app.evaluation.report.contents import document
from app.evaluation.report.html import html
from app.evaluation.report.taggrams import SongTaggram
from app.files import write_atomically


def write_report(
    evaluations: Sequence[Evaluation],
    out: Path,
    taggrams: Sequence[SongTaggram] = (),
    curves: Mapping[str, Path] | None = None,
) -> Path:
    """Write `report.html`, and say where it is.

    Args:
        evaluations: Of one model or several.
        out: The folder.
        taggrams: Of chosen songs.
        curves: `curves.csv` of the models' trainings, by their names in the evaluations.

    Raises:
        SetupError: There is no evaluation, curves can't be read, or nothing can be written.
    """
    if not evaluations:
        raise SetupError("a report needs an evaluation; `taggram evaluate` makes one")
    contents = document(evaluations, taggrams, curves or {})
    report = out / "report.html"
    write_atomically(report, html(contents).encode())
    return report
