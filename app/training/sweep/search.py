"""Search over the combinations of a sweep: trials in processes, rung after rung, resumable.

    sweep.json              the sweep, recipe, data and seed; another one is refused
    trials/<rung>-<number>  the folder of a trial, which is a run: see `app.training.sweep.trial`
    sweep.csv|png           the table of all combinations, and quality against cost
    best.yaml               the recipe of the best one, for `taggram train --recipe`

Trials are plain processes, not Ray's: a run resumes from its folder already, a rung is a loop, and
Ray is an extra that most do not install. So a sweep uses the devices of one machine.
"""

import os
import queue
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from app.datasets.audio.audio_store import AudioStore, choose_store
from app.datasets.splits.subset import check_share
from app.datasets.tables import read_split
from app.datasets.tracks import Split
from app.errors import SetupError
from app.files import locked_folder, write_atomically
from app.paths import read_file, resolve_inside
from app.store.manifest.tables import Table
from app.training.loop.networks import check, window_spec_of
from app.training.loop.replicas import leave_gpus
from app.training.recipe.schema import Recipe, read_recipe
from app.training.run.train import TrainRequest, replace_architecture
from app.training.sweep import trial as trials
from app.training.sweep.plan import Candidate, Sweep, combine, read_sweep, shorten
from app.training.sweep.ranking import Ranked, Trial, best_first, rank, write_ranking
from app.training.sweep.stores import fingerprint_of, open_stores
from app.training.sweep.trial import TrialResult

CONFIGURATION, BEST, FOLDER = "sweep.json", "best.yaml", "trials"

LARGEST_CONFIGURATION = 2**22
"""In bytes."""

VISIBLE = "CUDA_VISIBLE_DEVICES"
SHARE_MEMORY = "TF_FORCE_GPU_ALLOW_GROWTH"
"""Has TensorFlow take only the memory that it needs, as several trials may share a GPU."""

OnTrial = Callable[[Trial, int, int], None]
"""Called after each trial with it, the number of ended trials of its rung, and of all of them."""


class Configuration(Table):
    """Everything that determines a sweep."""

    sweep: Sweep
    recipe: Recipe
    split: str
    audio: str
    seed: int
    subset: float


@dataclass(frozen=True)
class Rung:
    """Trials on the same tracks.

    Attributes:
        number: From 1.
        share: The share of the tracks.
        candidates: The combinations.
    """

    number: int
    share: float
    candidates: Sequence[Candidate]


def search(file: Path, request: TrainRequest, jobs: int | None, on_trial: OnTrial) -> list[Ranked]:
    """Run a sweep, or resume it.

    Args:
        file: The file of the sweep.
        request: The options of the trials; `subset` is the share of the first rung, and `folder`
            that of the sweep. Each trial takes the audio store that fits its front end.
        jobs: The trials at a time; by default one for each GPU, or one.
        on_trial: Called after each trial.

    Returns:
        The ranking.

    Raises:
        SetupError: A file is not valid, a network can't take one of the front ends, the folder has
            another sweep, or all trials failed.
    """
    sweep = read_sweep(file)
    recipe = replace_architecture(read_recipe(request.recipe), request.architecture)
    candidates = combine(sweep, recipe, str(file))
    gpus = leave_gpus()
    check_share(request.subset)
    split = read_split(request.split)
    stores = open_stores((request.audio_store, *request.more_audio), split)
    audio = _check(candidates, split, stores, file)
    with locked_folder(request.folder):
        wanted = Configuration(
            sweep=sweep,
            recipe=recipe,
            split=split.fingerprint,
            audio=fingerprint_of(stores),
            seed=request.seed,
            subset=request.subset,
        )
        _claim(request.folder, wanted)
        done: list[Trial] = []
        with _pool(_devices(gpus, jobs), audio) as run:
            rung: Rung | None = Rung(1, request.subset, candidates)
            while rung:
                ended = run(request, rung, sweep.epochs, on_trial)
                own = sorted(ended, key=lambda trial: trial.candidate.number)
                done += own
                rung = _next(rung, own, sweep)
        ranked = rank(done, sweep.metric)
        write_ranking(request.folder, ranked, sweep.metric)
    best = ranked[0].trial
    if best.result.error is not None:
        raise SetupError(f"all trials failed; the first one: {best.result.error}")
    _write_recipe(request.folder / BEST, best.candidate.recipe)
    return ranked


def _check(
    candidates: Sequence[Candidate], split: Split, stores: Sequence[AudioStore], file: Path
) -> Mapping[int, Path]:
    """Check before any training that all networks can be built; equal ones are built once.

    Returns:
        By the number of each candidate, the audio store that it takes.
    """
    checked, audio = set(), {}
    for candidate in candidates:
        (phase,) = candidate.recipe.phases
        network = (phase.architecture, repr(phase.arguments), phase.front_end, phase.window_s)
        try:
            store = choose_store(stores, window_spec_of(phase).front, phase.architecture)
            if network not in checked:
                check(phase, len(split.tags))
        except SetupError as error:
            raise SetupError(f"{file}: {candidate.title}: {error}") from error
        checked.add(network)
        audio[candidate.number] = store.folder
    return audio


def _next(rung: Rung, own: Sequence[Trial], sweep: Sweep) -> Rung | None:
    """Return the next rung of successive halving, if there is one."""
    known = [trial for trial in best_first(own, sweep.metric) if trial.result.error is None]
    left = len(rung.candidates) // sweep.keep
    if sweep.search == "grid" or rung.share == 1 or min(left, len(known)) < 2:  # noqa: PLR2004
        return None
    share = min(1.0, rung.share * sweep.keep)
    return Rung(rung.number + 1, share, [trial.candidate for trial in known[:left]])


Run = Callable[[TrainRequest, Rung, int | None, OnTrial], Iterator[Trial]]


@contextmanager
def _pool(devices: Sequence[str | None], audio: Mapping[int, Path]) -> Iterator[Run]:
    """Yield a function that runs the trials of a rung, each on a device of its own.

    Args:
        devices: The devices.
        audio: By the number of each candidate, its audio store.
    """
    free: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    for device in devices:
        free.put(device)
    running: set[subprocess.Popen[bytes]] = set()
    executor = ThreadPoolExecutor(len(devices))

    def one(request: TrainRequest) -> TrialResult:
        device = free.get()
        try:
            return run_trial(request, device, running)
        finally:
            free.put(device)

    def run(
        request: TrainRequest, rung: Rung, epochs: int | None, on_trial: OnTrial
    ) -> Iterator[Trial]:
        waiting = {
            executor.submit(one, _prepared(own, rung, candidate, epochs)): candidate
            for candidate in rung.candidates
            for own in (replace(request, audio_store=audio[candidate.number], more_audio=()),)
        }
        for count, future in enumerate(as_completed(waiting), 1):
            trial = Trial(waiting[future], rung.number, rung.share, future.result())
            on_trial(trial, count, len(waiting))
            yield trial

    try:
        yield run
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
        for process in list(running):
            process.terminate()
        executor.shutdown()


def _prepared(
    request: TrainRequest, rung: Rung, candidate: Candidate, epochs: int | None
) -> TrainRequest:
    """Write the files of a trial, and return its options."""
    name = f"{FOLDER}/{rung.number}-{candidate.number:03}/_"
    folder = resolve_inside(request.folder, name).parent.absolute()
    own = replace(
        request,
        split=request.split.absolute(),
        audio_store=request.audio_store.absolute(),
        folder=folder,
        recipe=str(folder / trials.RECIPE),
        architecture=None,
        subset=rung.share,
    )
    _write_recipe(folder / trials.RECIPE, shorten(candidate.recipe, epochs))
    trials.write_request(own)
    return own


def run_trial(
    request: TrainRequest, device: str | None, running: set[subprocess.Popen[bytes]]
) -> TrialResult:
    """Run a trial in a process, unless it has ended before.

    A trial whose process died has no result in its folder, so that it is run again on resumption.

    Args:
        request: Its options.
        device: Its GPU; None for the CPU.
        running: The processes that run, to which its own is added while it runs.

    Returns:
        Its result, or the reason why it has none.
    """
    if known := trials.read_result(request.folder):
        return known
    visible = {} if device is None else {VISIBLE: device, SHARE_MEMORY: "true"}
    command = [sys.executable, "-m", trials.__name__, str(request.folder)]
    with (request.folder / trials.LOG).open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=subprocess.PIPE, stdout=log, stderr=log, env={**os.environ, **visible}
        )
        running.add(process)
        with process:
            status = process.wait()
        running.discard(process)
    return trials.read_result(request.folder) or TrialResult(
        error=f"its process ended with status {status}; see {request.folder / trials.LOG}"
    )


def _devices(gpus: int, jobs: int | None) -> list[str | None]:
    """Return the device of each trial at a time: GPUs in turn, else all share the CPUs."""
    named = os.environ.get(VISIBLE)
    names = named.split(",")[:gpus] if named else [str(number) for number in range(gpus)]
    count = jobs or max(1, gpus)
    return [names[number % gpus] if gpus else None for number in range(count)]


def _claim(folder: Path, wanted: Configuration) -> None:
    """Write the configuration of a sweep, or compare it with the one in the folder."""
    path = folder / CONFIGURATION
    if not path.exists():
        write_atomically(path, wanted.model_dump_json(indent=1).encode())
        return
    try:
        saved = Configuration.model_validate_json(read_file(path, LARGEST_CONFIGURATION))
    except (OSError, ValueError) as error:
        raise SetupError(f"{path}: not the file of a sweep; choose a new folder") from error
    differing = [
        name for name in Configuration.model_fields if getattr(saved, name) != getattr(wanted, name)
    ]
    if differing:
        raise SetupError(
            f"{folder}: it has a sweep with another {', '.join(differing)}; choose a new folder"
        )


def _write_recipe(path: Path, recipe: Recipe) -> None:
    text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)
    write_atomically(path, text.encode())
