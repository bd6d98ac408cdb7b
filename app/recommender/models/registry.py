"""The models by name."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from app.errors import SetupError
from app.recommender.models.base import Recommender
from app.recommender.models.baselines import Popularity, SubgenreCosine, TagCosine
from app.recommender.models.factorisation import Factorisation
from app.recommender.models.linear import Linear
from app.recommender.models.neighbours import ArtistNeighbours, CuratorNeighbours
from app.recommender.models.sequential import Sequential

MODELS: Mapping[str, Callable[[], Recommender]] = MappingProxyType(
    {
        "popularity": Popularity,
        "item-item": CuratorNeighbours,
        "user-user": ArtistNeighbours,
        "als": Factorisation,
        "sequential": Sequential,
        "subgenre-cosine": SubgenreCosine,
        "tag-cosine": TagCosine,
        "linear": partial(Linear, has_tags=False),
        "linear-tags": partial(Linear, has_tags=True),
    }
)

NEED_TAGS = ("tag-cosine", "linear-tags")
"""Models that need tag vectors."""

PAIRS = (("linear-tags", "linear"),)
"""Models with tag vectors, and the same ones without."""


def make_models(names: Sequence[str]) -> list[Recommender]:
    """Return models that are not trained yet.

    Raises:
        SetupError: There is no model of a name.
    """
    for name in names:
        if name not in MODELS:
            raise SetupError(f"{name!r} is not a model; use one of {', '.join(MODELS)}")
    return [MODELS[name]() for name in dict.fromkeys(names)]
