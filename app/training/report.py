"""What evaluations found, for people: a page and a paper with the same contents.

evaluations, taggrams, curves -> checked -> document -> HTML, PDF
"""

import os
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from app.errors import SetupError
from app.training.figures import Evaluation
from app.training.reporting.contents import document
from app.training.reporting.curves import read_curves
from app.training.reporting.html import as_html
from app.training.reporting.pdf import as_pdf
from app.training.reporting.taggrams import SongTaggram

NAME = "report"


@dataclass(frozen=True)
class Report:
    """Where it lies.

    Attributes:
        html: One file that needs no other.
        pdf: The same on A4.
    """

    html: Path
    pdf: Path


def write_report(
    evaluations: Sequence[Evaluation],
    out: Path,
    taggrams: Sequence[SongTaggram] = (),
    curves: Mapping[str, Path] = MappingProxyType({}),
) -> Report:
    """Write `report.html` and `report.pdf`.

    Args:
        evaluations: In the order in which they are told.
        out: The folder; it is made where it is not there.
        taggrams: Songs to be shown.
        curves: By the name of the model, the `curves.csv` of its training.

    Raises:
        SetupError: There is nothing to tell, a part contradicts another, curves can't be read, or
            the report can't be written; what was there before stays.
    """
    _check(evaluations, curves)
    read = {model: read_curves(path) for model, path in curves.items()}
    told = document(evaluations, taggrams, read)
    report = Report(out / f"{NAME}.html", out / f"{NAME}.pdf")
    _write(out, {report.html: as_html(told), report.pdf: as_pdf(told)})
    return report


def _check(evaluations: Sequence[Evaluation], curves: Mapping[str, Path]) -> None:
    if not evaluations:
        raise SetupError("there is no evaluation to report; `taggram evaluate` makes one")
    for each in evaluations:
        _check_one(each)
    models = {each.model for each in evaluations}
    for model in curves:
        if model not in models:
            known = ", ".join(sorted(models))
            raise SetupError(f"curves are of {model}, which is not among the evaluations: {known}")


def _check_one(evaluation: Evaluation) -> None:
    where = f"evaluation of {evaluation.model} on {evaluation.task}"
    names = Counter(each.tag for each in evaluation.tags)
    twice = [tag for tag, amount in names.items() if amount > 1]
    if not names or twice:
        raise SetupError(
            f"{where}: tags: {twice[0] + ' is there twice' if twice else 'there are none'}"
        )
    if {len(evaluation.confusion), *map(len, evaluation.confusion)} != {len(names)}:
        raise SetupError(f"{where}: confusion: it is not of {len(names)} by {len(names)} tags")
    if len(evaluation.accuracy_at_k) != len(evaluation.soft_accuracy_at_k):
        raise SetupError(f"{where}: accuracy_at_k and soft_accuracy_at_k are not of as many K")
    calibration = evaluation.calibration
    if len({*map(len, (calibration.scores, calibration.frequencies, calibration.counts))}) > 1:
        raise SetupError(f"{where}: calibration: its lists are not of the same length")
    if not any(each.pooling == "mean" and not each.overlap for each in evaluation.songs):
        raise SetupError(f"{where}: songs: the mean of windows side by side is not among them")


def _write(out: Path, files: Mapping[Path, bytes]) -> None:
    """All of them, or what was there before."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out, prefix=f".{NAME}-") as beside:
            for path, data in files.items():
                (Path(beside) / path.name).write_bytes(data)
            for path in files:
                os.replace(Path(beside) / path.name, path)  # noqa: PTH105 - over what is there
    except OSError as error:
        raise SetupError(
            f"{out}: the report can't be written: {error.strerror or error}"
        ) from error
