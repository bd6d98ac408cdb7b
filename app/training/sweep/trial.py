"""A trial of a sweep, in a process of its own: train, then score the validation part.

    python -m app.training.sweep.trial FOLDER

A trial that needs too much memory ends alone, and each trial has the GPU that its environment
names. Its folder is that of a run, with these files:

    trial.json     the options of the training
    recipe.yaml    its recipe
    result.json    its figures, or the reason why it failed
    log.txt        its output
"""

import csv
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from app.datasets.audio.audio_store import AudioStore
from app.datasets.tracks import Split, Subset
from app.errors import TaggramError
from app.evaluation.bootstrap import LabeledScores, Measured, draw_counts, measure
from app.evaluation.evaluate import pool_windows
from app.evaluation.metrics import Floats
from app.evaluation.scoring import Scorer
from app.files import write_atomically
from app.store.manifest.tables import Table
from app.store.registry.weights import read_weights
from app.store.storage.store import Store
from app.tagging.pooling import Pooling
from app.training.run.curve_files import CSV
from app.training.run.publishing import MODEL
from app.training.run.train import TrainRequest, read_split_of, run

REQUEST, RESULT, LOG, RECIPE = "trial.json", "result.json", "log.txt", "recipe.yaml"

_REQUEST = TypeAdapter(TrainRequest)


class TrialResult(Table):
    """The figures of a trial.

    Attributes:
        error: Why the trial failed; it has no figures then.
        tracks: The number of tracks of the training part.
        validated: The number of tracks of the validation part.
        roc_auc: Mean over tags of whole songs, then the same in each bootstrap draw; None where no
            tag could be measured.
        pr_auc: As `roc_auc`.
        epochs: The number of epochs.
        seconds: The duration of all epochs.
        parameters: The number of weights that were published.
    """

    error: str | None = None
    tracks: int = 0
    validated: int = 0
    roc_auc: tuple[float | None, ...] = ()
    pr_auc: tuple[float | None, ...] = ()
    epochs: int = 0
    seconds: float = 0.0
    parameters: int = 0


def write_request(request: TrainRequest) -> None:
    """Write `trial.json` into the folder of a trial.

    Raises:
        SetupError: It can't be written.
    """
    write_atomically(request.folder / REQUEST, _REQUEST.dump_json(request, indent=1))


def read_result(folder: Path) -> TrialResult | None:
    """Return the result of a trial; None if it has not ended."""
    try:
        return TrialResult.model_validate_json((folder / RESULT).read_bytes())
    except (OSError, ValueError):
        return None


def main(folder: Path) -> None:
    """Run a trial, and write its result.

    Raises:
        SetupError: The result can't be written.
    """
    request = _REQUEST.validate_json((folder / REQUEST).read_bytes())
    try:
        result = _result(request)
    except TaggramError as error:
        result = TrialResult(error=str(error))
    write_atomically(folder / RESULT, result.model_dump_json().encode())


def _result(request: TrainRequest) -> TrialResult:
    run(request, _ignore, print)
    split = read_split_of(request)
    measured, songs, parameters = _measured(request, split)
    seconds = _seconds(request.folder / CSV)
    return TrialResult(
        tracks=len(split.part(Subset.TRAIN)),
        validated=songs,
        roc_auc=_numbers(measured.roc_auc_macro),
        pr_auc=_numbers(measured.pr_auc_macro),
        epochs=len(seconds),
        seconds=round(sum(seconds), 3),
        parameters=parameters,
    )


def _measured(request: TrainRequest, split: Split) -> tuple[Measured, int, int]:
    """Return figures of whole songs, the number of songs, and the number of weights."""
    models = Store(str(request.folder / MODEL))
    audio = AudioStore.open(request.audio_store)
    scorer = Scorer(models, str(models.refs()[0]), split, audio, request.folder / "scores")
    scored = scorer.score(Subset.VALIDATION, 0.0, _ignore)
    songs, count = pool_windows(scored, Pooling.MEAN), len(scored.ids)
    labeled = LabeledScores(scored.y_true, songs, np.arange(count))
    weights = read_weights(models, scorer.manifest)
    return measure(labeled, draw_counts(count)), count, sum(each.size for each in weights.values())


def _ignore(*_: object) -> None:
    """Show no progress: the sweep shows how many trials have ended."""


def _numbers(figures: Floats) -> tuple[float | None, ...]:
    return tuple(None if np.isnan(each) else round(float(each), 6) for each in figures)


def _seconds(curves: Path) -> Sequence[float]:
    with curves.open(newline="") as file:
        return [float(row["seconds"] or 0) for row in csv.DictReader(file)]


def _end_with_parent() -> None:
    """End when the sweep ends, however it does: it holds the other end of standard input."""
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    main(Path(sys.argv[1]))
