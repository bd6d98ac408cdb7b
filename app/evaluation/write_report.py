"""Write the report of evaluations as a printable HTML page."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from app.errors import SetupError
from app.evaluation.figures import Evaluation
from app.evaluation.report.contents import make_document
from app.evaluation.report.taggrams import SongTaggram
from app.files import write_atomically
from app.report.html import render


def write_report(
    evaluations: Sequence[Evaluation],
    out: Path,
    taggrams: Sequence[SongTaggram] = (),
    curves: Mapping[str, Path] | None = None,
) -> Path:
    """Write `report.html`, and return its path.

    Args:
        evaluations: Of one model or several.
        out: The folder of the report.
        taggrams: Of chosen songs.
        curves: `curves.csv` of the models' trainings, by their names in the evaluations.

    Raises:
        SetupError: There is no evaluation, curves can't be read, or the page can't be written.
    """
    if not evaluations:
        raise SetupError("no evaluation was given; `taggram evaluate` makes one")
    contents = make_document(evaluations, taggrams, curves or {})
    report = out / "report.html"
    write_atomically(report, render(contents).encode())
    return report
