"""Run a recipe in a folder, which documents the run.

    run.yaml          the resolved recipe, seed, fingerprints of data and code
    code.json         SHA-256 of each source file when the run began
    curves.csv|png    loss, ROC-AUC, PR-AUC of each epoch
    phases/<name>/    each phase's state, best weights, and teacher's scores
    tensorboard/      the same curves for TensorBoard
    mlflow-key        the key of the run in MLflow, if it logs there
    model/            a model store with the model, which `taggram evaluate` reads

A stopped run is resumed; a run with another configuration is refused. If only the code has changed,
the run is resumed with a warning that names the files.
"""

from collections.abc import Callable, Mapping, Sequence
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
from app.store.registry.loading import dtype_policy
from app.training.data.inputs import SplitAudio, read_split_audio, training_inputs
from app.training.data.pseudo_labels import PseudoLabels, Teacher, pseudo_labels
from app.training.loop import networks
from app.training.loop.checkpoint import Row, load_weights, read_schedule_state, save_weights
from app.training.loop.phase import STATE, OnProgress, fit
from app.training.loop.replicas import by_one, strategy
from app.training.recipe.configuration import claim, compare, configuration
from app.training.recipe.schema import Phase, Recipe, Skew
from app.training.run.curve_files import draw_curves, write_curves
from app.training.run.initial_model import InitialModel, set_initial_weights

WEIGHTS = "weights.safetensors"


@dataclass(frozen=True, eq=False)
class Job:
    """The recipe, data and folder of a run.

    Attributes:
        recipe: The recipe.
        split: The tracks and their parts.
        store: Their audio.
        folder: The run's folder.
        seed: Of weights, crops, order and augmentation.
        on_progress: Called after each batch.
        record: Called after each epoch with all figures so far.
        warn: Called with a line if the code has changed since the run began.
        initial: The model that the first phase starts from, instead of random weights.
    """

    recipe: Recipe
    split: Split
    store: AudioStore
    folder: Path
    seed: int
    on_progress: OnProgress
    record: Callable[[Sequence[Row]], None]
    warn: Callable[[str], None]
    initial: InitialModel | None = None


@dataclass(frozen=True, eq=False)
class Trained:
    """The result of a run.

    Attributes:
        phase: The last phase.
        window_spec: The model's window.
        weights: The model's weights, by path.
        missing: Ids of tracks that the audio store lacks.
    """

    phase: Phase
    window_spec: WindowSpec
    weights: networks.Weights
    missing: tuple[str, ...]


def train(job: Job) -> Trained:
    """Train, or resume a run.

    Returns:
        The last phase, its window, and the weights of its network.

    Raises:
        SetupError: The split leaks, the audio does not fit a front end, the folder has another run,
            or the loss is not finite.
    """
    check_leaks(job.split, job.store.digests)
    for phase in job.recipe.phases:
        job.store.check_fits(networks.window_spec_of(phase).front, phase.architecture)
    audio = read_split_audio(job.split, job.store)
    origin = job.initial.origin if job.initial else None
    config = configuration(job.recipe, job.split, job.store, job.seed, origin)
    done: dict[str, networks.Weights] = {}
    rows: list[Row] = []
    with strategy().scope(), dtype_policy(job.recipe.precision):
        by_one(partial(claim, job.folder, config))
        if warning := compare(job.folder, config):
            job.warn(warning)
        for phase in job.recipe.phases:
            done[phase.name] = _phase(job, phase, audio, done, rows)
            if rows:
                # A run that was killed after its last checkpoint lacks the curves of that epoch.
                by_one(partial(write_curves, job.folder, tuple(rows)))
                by_one(partial(draw_curves, job.folder, rows))
    last = job.recipe.phases[-1]
    return Trained(last, networks.window_spec_of(last), done[last.name], audio.missing)


def phase_folder(run: Path, phase: str) -> Path:
    """Return the folder of a phase, for writing and deleting.

    Raises:
        SetupError: A link leads out of the run's folder, which is not trusted.
    """
    return resolve_inside(run, f"phases/{phase}/_").parent


def _phase(
    job: Job,
    phase: Phase,
    audio: SplitAudio,
    done: Mapping[str, networks.Weights],
    rows: list[Row],
) -> networks.Weights:
    """Train a phase, or read its weights; add its figures to `rows`."""
    folder = phase_folder(job.folder, phase.name)
    if not (folder / WEIGHTS).exists():
        keras.utils.set_random_seed(job.seed)
        built = networks.build(phase, len(audio.tags))
        if job.initial and not done:
            set_initial_weights(built, job.initial, audio.tags)
        for source in phase.takes:
            networks.transfer(built, done[source.phase], source)
        if phase.stages:
            pseudo = _pseudo(job, phase, audio, done)
            inputs = training_inputs(
                phase, built.window_spec.window_samples, audio, job.seed, pseudo
            )
            record = partial(_record, job, tuple(rows))
            fit(
                phase,
                built,
                inputs,
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
    job: Job, phase: Phase, audio: SplitAudio, done: Mapping[str, networks.Weights]
) -> PseudoLabels | None:
    if phase.teacher is None:
        return None
    if not audio.unlabelled:
        raise SetupError(
            f"phase {phase.name!r} has a teacher, but the split has no unlabelled tracks"
        )
    teacher_phase = next(each for each in job.recipe.phases if each.name == phase.teacher)
    # Without skew, as its network then takes waveforms alone.
    plain = teacher_phase.model_copy(update={"skew": Skew()})
    teacher = networks.build(plain, len(audio.tags))
    window = teacher.window_spec.window_samples
    if window != networks.window_spec_of(phase).window_samples:
        raise SetupError(
            f"phase {phase.name!r} and its teacher {phase.teacher!r} have different windows"
        )
    teacher.assign(done[phase.teacher])
    ids = [each.track.id for each in audio.unlabelled]
    folder = job.folder / "phases" / phase.name / "pseudo-labels"
    scoring = Teacher(teacher_phase, teacher.training_model, done[phase.teacher], window)
    return pseudo_labels(scoring, job.store, ids, folder)


def _record(job: Job, earlier: Sequence[Row], rows: Sequence[Row]) -> None:
    def write() -> None:
        write_curves(job.folder, [*earlier, *rows])
        job.record([*earlier, *rows])

    by_one(write)
