"""The published model that a run starts from: `taggram train --from`.

Its weights are the initial ones of a network with a new last layer, for the split's tags. In that
layer a tag that the model has too keeps its weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.datasets.tracks import Split
from app.errors import SetupError
from app.models import architectures, variables
from app.store.manifest.front_end_words import front_end_words
from app.store.manifest.manifest import Manifest, manifests
from app.store.manifest.source import FineTunedFrom
from app.store.manifest.tables import validate
from app.store.registry.aliases import resolve
from app.store.registry.weights import read_weights
from app.store.storage.store import Store
from app.training.loop.networks import Built, Weights
from app.training.recipe.configuration import CONFIGURATION, read_configuration
from app.training.recipe.schema import Phase, Recipe
from app.training.run.publishing import MODEL

RECIPE = "fine-tune"
"""The default recipe of runs that start from a model."""

PROBE, ENCODER, HEAD = "embedding_probe", "encoder/", "head/"
"""The architecture of models of `taggram teach`, and the prefixes of its weights."""

LAST = "tags/"
"""The prefix of the weights of the last layer."""


@dataclass(frozen=True, eq=False)
class InitialModel:
    """A model that can be trained further.

    Attributes:
        manifest: Its manifest.
        architecture: The network; of a model of `taggram teach`, its encoder.
        arguments: The network's arguments.
        weights: The network's weights by path, each of the shape of its variable.
    """

    manifest: Manifest
    architecture: str
    arguments: Mapping[str, object]
    weights: Weights

    @property
    def origin(self) -> FineTunedFrom:
        """The model and its terms, for the manifest of the new model."""
        source = self.manifest.source
        return FineTunedFrom(
            model=str(self.manifest.ref),
            weights_sha256=self.manifest.weights.sha256,
            description=source.description,
            licence=source.licence,
            commercial_use=source.commercial_use,
            trained_on=source.trained_on,
            data_terms=source.data_terms,
            citation=source.citation,
        )


def read_initial_model(wanted: str, store_url: str) -> InitialModel:
    """Read a model with its weights.

    Args:
        wanted: `name`, `name/version` or `name/alias`, or the folder of a run.
        store_url: The model store, unless it is the folder of a run.

    Raises:
        SetupError: The model does not exist, its weights are missing or altered, or it is not a
            network that can be trained.
    """
    manifest, store = _find(wanted, store_url)
    name, arguments = manifest.architecture.name, _table(manifest.architecture.arguments)
    if manifest.network is not None:
        raise SetupError(
            f"--from: {manifest.ref} is a network of another project, imported from "
            f"{manifest.network.format}, which can't be trained; "
            "`taggram teach` trains a last layer on such networks"
        )
    weights = read_weights(store, manifest)
    if name == PROBE:
        name, arguments = str(arguments.get("encoder")), _table(arguments.get("arguments"))
        weights = _without_probe(weights)
    if name not in architectures() or f"{LAST}kernel" not in weights:
        raise SetupError(
            f"--from: {manifest.ref} has the architecture {manifest.architecture.name}, in which "
            "no last layer can be replaced; choose a model of a single network"
        )
    return InitialModel(manifest, name, arguments, weights)


def start_from(recipe: Recipe, initial: InitialModel) -> Recipe:
    """Return a recipe for the network of a model.

    Raises:
        SetupError: The recipe has several phases, or its front end is not that of the model.
    """
    if len(recipe.phases) > 1:
        raise SetupError(
            f"--from: the recipe {recipe.name!r} has several phases; it needs one phase, such as "
            f"that of {RECIPE!r}"
        )
    phase = recipe.phases[0]
    _check_front_end(phase, initial.manifest)
    own = phase.arguments if phase.architecture == initial.architecture else {}
    spec = initial.manifest.window_spec
    values = phase.model_dump() | {
        "architecture": initial.architecture,
        "arguments": {**initial.arguments, **own},
        "front_end": spec.front,
        "window_s": phase.window_s or spec.window_samples / spec.front.sample_rate,
        "crops": {**phase.crops.model_dump(), "short_track": spec.short_track},
    }
    return validate(Recipe, {**recipe.model_dump(), "phases": (values,)}, "--from")


def check_initial_weights(recipe: Recipe) -> None:
    """Check that a recipe without an initial model does not keep layers as they are initially.

    Raises:
        SetupError: It does, and the initial weights are random.
    """
    for phase in recipe.phases:
        releases = any(stage.release.needs_initial_weights for stage in phase.stages)
        if releases and not phase.takes:
            raise SetupError(
                f"the recipe {recipe.name!r} releases layers step by step (`release` in phase "
                f"{phase.name!r}), but their initial weights are random; add --from MODEL"
            )


def set_initial_weights(built: Built, initial: InitialModel, tags: Sequence[str]) -> None:
    """Set a network's weights to those of a model.

    Args:
        built: The network.
        initial: The model.
        tags: The tags of the network, in the order of its outputs.

    Raises:
        SetupError: The network has weights that the model lacks, or has in other shapes.
    """
    shared = _shared_tags(initial.manifest.tags.names, tags)
    for path, variable in variables(built.scoring).items():
        array, own = initial.weights.get(path), np.asarray(variable.numpy())
        if array is not None and path.startswith(LAST):
            own = own.copy()
            own[..., list(shared)] = array[..., list(shared.values())]
            array = own
        if array is None or array.shape != own.shape:
            raise SetupError(
                f"--from: the weights of {initial.manifest.ref} don't fit the network of the "
                f"recipe: {path} needs the shape {own.shape}; leave out the recipe's window"
            )
        variable.assign(array)


def describe_start(initial: InitialModel, wanted: str, split: Split) -> str:
    """Say what a run starts from, and what its figures may hide, in a line."""
    shared = len(_shared_tags(initial.manifest.tags.names, split.tags))
    line = (
        f"Starting from {initial.manifest.ref}: {len(split.tags)} tags, of which it has {shared}."
    )
    run = Path(wanted)
    if (run / CONFIGURATION).exists():
        before = read_configuration(run)
        if before.split_fingerprint != split.fingerprint:
            line += (
                f" It was trained on another split, {before.split}: if that has tracks of this "
                "one's validation or test part in training, figures are too good."
            )
    return line


def _find(wanted: str, store_url: str) -> tuple[Manifest, Store]:
    """Return a model's manifest, and the store that it is in."""
    run = Path(wanted) / MODEL
    if not run.is_dir():
        store = Store(store_url)
        return resolve(store, manifests(store), wanted), store
    store = Store(run)
    if not store.refs():
        raise SetupError(f"--from: {wanted} is not a finished run; `taggram train` resumes it")
    return resolve(store, manifests(store), str(store.refs()[0])), store


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _without_probe(weights: Weights) -> Weights:
    """Return the encoder's weights of a model of `taggram teach`, with the probe as last layer."""
    encoder = {
        path.removeprefix(ENCODER): array
        for path, array in weights.items()
        if path.startswith(ENCODER)
    }
    last = {path.removeprefix(HEAD): array for path, array in weights.items() if LAST in path}
    return encoder | last


def _shared_tags(before: Sequence[str], now: Sequence[str]) -> dict[int, int]:
    """Return the tags that both have: by the number of the new output that of the old one."""
    return {number: before.index(tag) for number, tag in enumerate(now) if tag in before}


def _check_front_end(phase: Phase, manifest: Manifest) -> None:
    if phase.front_end not in (None, manifest.front_end):
        raise SetupError(
            f"--from: {manifest.ref} was trained with another front end than phase "
            f"{phase.name!r} has: {front_end_words(manifest.front_end)}; leave out the recipe's "
            f"front_end, or choose another recipe, such as {RECIPE!r}"
        )
