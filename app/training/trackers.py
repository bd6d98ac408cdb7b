"""The curves, for those who watch runs in TensorBoard or MLflow."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import tensorflow as tf

from app.errors import SetupError
from app.masking import mask, remember
from app.training.states import Row

Record = Callable[[Sequence[Row]], None]


def tensorboard(folder: Path) -> Record:
    """Write the newest epoch's figures where `tensorboard --logdir` finds them."""
    writers: dict[str, tf.summary.SummaryWriter] = {}

    def record(rows: Sequence[Row]) -> None:
        newest = rows[-1]
        phase = str(newest["phase"])
        if phase not in writers:
            writers[phase] = tf.summary.create_file_writer(str(folder / phase))
        with writers[phase].as_default(step=int(newest["epoch"])):
            for name, value in _numbers(newest).items():
                tf.summary.scalar(name, value)
        writers[phase].flush()

    return record


def mlflow(url: str, name: str, parameters: Mapping[str, object]) -> Record:
    """Log to an MLflow server as a run of the experiment `taggram`.

    A training that goes on goes on in the same run, found by its name.

    Raises:
        SetupError: MLflow is not installed, or does not take it.
    """
    try:
        from mlflow import MlflowClient, MlflowException  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SetupError("MLflow is not installed: `pip install 'taggram[mlflow]'`") from error
    remember(url)
    try:
        client = MlflowClient(tracking_uri=url)
        run = _mlflow_run(client, name, parameters)
    except MlflowException as error:
        raise SetupError(mask(f"--mlflow {url}: {error}")) from error

    def record(rows: Sequence[Row]) -> None:
        newest = rows[-1]
        for key, value in _numbers(newest).items():
            client.log_metric(run, f"{newest['phase']}/{key}", value, step=int(newest["epoch"]))

    return record


def _mlflow_run(client: "MlflowClient", name: str, parameters: Mapping[str, object]) -> str:  # type: ignore[name-defined]  # noqa: F821
    experiment = client.get_experiment_by_name("taggram")
    key = experiment.experiment_id if experiment else client.create_experiment("taggram")
    known = client.search_runs([key], f"tags.`mlflow.runName` = '{name}'")
    if known:
        return str(known[0].info.run_id)
    run = client.create_run(key, run_name=name)
    for parameter, value in parameters.items():
        client.log_param(run.info.run_id, parameter, value)
    return str(run.info.run_id)


def _numbers(row: Row) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in row.items()
        if name not in {"phase", "epoch"} and not isinstance(value, str)
    }
