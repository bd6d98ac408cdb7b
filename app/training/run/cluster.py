"""Train on several machines: processes of a Ray cluster that divide each batch.

Ray Train starts them, passes the addresses to TensorFlow, and restarts all when one dies; then the
run is resumed from its folder. All machines need the same version of Taggram, and the same files at
the same paths.
"""

import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import SetupError
from app.ray_cluster import connected

if TYPE_CHECKING:  # TensorFlow may only be imported in the processes, see `_work`
    from ray.train import ScalingConfig
    from ray.util.queue import Queue

    from app.training.loop.phase import OnProgress, Step
    from app.training.run.train import Finished, TrainRequest

RESTARTS = 3
"""The number of restarts after a process has died."""

STEPS_EACH_S = 1.0
"""Seconds between two progress messages: a message takes some milliseconds."""


@dataclass(frozen=True)
class Queues:
    """Messages of the processes to the command.

    Attributes:
        messages: Pairs of `progress`, `say` or `finished` and its argument, by the first process.
        errors: Messages of a `SetupError`, by any process.
    """

    messages: "Queue"
    errors: "Queue"


def run_on_cluster(
    request: "TrainRequest", workers: int, on_progress: "OnProgress", say: Callable[[str], None]
) -> "Finished":
    """Train on the cluster of `RAY_ADDRESS`, or in processes of this machine.

    Args:
        request: The options.
        workers: Number of processes; the cluster's GPUs, or its cores, are divided among them.
        on_progress: Called once a second, and after the last batch of each epoch.
        say: Called with a line after each epoch, and with warnings.

    Returns:
        The finished run.

    Raises:
        SetupError: Ray is not installed, the cluster can't be reached or is too small, processes
            die repeatedly, or for the reasons of `app.training.run.train.run`.
    """
    with connected(None):
        from ray.train import TrainingFailedError  # noqa: PLC0415
        from ray.util.queue import Queue  # noqa: PLC0415

        try:
            queues = Queues(*(Queue(actor_options={"num_cpus": 0}) for _ in range(2)))
            with _forwarded(queues.messages, on_progress, say) as finished:
                _train(request, workers, queues)
        except TrainingFailedError as error:
            raise SetupError(
                f"processes of the training died {RESTARTS + 1} times; run the same command again "
                f"to resume: {error}"
            ) from error
        if not queues.errors.empty():
            raise SetupError(queues.errors.get())
        return finished[0]


def _train(request: "TrainRequest", workers: int, queues: Queues) -> None:
    """Have Ray Train call `_work` in each process, until all have ended."""
    from ray.train import FailureConfig, RunConfig  # noqa: PLC0415
    from ray.train.tensorflow import TensorflowTrainer  # noqa: PLC0415

    request = _absolute(request)
    TensorflowTrainer(
        _work,
        train_loop_config={"request": request, "queues": queues},
        scaling_config=_scaling(workers),
        run_config=RunConfig(
            storage_path=str(request.folder / "ray"),
            failure_config=FailureConfig(max_failures=RESTARTS),
        ),
    ).fit()


def _absolute(request: "TrainRequest") -> "TrainRequest":
    """Return the request with absolute paths, as processes run in another folder."""
    from app.training.recipe.schema import recipe_names  # noqa: PLC0415

    is_file = request.recipe not in recipe_names()
    initial = request.initial
    if initial and Path(initial).is_dir():
        initial = str(Path(initial).resolve())
    return replace(
        request,
        split=request.split.resolve(),
        audio_store=request.audio_store.resolve(),
        folder=request.folder.resolve(),
        recipe=str(Path(request.recipe).resolve()) if is_file else request.recipe,
        initial=initial,
        models=request.models if "://" in request.models else str(Path(request.models).resolve()),
    )


def _scaling(workers: int) -> "ScalingConfig":
    """Divide the GPUs of the cluster among the processes, or its cores if it has fewer GPUs."""
    import ray  # noqa: PLC0415
    from ray.train import ScalingConfig  # noqa: PLC0415

    resources = ray.cluster_resources()
    kind = "GPU" if resources.get("GPU", 0) >= workers else "CPU"
    share = int(resources.get(kind, 0)) // workers
    if not share:
        raise SetupError(
            f"--workers: {workers} processes are more than the cluster's "
            f"{resources.get('CPU', 0):.0f} cores"
        )
    return ScalingConfig(
        num_workers=workers,
        use_gpu=kind == "GPU",
        resources_per_worker={kind: share},
        placement_strategy="SPREAD",
    )


def _work(given: dict[str, object]) -> None:
    """Train in one process; if it dies, all are restarted."""
    # Ray sets it for old versions of Keras, which kapre would then import.
    os.environ.pop("TF_USE_LEGACY_KERAS", None)
    from ray.train import get_context  # noqa: PLC0415

    from app.training.run.train import TrainRequest, run  # noqa: PLC0415

    request, queues = given["request"], given["queues"]
    assert isinstance(request, TrainRequest)  # noqa: S101 - for mypy: its type is lost
    assert isinstance(queues, Queues)  # noqa: S101
    if not queues.errors.empty():
        return
    leads = get_context().get_world_rank() == 0

    def send(kind: str, argument: object) -> None:
        if leads:
            queues.messages.put((kind, argument))

    try:
        on_progress = throttled(partial(send, "progress"))
        send("finished", run(request, on_progress, partial(send, "say"), leads=leads))
    except SetupError as error:
        queues.errors.put(str(error))
        raise  # ends the other processes, which wait for this one


def throttled(
    on_progress: "OnProgress", clock: Callable[[], float] = time.monotonic
) -> "OnProgress":
    """Limit a callback to one call a second, and to the last step of each epoch.

    Args:
        on_progress: The callback.
        clock: Returns the time in seconds.
    """
    due = -math.inf

    def forward(step: "Step") -> None:
        nonlocal due
        if step.step == step.steps or clock() >= due:
            due = clock() + STEPS_EACH_S
            on_progress(step)

    return forward


@contextmanager
def _forwarded(
    messages: "Queue", on_progress: "OnProgress", say: Callable[[str], None]
) -> Iterator[list["Finished"]]:
    """Forward messages to the callbacks, and collect the run's result."""
    from ray.util.queue import Empty  # noqa: PLC0415

    finished: list[Finished] = []
    callbacks: dict[str, Callable[..., None]] = {
        "progress": on_progress,
        "say": say,
        "finished": finished.append,
    }
    ended = threading.Event()

    def forward() -> None:
        while True:
            was_ended = ended.is_set()
            try:
                kind, argument = messages.get(timeout=0.5)
            except Empty:
                if was_ended:
                    return
                continue
            callbacks[kind](argument)

    thread = threading.Thread(target=forward, daemon=True)
    thread.start()
    try:
        yield finished
    finally:
        ended.set()
        thread.join()
