"""Curves reach those who watch, and a run that goes on goes on in the same place."""

from pathlib import Path

import pytest
from tensorflow.python.summary.summary_iterator import summary_iterator

from app.errors import SetupError
from app.training.trackers import mlflow, tensorboard


def row(epoch: int, loss: float) -> dict[str, float | int | str]:
    return {"phase": "tags", "epoch": epoch, "stage": 1, "learning_rate": 0.1, "loss": loss}


def test_tensorboard_finds_the_newest_epoch_of_each_call(tmp_path: Path) -> None:
    record = tensorboard(tmp_path)
    record([row(1, 0.5)])
    record([row(1, 0.5), row(2, 0.25)])
    (file,) = (tmp_path / "tags").glob("events*")
    events = [
        (event.step, value.tag)
        for event in summary_iterator(str(file))
        for value in event.summary.value
    ]
    assert [step for step, tag in events if tag == "loss"] == [1, 2]


def test_mlflow_gets_one_run_however_often_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # a server without one
    url = str(tmp_path / "mlflow")
    mlflow(url, "a run", {"recipe": "thesis"})([row(1, 0.5)])
    mlflow(url, "a run", {"recipe": "thesis"})([row(1, 0.5), row(2, 0.25)])
    from mlflow import MlflowClient

    client = MlflowClient(url)
    experiment = client.get_experiment_by_name("taggram")
    assert experiment
    (run,) = client.search_runs([experiment.experiment_id])
    history = client.get_metric_history(run.info.run_id, "tags/loss")
    assert [metric.value for metric in history] == [0.5, 0.25]
    assert run.data.params == {"recipe": "thesis"}


def test_a_tracker_that_is_none_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="--mlflow nowhere://x"):
        mlflow("nowhere://x", "a run", {})
