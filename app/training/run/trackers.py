"""Log the curves to TensorBoard and MLflow."""

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
"""The file with the run's key in MLflow, which stays valid when the folder is moved."""

MLFLOW_TAG = "taggram.key"


def tensorboard(folder: Path) -> Record:
    """Return a function that writes the last epoch's figures for `tensorboard --logdir`."""
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
    """Return a function that logs to MLflow, to a run of the experiment `taggram`.

    The run is named after the folder. A resumed training is logged to the same run: the folder
    has a key, which is a tag of the run. Other folders of the same name have other keys.

    Args:
        url: The URL of the server.
        folder: The folder of the training.
        parameters: The parameters of a new run.

    Raises:
        SetupError: MLflow is not installed or reports an error, or the key can't be written.
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
    """Read a folder's key, or create one."""
    try:
        key = path.read_text()
    except FileNotFoundError:
        key = secrets.token_hex(16)
        write_atomically(path, key.encode())
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{path}: can't be read: {error}") from error
    if not re.fullmatch("[0-9a-f]{32}", key):
        raise SetupError(
            f"{path}: {key[:40]!r} is not 32 hex digits; remove the file to continue in a new "
            "MLflow run"
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
