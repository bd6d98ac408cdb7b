"""Curves reach the trackers, and a resumed run continues in the same place."""

from pathlib import Path

import pytest
from tensorflow.python.summary.summary_iterator import summary_iterator

from app.errors import SetupError
from app.training.run.trackers import mlflow, tensorboard


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


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # a server without one
    return str(tmp_path / "mlflow")


def losses(url: str) -> list[tuple[str, list[float]]]:
    """Name and losses of each MLflow run, in the order of its first loss."""
    from mlflow import MlflowClient

    client = MlflowClient(url)
    experiment = client.get_experiment_by_name("taggram")
    assert experiment
    runs = client.search_runs([experiment.experiment_id])
    assert {run.data.params["recipe"] for run in runs} == {"thesis"}
    return sorted(
        (
            (
                str(run.info.run_name),
                [each.value for each in client.get_metric_history(run.info.run_id, "tags/loss")],
            )
            for run in runs
        ),
        key=lambda each: each[1],
    )


def test_mlflow_has_one_run_for_a_folder_that_is_resumed_elsewhere(
    tmp_path: Path, url: str
) -> None:
    folder = tmp_path / "it's a run"
    mlflow(url, folder, {"recipe": "thesis"})([row(1, 0.5)])
    mlflow(url, folder, {"recipe": "thesis"})([row(1, 0.5), row(2, 0.25)])
    moved = folder.rename(tmp_path / "moved")
    mlflow(url, moved, {"recipe": "thesis"})([row(3, 0.125)])
    assert losses(url) == [("it's a run", [0.5, 0.25, 0.125])]


def test_mlflow_has_two_runs_for_two_folders_of_one_name(tmp_path: Path, url: str) -> None:
    for number, parent in enumerate(("one", "other")):
        mlflow(url, tmp_path / parent / "run", {"recipe": "thesis"})([row(1, number)])
    assert losses(url) == [("run", [0.0]), ("run", [1.0])]


def test_a_damaged_run_key_is_refused_with_a_message(tmp_path: Path, url: str) -> None:
    (tmp_path / "mlflow-key").write_text("'")
    with pytest.raises(SetupError, match="not 32 hex digits; remove the file"):
        mlflow(url, tmp_path, {})


def test_an_unknown_tracker_is_refused_with_a_message(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="--mlflow nowhere://x"):
        mlflow("nowhere://x", tmp_path, {})
