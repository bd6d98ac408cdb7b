"""A training from a recipe to a model, in a folder that says all about it.

    run.yaml          the recipe as it was resolved, seed, fingerprints of data and code
    code.json         SHA-256 of each file of the code that it began with
    curves.csv|png    loss, ROC-AUC, PR-AUC of each epoch
    phases/<name>/    where each phase stands, its best weights, its teacher's scores
    tensorboard/      the same curves for TensorBoard
    mlflow-key        finds the run in MLflow, where it logs there
    model/            a model store with the one model, which `taggram evaluate` hears

A run that was stopped goes on where it was; one with another configuration is refused. Where only
the code has changed, it goes on with a warning that names the files.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras

from app.datasets.audio.audio_store import AudioStore
from app.datasets.splits.leaks import check_leaks
from app.datasets.tracks import Split
from app.errors import SetupError
from app.front_ends import WindowSpec
from app.paths import resolve_inside
from app.training.data.inputs import SplitAudio, corpus, material
from app.training.data.pseudo_labels import PseudoLabels, Teacher, pseudo_labels
from app.training.loop import networks
from app.training.loop.checkpoint import Row, load_weights, read_schedule_state, save_weights
from app.training.loop.phase import STATE, OnProgress, fit
from app.training.loop.replicas import by_one, strategy
from app.training.recipe.configuration import claim, compare, configuration
from app.training.recipe.schema import Phase, Recipe
from app.training.run.curve_files import draw_curves, write_curves

WEIGHTS = "weights.safetensors"


@dataclass(frozen=True, eq=False)
class Job:
    """What to train, and where.

    Attributes:
        recipe: How.
        split: Of which tracks.
        store: Their audio.
        folder: The run's.
        seed: Of weights, crops, order and augmentation.
        on_progress: Told after each batch.
        record: Told after each epoch, with all figures so far.
        warn: Given a line where a run is resumed with other code than it began with.
    """

    recipe: Recipe
    split: Split
    store: AudioStore
    folder: Path
    seed: int
    on_progress: OnProgress
    record: Callable[[Sequence[Row]], None]
    warn: Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Trained:
    """What a run ends with.

    Attributes:
        phase: The last one.
        window_spec: What the model hears at a time.
        weights: The model's, by path.
        missing: Ids of tracks that the audio store has not.
    """

    phase: Phase
    window_spec: WindowSpec
    weights: networks.Weights
    missing: tuple[str, ...]


def train(job: Job) -> Trained:
    """Train, or go on.

    Raises:
        SetupError: The split leaks, the audio does not fit, the folder holds another run, or the
            loss is no number any more.
    """
    check_leaks(job.split, job.store.digests)
    for phase in job.recipe.phases:
        _check_rate(phase, job.store)
    found = corpus(job.split, job.store)
    wanted = configuration(job.recipe, job.split, job.store, job.seed)
    done: dict[str, networks.Weights] = {}
    rows: list[Row] = []
    with strategy().scope(), _policy(job.recipe.precision):
        by_one(partial(claim, job.folder, wanted))
        if warning := compare(job.folder, wanted):
            job.warn(warning)
        for phase in job.recipe.phases:
            done[phase.name] = _phase(job, phase, found, done, rows)
            if rows:
                by_one(partial(draw_curves, job.folder, rows))
    last = job.recipe.phases[-1]
    return Trained(last, networks.window_spec_of(last), done[last.name], found.missing)


def phase_folder(run: Path, phase: str) -> Path:
    """Return where a phase leaves its weights, and deletes older ones.

    Raises:
        SetupError: A link leads it out of the run's folder, which may come from elsewhere.
    """
    return resolve_inside(run, f"phases/{phase}/_").parent


def _phase(
    job: Job,
    phase: Phase,
    found: SplitAudio,
    done: Mapping[str, networks.Weights],
    rows: list[Row],
) -> networks.Weights:
    """Train a phase, or read what it left; `rows` get its figures."""
    folder = phase_folder(job.folder, phase.name)
    if not (folder / WEIGHTS).exists():
        keras.utils.set_random_seed(job.seed)
        built = networks.build(phase, len(found.tags))
        for taken in phase.takes:
            networks.take(built, done[taken.phase], taken)
        if phase.stages:
            pseudo = _pseudo(job, phase, found, done)
            learning = material(phase, built.window_spec.window_samples, found, job.seed, pseudo)
            record = partial(_record, job, tuple(rows))
            fit(
                phase,
                built,
                learning,
                folder,
                seed=job.seed,
                on_progress=job.on_progress,
                record=record,
            )
        by_one(lambda: save_weights(folder / WEIGHTS, built.weights()))
    schedule_state = read_schedule_state(folder / STATE)
    rows += schedule_state[1] if schedule_state else []
    return load_weights(folder / WEIGHTS)


def _pseudo(
    job: Job, phase: Phase, found: SplitAudio, done: Mapping[str, networks.Weights]
) -> PseudoLabels | None:
    if phase.teacher is None:
        return None
    if not found.unlabelled:
        raise SetupError(
            f"phase {phase.name!r} learns from a teacher, but no track of the split is unlabelled"
        )
    taught = next(each for each in job.recipe.phases if each.name == phase.teacher)
    teacher = networks.build(taught, len(found.tags))
    window = teacher.window_spec.window_samples
    if window != networks.window_spec_of(phase).window_samples:
        raise SetupError(f"phase {phase.name!r} hears other windows than {phase.teacher!r}")
    teacher.assign(done[phase.teacher])
    ids = [each.track.id for each in found.unlabelled]
    folder = job.folder / "phases" / phase.name / "pseudo-labels"
    scoring = Teacher(taught, teacher.training_model, done[phase.teacher], window)
    return pseudo_labels(scoring, job.store, ids, folder)


def _record(job: Job, earlier: Sequence[Row], rows: Sequence[Row]) -> None:
    def write() -> None:
        write_curves(job.folder, [*earlier, *rows])
        job.record([*earlier, *rows])

    by_one(write)


def _check_rate(phase: Phase, store: AudioStore) -> None:
    wanted = networks.window_spec_of(phase).front.sample_rate
    if wanted != store.sample_rate:
        raise SetupError(
            f"{phase.architecture} hears {wanted} Hz, the audio store holds {store.sample_rate}; "
            f"make one with `taggram data store --sample-rate {wanted}`"
        )


@contextmanager
def _policy(name: str) -> Iterator[None]:
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(previous)
