"""`taggram train`: read the split and the audio store, train, and publish the model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path

from app.datasets.audio.audio_store import AudioStore
from app.datasets.splits.subset import take_subset
from app.datasets.tables import read_split
from app.datasets.tracks import Split, Subset
from app.errors import SetupError
from app.models import architectures
from app.store.manifest.tables import validate
from app.store.registry.publishing import publish
from app.store.storage.store import Store
from app.training.loop.checkpoint import Row
from app.training.loop.phase import OnProgress
from app.training.recipe.schema import Recipe, read_recipe
from app.training.run import trackers
from app.training.run.initial_model import (
    InitialModel,
    check_initial_weights,
    describe_start,
    read_initial_model,
    start_from,
)
from app.training.run.publishing import MODEL, base_rates_of, describe_trained
from app.training.run.recipe_run import Job, Trained, train


@dataclass(frozen=True)
class TrainRequest:
    """The options of `taggram train`.

    Attributes:
        subset: The share of the split to train with.
        initial: The model to start from, of the store `models`; None to start from nothing.
        more_audio: For a sweep, audio stores of other sample rates or numbers of channels.
    """

    split: Path
    audio_store: Path
    folder: Path
    recipe: str
    architecture: str | None
    seed: int
    mlflow: str | None
    subset: float = 1.0
    initial: str | None = None
    models: str = ""
    more_audio: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Finished:
    """A finished run.

    Attributes:
        name: The model's name.
        missing: Ids of tracks that the audio store lacks.
    """

    name: str
    missing: tuple[str, ...]


def run(
    request: TrainRequest,
    on_progress: OnProgress,
    say: Callable[[str], None],
    *,
    leads: bool = True,
) -> Finished:
    """Train, or resume a run.

    Args:
        request: The options.
        on_progress: Called after each batch.
        say: Called with a line after each epoch, and with warnings.
        leads: Whether this process, of all of the training, publishes the model.

    Returns:
        The finished run.

    Raises:
        SetupError: A file is invalid or inconsistent with another one, or can't be written.
    """
    split, initial = read_split_of(request), _initial(request)
    recipe = _recipe(request, initial)
    if request.initial and initial:
        say(describe_start(initial, request.initial, split))
    records = [trackers.tensorboard(request.folder / "tensorboard"), _lines(say)]
    if request.mlflow and leads:
        parameters = {"recipe": recipe.name, "split": split.name, "seed": request.seed}
        parameters |= {"from": str(initial.manifest.ref)} if initial else {}
        records.append(trackers.mlflow(request.mlflow, request.folder, parameters))

    def record(rows: Sequence[Row]) -> None:
        for each in records:
            each(rows)

    store = AudioStore.open(request.audio_store)
    job = Job(recipe, split, store, request.folder, request.seed, on_progress, record, say, initial)
    trained = train(job)
    name = f"{split.task}-{trained.phase.architecture}".replace("_", "-")
    models = Store(str(request.folder / MODEL))
    if leads and not models.refs():
        _publish(models, name, job, trained)
    return Finished(name, trained.missing)


def replace_architecture(recipe: Recipe, architecture: str | None) -> Recipe:
    """Return a recipe with another architecture, which keeps the arguments that it has too.

    Raises:
        SetupError: The recipe has several phases, or the architecture does not exist.
    """
    if architecture is None:
        return recipe
    if len(recipe.phases) > 1:
        raise SetupError(
            f"--architecture: the recipe {recipe.name!r} has several phases; it needs one phase"
        )
    own = architectures().get(architecture)
    accepted = signature(own.network).parameters if own else {}
    phase = recipe.phases[0].model_dump()
    phase["architecture"] = architecture
    phase["arguments"] = {
        name: value for name, value in phase["arguments"].items() if name in accepted
    }
    return validate(Recipe, {**recipe.model_dump(), "phases": (phase,)}, "--architecture")


def read_split_of(request: TrainRequest) -> Split:
    """Return the split to train with.

    Raises:
        SetupError: The table can't be read, or the share is not valid.
    """
    return take_subset(read_split(request.split), request.subset, request.seed)


def _publish(models: Store, name: str, job: Job, trained: Trained) -> None:
    recipe, split, missing = job.recipe, job.split, set(trained.missing)
    used = [each for each in split.part(Subset.TRAIN) if each.track.id not in missing]
    spec = describe_trained(
        name=name,
        summary=f"{trained.phase.architecture} by the recipe {recipe.name}: {recipe.summary}",
        architecture=trained.phase.architecture,
        arguments=trained.phase.arguments,
        window_spec=trained.window_spec,
        tags=split.tags,
        family=name,
        vocabulary=split.task,
        base_rates=base_rates_of(split.tags, used),
        fine_tuned_from=job.initial.origin if job.initial else None,
    )
    publish(models, spec, trained.weights)


def _initial(request: TrainRequest) -> InitialModel | None:
    if request.initial is None:
        return None
    if request.architecture is not None:
        raise SetupError("--architecture and --from: the model has its own; leave one out")
    return read_initial_model(request.initial, request.models)


def _recipe(request: TrainRequest, initial: InitialModel | None) -> Recipe:
    recipe = read_recipe(request.recipe)
    if initial:
        return start_from(recipe, initial)
    check_initial_weights(recipe)
    return replace_architecture(recipe, request.architecture)


def _lines(say: Callable[[str], None]) -> trackers.Record:
    def record(rows: Sequence[Row]) -> None:
        row = rows[-1]
        figures = ", ".join(
            f"{name.replace('_', ' ')} {float(value):.4f}"
            for name, value in row.items()
            if "loss" in name or "auc" in name
        )
        say(f"{row['phase']}, epoch {row['epoch']}: {figures}")

    return record
