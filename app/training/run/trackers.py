"""The curves, for those who watch runs in TensorBoard or MLflow."""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import tensorflow as tf

from app.errors import SetupError
from app.files import write_atomically
from app.masking import mask, remember
from app.training.loop.checkpoint import Row

if TYPE_CHECKING:
    from mlflow import MlflowClient

Record = Callable[[Sequence[Row]], None]

MLFLOW_KEY = "mlflow-key"
"""File of a run's folder that names it in MLflow, wherever the folder is moved."""

MLFLOW_TAG = "taggram.key"


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


def mlflow(url: str, folder: Path, parameters: Mapping[str, object]) -> Record:
    """Log to an MLflow server as a run of the experiment `taggram`, named as the folder.

    A training that goes on goes on in the same MLflow run: the folder keeps a key that the run has
    as a tag. Other folders of this name have other keys.

    Args:
        url: Of the server.
        folder: Of the training.
        parameters: What a new run is said to have.

    Raises:
        SetupError: MLflow is not installed, or does not take it, or the key can't be kept.
    """
    try:
        from mlflow import MlflowClient, MlflowException  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SetupError("MLflow is not installed: `pip install 'taggram[mlflow]'`") from error
    key = _key(folder / MLFLOW_KEY)
    remember(url)
    try:
        client = MlflowClient(tracking_uri=url)
        run = _mlflow_run(client, folder.resolve().name, key, parameters)
    except MlflowException as error:
        raise SetupError(mask(f"--mlflow {url}: {error}")) from error

    def record(rows: Sequence[Row]) -> None:
        newest = rows[-1]
        for key, value in _numbers(newest).items():
            client.log_metric(run, f"{newest['phase']}/{key}", value, step=int(newest["epoch"]))

    return record


def _key(path: Path) -> str:
    """Read a folder's key, or draw and keep one."""
    try:
        key = path.read_text()
    except FileNotFoundError:
        key = secrets.token_hex(16)
        write_atomically(path, key.encode())
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{path}: it can't be read: {error}") from error
    if not re.fullmatch("[0-9a-f]{32}", key):
        raise SetupError(
            f"{path}: {key[:40]!r} is not 32 hex digits; remove the file, and the training goes "
            "on in a new MLflow run"
        )
    return key


def _mlflow_run(
    client: "MlflowClient", name: str, key: str, parameters: Mapping[str, object]
) -> str:
    known = client.get_experiment_by_name("taggram")
    experiment = known.experiment_id if known else client.create_experiment("taggram")
    if runs := client.search_runs([experiment], f"tags.`{MLFLOW_TAG}` = '{key}'"):
        return str(runs[0].info.run_id)
    run = client.create_run(experiment, run_name=name, tags={MLFLOW_TAG: key})
    for parameter, value in parameters.items():
        client.log_param(run.info.run_id, parameter, value)
    return str(run.info.run_id)


def _numbers(row: Row) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in row.items()
        if name not in {"phase", "epoch"} and not isinstance(value, str)
    }
