"""The models by name."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from app.errors import SetupError
from app.recommender.models.base import Recommender
from app.recommender.models.baselines import Popularity, SubgenreCosine, TagCosine
from app.recommender.models.content_model import ContentModel
from app.recommender.models.factorisation import Factorisation
from app.recommender.models.linear import Linear
from app.recommender.models.neighbours import ArtistNeighbours, CuratorNeighbours
from app.recommender.models.sequential import Sequential


def _make_neural(*, has_tags: bool) -> ContentModel:
    """Return the neural model."""
    # Imported here, as Keras takes seconds to import.
    from app.recommender.models.neural.model import Neural

    return Neural(has_tags=has_tags)


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
        "neural": partial(_make_neural, has_tags=False),
        "neural-tags": partial(_make_neural, has_tags=True),
    }
)

NEED_TAGS = ("tag-cosine", "linear-tags", "neural-tags")
"""Models that need tag vectors."""

ID_ONLY = ("item-item", "user-user", "als", "sequential")
"""Models that know artists by their interactions only, and so can't be served for others."""

HAVE_IDS = ("neural", "neural-tags")
"""Models with embeddings of the artists that they were trained on."""

PAIRS = (("linear-tags", "linear"), ("neural-tags", "neural"))
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
