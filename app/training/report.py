"""What an evaluation says, for people: a page and a PDF."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.errors import SetupError
from app.training.figures import Evaluation
from app.training.files import write_whole
from app.training.reporting.contents import document
from app.training.reporting.html import html
from app.training.reporting.pdf import pdf
from app.training.reporting.taggrams import SongTaggram


@dataclass(frozen=True)
class Report:
    """Where it is."""

    html: Path
    pdf: Path


def write_report(
    evaluations: Sequence[Evaluation],
    out: Path,
    taggrams: Sequence[SongTaggram] = (),
    curves: Mapping[str, Path] | None = None,
) -> Report:
    """Write `report.html` and `report.pdf`.

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
    report = Report(out / "report.html", out / "report.pdf")
    write_whole(report.html, html(contents).encode())
    write_whole(report.pdf, pdf(contents))
    return report
