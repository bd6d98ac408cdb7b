"""`taggram recommend train`: choose the best model, train it on everything, and publish it."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.console import err, log_to_stderr, out, plain_errors, say
from app.cli.recommend.comparing import (
    DEFAULT_TEST_SHARE,
    At,
    Comparison,
    LikesAll,
    Request,
    Selectiveness,
    SubgenreMatch,
    TagCatalogue,
    TagMatch,
    TestShare,
    compare,
    read,
    train_model,
)
from app.cli.recommend.tables import (
    DEFAULT_MAX_INVALID_SHARE,
    DEFAULT_SUBGENRES,
    Data,
    MaxInvalidShare,
    Subgenres,
)
from app.cli.recommend.vectors import Tagger, Vocabularies
from app.errors import SetupError
from app.files import locked_folder
from app.installation import cache_folder
from app.store.storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.recommender.evaluation import Figure
    from app.recommender.target import TargetWeights
    from app.store.manifest.recommender import RecommenderManifest

CHECKPOINTS = "recommenders"
"""The folder in the user's cache with a folder a name, from which killed training goes on."""


@dataclass(frozen=True)
class _PublishRequest:
    """What to publish where.

    Attributes:
        store: The model store.
        name: The name of the recommender.
        model: The model.
        weights: The weights of the terms of the target.
        explores: Whether a bandit re-orders the curators.
    """

    store: Store
    name: str
    model: str
    weights: "TargetWeights"
    explores: bool


def train(
    data: Data,
    to: Annotated[
        str, typer.Option("--out", metavar="STORE", help="The model store: a folder or a URL.")
    ],
    name: Annotated[str, typer.Option(help="The name of the recommender.")],
    catalogue: TagCatalogue = None,
    models: Annotated[
        list[str] | None,
        typer.Option("--models", help="A model to choose from; repeatable; by default all."),
    ] = None,
    explore: Annotated[
        bool,
        typer.Option("--explore", help="Let a bandit try curators whose answers are uncertain."),
    ] = False,
    tagger: Tagger = None,
    vocabularies: Vocabularies = None,
    test_share: TestShare = DEFAULT_TEST_SHARE,
    at: At = None,
    likes_all: LikesAll = 0.0,
    selectiveness: Selectiveness = 0.0,
    subgenre_match: SubgenreMatch = 0.0,
    tag_match: TagMatch = 0.0,
    subgenres: Subgenres = DEFAULT_SUBGENRES,
    max_invalid_share: MaxInvalidShare = DEFAULT_MAX_INVALID_SHARE,
) -> None:
    """Evaluate models, train the best one on all interactions, and publish it."""
    log_to_stderr(logging.WARNING)
    with plain_errors():
        from app.recommender.serving.publishing import check_name
        from app.recommender.target import TargetWeights

        names = _candidates(models, has_tags=catalogue is not None)
        store = Store(to)
        with store.locked():  # says now what would fail after training
            check_name(store, name)
        weights = TargetWeights(likes_all, selectiveness, subgenre_match, tag_match)
        places = (data, catalogue, tagger, vocabularies)
        comparison = read(Request(*places, test_share, at, weights, subgenres, max_invalid_share))
        checkpoints = cache_folder() / CHECKPOINTS / name
        with locked_folder(checkpoints):
            figures = compare(names, comparison, checkpoints, must_suit=bool(models))
            best = _choose(figures)
            request = _PublishRequest(store, name, best, weights, explore)
            manifest = _publish(request, figures, comparison, checkpoints)
            for state in checkpoints.glob("*.state"):
                state.unlink()
    say(out, f"{manifest.ref}, {best}, is published in {store.url}.")
    say(
        err,
        f"`taggram models promote {name} {manifest.version} --store {store.url}` puts it in "
        "production.",
    )


def _candidates(models: "Sequence[str] | None", *, has_tags: bool) -> "Sequence[str]":
    """Return the models to choose from.

    Raises:
        SetupError: One is unknown, or can't be served.
    """
    from app.recommender.models.registry import ID_ONLY, MODELS, NEED_TAGS, make_models

    servable = [name for name in MODELS if name not in ID_ONLY]
    make_models(models or [])
    for name in models or ():
        if name in ID_ONLY:
            raise SetupError(
                f"the model {name} can't be served: it knows artists by their interactions only, "
                f"and has nothing to say of new ones; use one of {', '.join(servable)}"
            )
    return models or [name for name in servable if has_tags or name not in NEED_TAGS]


def _choose(figures: "Sequence[Figure]") -> str:
    """Return the model with the best order of the curators that artists contacted, and print all.

    Raises:
        SetupError: That is not known of any model, and there are several.
    """
    from app.recommender.evaluation import ALL
    from app.recommender.serving.description import CHOSEN_BY

    names = list(dict.fromkeys(each.model for each in figures))
    values = {
        each.model: each.interval.value
        for each in figures
        if (each.slice, each.metric) == (ALL, CHOSEN_BY) and each.interval.value is not None
    }
    for model in names:
        value = f"{values[model]:.3f}" if model in values else "not known"
        say(err, f"{model}: {CHOSEN_BY} {value}")
    if len(names) == 1:
        return names[0]
    if not values:
        raise SetupError(
            "no model can be chosen: no artist contacted curators of which some accepted and some "
            "declined; evaluate on more interactions, or name one model with --models"
        )
    return max(values, key=lambda model: values[model])


def _publish(
    request: _PublishRequest,
    figures: "Sequence[Figure]",
    comparison: Comparison,
    checkpoints: Path,
) -> "RecommenderManifest":
    """Train a model on all interactions, and publish it.

    Raises:
        SetupError: It can't be trained or published.
    """
    from app.recommender.models.base import prepare_training
    from app.recommender.models.content_model import ContentModel
    from app.recommender.policies.bandit import fit_bandit
    from app.recommender.serving.contents import collect_contents
    from app.recommender.serving.description import describe
    from app.recommender.serving.publishing import publish_recommender

    platform, vectors = comparison.platform, comparison.vectors
    with err.status("preparing all interactions"):
        training = prepare_training(platform, vectors, request.weights)
    trained = train_model(request.model, training, checkpoints)
    assert isinstance(trained, ContentModel)  # noqa: S101 - the others are no candidates
    with err.status("publishing"):
        bandit = fit_bandit(training, has_tags=trained.has_tags) if request.explores else None
        contents = collect_contents(platform, vectors, trained, bandit)
        places = (request.name, trained, platform, vectors, request.weights)
        spec = describe(*places, comparison.split, figures, contents)
        return publish_recommender(request.store, spec, contents)
