"""Options and steps that `taggram recommend evaluate` and `train` share: read, train, evaluate."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.catalogue.shared import WHERE
from app.cli.console import err, say
from app.cli.recommend.tables import read_tables
from app.cli.recommend.vectors import read_vectors
from app.errors import SetupError

if TYPE_CHECKING:
    from app.recommender.data import Platform, TagVectors
    from app.recommender.evaluation import Figure
    from app.recommender.models.base import Recommender, Training
    from app.recommender.split import Split
    from app.recommender.target import TargetWeights

TagCatalogue = Annotated[
    str | None, typer.Option("--catalogue", metavar="DIR_OR_URL", help=f"For tags. {WHERE}")
]
TestShare = Annotated[
    float, typer.Option(min=0.01, max=0.99, help="The share of interactions, the latest.")
]
At = Annotated[
    datetime | None, typer.Option(help="Evaluate on interactions from this time on, in UTC.")
]
LikesAll = Annotated[
    float, typer.Option(help="The weight of the penalty for curators who like all.")
]
Selectiveness = Annotated[
    float, typer.Option(help="The weight of the bonus for selective curators.")
]
SubgenreMatch = Annotated[
    float, typer.Option(help="The weight of the match of subgenres in the target.")
]
TagMatch = Annotated[
    float, typer.Option(help="The weight of the match of tag vectors in the target.")
]
DEFAULT_TEST_SHARE = 0.2

OnEpoch = Callable[[int, float], None]
"""Called after each epoch with its number, from 1, and the loss on what is held out."""


@dataclass(frozen=True)
class Request:
    """What to read and how to split it, as the options say.

    Attributes:
        data: The tables.
        catalogue: The catalogue; None to do without tag vectors.
        tagger: The model whose raw tags to use.
        vocabularies: The vocabularies whose tags to use instead.
        test_share: The share of interactions to evaluate on.
        at: The time from which on they are evaluated on, in place of a share.
        weights: The weights of the terms of the target.
        subgenres: The vocabulary that artists and curators choose from.
        max_invalid_share: The largest share of invalid rows of a table.
    """

    data: str
    catalogue: str | None
    tagger: str | None
    vocabularies: Sequence[str] | None
    test_share: float
    at: datetime | None
    weights: "TargetWeights"
    subgenres: str
    max_invalid_share: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """A platform, and its interactions split by time.

    Attributes:
        platform: The tables, with all interactions.
        vectors: The tag vectors; None without a catalogue.
        split: The earlier and the later interactions.
        training: What models are trained on: the earlier ones.
    """

    platform: "Platform"
    vectors: "TagVectors | None"
    split: "Split"
    training: "Training"


def read(request: Request) -> Comparison:
    """Read a platform, and split its interactions.

    Raises:
        SetupError: It can't be read, too many rows are not valid, or a side of the split is empty.
    """
    import numpy as np

    from app.recommender.models.base import prepare_training
    from app.recommender.split import split_by_time

    platform = read_tables(request.data, request.subgenres, request.max_invalid_share)
    vectors = None
    if request.catalogue is not None:
        vectors = read_vectors(request.catalogue, request.tagger, request.vocabularies, platform)
    at = None if request.at is None else np.datetime64(request.at, "us")
    split = split_by_time(platform, request.test_share, at)
    training = prepare_training(split.platform, vectors, request.weights)
    return Comparison(platform, vectors, split, training)


def compare(
    names: Sequence[str], comparison: Comparison, checkpoints: Path, *, must_suit: bool
) -> "list[Figure]":
    """Train models on the earlier interactions, and evaluate them on the later ones.

    Args:
        names: The models.
        comparison: The interactions.
        checkpoints: The folder from which killed training goes on.
        must_suit: Whether a model that the data does not suit is an error; otherwise it is left
            out, and said so.

    Raises:
        SetupError: The data or a library lacks what a model needs.
    """
    from app.recommender.evaluation import evaluate

    figures: list[Figure] = []
    for name in names:
        try:
            model = train_model(name, comparison.training, checkpoints)
        except SetupError as error:
            if must_suit:
                raise
            say(err, f"{name} is left out: {error}")
        else:
            with err.status(f"evaluating {name}"):
                figures += evaluate(model, comparison.split)
    return figures


def train_model(name: str, training: "Training", checkpoints: Path) -> "Recommender":
    """Train a model; one with epochs goes on from the last one.

    Raises:
        SetupError: The data or a library lacks what the model needs.
    """
    from app.recommender.models.base import TrainsInEpochs
    from app.recommender.models.registry import make_models

    (model,) = make_models([name])
    with _status(f"training {name}") as on_epoch:
        if isinstance(model, TrainsInEpochs):
            model.checkpoints, model.on_epoch = checkpoints, on_epoch
        model.fit(training)
    return model


@contextmanager
def _status(title: str) -> Iterator[OnEpoch]:
    """Yield a function that shows an epoch: in the status on a terminal, as lines elsewhere."""
    with err.status(title) as status:

        def on_epoch(epoch: int, loss: float) -> None:
            text = f"{title}: epoch {epoch}, loss {loss:.4f}"
            if err.is_terminal:
                status.update(text)
            else:
                say(err, text)

        yield on_epoch
