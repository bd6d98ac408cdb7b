"""A training on several machines: processes of a Ray cluster that share each batch.

Ray Train starts them, tells TensorFlow where the others are, and starts them anew when one dies;
then the run goes on where its folder says it was. All machines have this version of Taggram, and
see the same files at the same paths.
"""

import logging
import math
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import SetupError
from app.masking import remember

if TYPE_CHECKING:  # TensorFlow may be imported in the processes alone, see `_work`
    from ray.train import ScalingConfig
    from ray.util.queue import Queue

    from app.training.loop.phase import OnProgress, Step
    from app.training.run.train import Finished, TrainRequest

RESTARTS = 3
"""So often a training goes on after a process of it died."""

STEPS_EACH_S = 1.0
"""Between two steps that are shown lie so many seconds: a message takes some milliseconds."""

KNOCK_S = 10
"""So long a cluster's door has to answer."""


@dataclass(frozen=True)
class Lines:
    """How the processes speak to whoever asked for the training.

    Attributes:
        said: Pairs of `on_progress`, `say` or `finished` and what is said, by the first process.
        refused: Why a run can't be, by any.
    """

    said: "Queue"
    refused: "Queue"


def run_on_cluster(
    wanted: "TrainRequest", workers: int, on_progress: "OnProgress", say: Callable[[str], None]
) -> "Finished":
    """Train on the cluster of `RAY_ADDRESS`, or in processes of this machine.

    Args:
        wanted: Which.
        workers: How many processes; the cluster's GPUs, or its cores, are shared out among them.
        on_progress: Told of a batch each second, and of the last one of each epoch.
        say: Given a line after each epoch, and warnings.

    Raises:
        SetupError: Ray is not installed, the cluster can't be reached or has too little, processes
            die again and again, or the run can't be, as in `app.training.run.train.run`.
    """
    try:
        import ray  # noqa: PLC0415 - an extra
        from ray.train import TrainingFailedError  # noqa: PLC0415
        from ray.util.queue import Queue  # noqa: PLC0415
    except ImportError as error:
        raise SetupError("Ray is not installed: `pip install 'taggram[ray]'`") from error
    _check_reachable(os.environ.get("RAY_ADDRESS", ""))
    try:
        ray.init(log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise SetupError(f"the Ray cluster can't be reached: {error}") from error
    try:
        lines = Lines(*(Queue(actor_options={"num_cpus": 0}) for _ in range(2)))
        with _heard(lines.said, on_progress, say) as finished:
            _train(wanted, workers, lines)
        if not lines.refused.empty():
            raise SetupError(lines.refused.get())
        return finished[0]
    except TrainingFailedError as error:
        raise SetupError(
            f"processes of the training died {RESTARTS + 1} times; the same command goes on where "
            f"it was: {error}"
        ) from error
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Knock at a cluster's door, as Ray would go on trying for a quarter of an hour and more."""
    remember(address)
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():  # none is named, or one that Ray is to find
        return
    try:
        socket.create_connection((host, int(port)), timeout=KNOCK_S).close()
    except OSError as error:
        raise SetupError(f"RAY_ADDRESS={address}: no Ray cluster answers there: {error}") from error


def _train(wanted: "TrainRequest", workers: int, lines: Lines) -> None:
    """Have Ray Train call `_work` in each process, until all have ended."""
    from ray.train import FailureConfig, RunConfig  # noqa: PLC0415
    from ray.train.tensorflow import TensorflowTrainer  # noqa: PLC0415

    wanted = _absolute(wanted)
    TensorflowTrainer(
        _work,
        train_loop_config={"wanted": wanted, "lines": lines},
        scaling_config=_shared_out(workers),
        run_config=RunConfig(
            storage_path=str(wanted.folder / "ray"),
            failure_config=FailureConfig(max_failures=RESTARTS),
        ),
    ).fit()


def _absolute(wanted: "TrainRequest") -> "TrainRequest":
    """With paths that hold in whichever folder a process runs."""
    from app.training.recipe.schema import recipe_names  # noqa: PLC0415

    is_file = wanted.recipe not in recipe_names()
    return replace(
        wanted,
        split=wanted.split.resolve(),
        audio_store=wanted.audio_store.resolve(),
        folder=wanted.folder.resolve(),
        recipe=str(Path(wanted.recipe).resolve()) if is_file else wanted.recipe,
    )


def _shared_out(workers: int) -> "ScalingConfig":
    """All GPUs of the cluster for so many processes, or all cores where it has fewer GPUs."""
    import ray  # noqa: PLC0415
    from ray.train import ScalingConfig  # noqa: PLC0415

    there = ray.cluster_resources()
    kind = "GPU" if there.get("GPU", 0) >= workers else "CPU"
    share = int(there.get(kind, 0)) // workers
    if not share:
        raise SetupError(
            f"{workers} processes are more than the cluster's {there.get('CPU', 0):.0f} cores"
        )
    return ScalingConfig(
        num_workers=workers,
        use_gpu=kind == "GPU",
        resources_per_worker={kind: share},
        placement_strategy="SPREAD",
    )


def _work(given: dict[str, object]) -> None:
    """What each process does; one that dies is begun anew with all others."""
    # Ray sets it for a Keras of old, which kapre would then look for.
    os.environ.pop("TF_USE_LEGACY_KERAS", None)
    from ray.train import get_context  # noqa: PLC0415

    from app.training.run.train import TrainRequest, run  # noqa: PLC0415

    wanted, lines = given["wanted"], given["lines"]
    assert isinstance(wanted, TrainRequest)  # noqa: S101 - for mypy, as Ray hands it on untyped
    assert isinstance(lines, Lines)  # noqa: S101
    if not lines.refused.empty():
        return
    leads = get_context().get_world_rank() == 0

    def tell(to: str, what: object) -> None:
        if leads:
            lines.said.put((to, what))

    try:
        on_progress = seldom(partial(tell, "watch"))
        tell("finished", run(wanted, on_progress, partial(tell, "say"), leads=leads))
    except SetupError as error:
        lines.refused.put(str(error))
        raise  # ends the others, who wait for this one


def seldom(on_progress: "OnProgress", clock: Callable[[], float] = time.monotonic) -> "OnProgress":
    """Pass on a step each second, and the last one of each epoch."""
    due = -math.inf

    def watch_some(step: "Step") -> None:
        nonlocal due
        if step.step == step.steps or clock() >= due:
            due = clock() + STEPS_EACH_S
            on_progress(step)

    return watch_some


@contextmanager
def _heard(
    said: "Queue", on_progress: "OnProgress", say: Callable[[str], None]
) -> Iterator[list["Finished"]]:
    """Pass on what is said, and gather what the run ended with."""
    from ray.util.queue import Empty  # noqa: PLC0415

    finished: list[Finished] = []
    hear: dict[str, Callable[..., None]] = {
        "watch": on_progress,
        "say": say,
        "finished": finished.append,
    }
    ended = threading.Event()

    def listen() -> None:
        while True:
            was_ended = ended.is_set()
            try:
                to, what = said.get(timeout=0.5)
            except Empty:
                if was_ended:
                    return
                continue
            hear[to](what)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield finished
    finally:
        ended.set()
        listener.join()
