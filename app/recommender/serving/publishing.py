"""Publishes trained recommenders in the model store, and verifies and promotes published ones."""

import re

import tomli_w

from app.errors import SetupError
from app.recommender.serving.contents import Contents
from app.recommender.serving.golden import make_golden
from app.recommender.serving.package import pack_contents
from app.recommender.serving.recommender import open_recommender, restore
from app.store.manifest.manifest import Weights
from app.store.manifest.recommender import NAME, RecommenderManifest, RecommenderSpec
from app.store.registry.packaging import WEIGHTS
from app.store.registry.publishing import check_kind, next_version
from app.store.registry.weights import sha256
from app.store.storage.store import RECOMMENDER, Store


def publish_recommender(
    store: Store, spec: RecommenderSpec, contents: Contents
) -> RecommenderManifest:
    """Publish a trained recommender as the next version of its name.

    Its present answers become the golden ones, and it is read back before anything is written.

    Args:
        store: The model store.
        spec: The description of the recommender.
        contents: The contents of its package.

    Raises:
        SetupError: It is not valid, or can't be written; the store is unchanged.
    """
    check_name(store, spec.name)
    data = pack_contents(contents)
    read_back, ranker = restore(spec, data, spec.name)
    manifest = RecommenderManifest(
        **{name: getattr(spec, name) for name in RecommenderSpec.model_fields},
        version="1",
        weights=Weights(file=WEIGHTS, sha256=sha256(data)),
        golden=make_golden(spec.subgenres, read_back, ranker),
    )
    open_recommender(manifest, data, spec.name)
    with store.locked():
        check_name(store, spec.name)
        manifest = manifest.model_copy(update={"version": next_version(store, spec.name)})
        text = tomli_w.dumps(manifest.model_dump(mode="json", exclude_none=True))
        store.publish(manifest.ref, {WEIGHTS: data, RECOMMENDER: text.encode()})
    return manifest


def check_name(store: Store, name: str) -> None:
    """Check that a recommender can have a name.

    Raises:
        SetupError: It is not a valid name, or that of a model that tags tracks.
    """
    if not re.fullmatch(NAME, name):
        raise SetupError(f"{name!r} can't name a recommender: use a-z, 0-9 and '-', not '-' first")
    check_kind(store, name, RECOMMENDER)
