"""Publishes trained recommenders in the model store, and verifies and promotes published ones."""

import tomli_w

from app.recommender.serving.contents import Contents
from app.recommender.serving.golden import make_golden
from app.recommender.serving.package import pack_contents
from app.recommender.serving.recommender import load_recommender, open_recommender, restore
from app.store.manifest.manifest import Weights
from app.store.manifest.recommender import RecommenderManifest, RecommenderSpec
from app.store.registry.alias_changes import set_alias
from app.store.registry.aliases import PRODUCTION
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
    check_kind(store, spec.name, RECOMMENDER)
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
        check_kind(store, spec.name, RECOMMENDER)
        manifest = manifest.model_copy(update={"version": next_version(store, spec.name)})
        text = tomli_w.dumps(manifest.model_dump(mode="json", exclude_none=True))
        store.publish(manifest.ref, {WEIGHTS: data, RECOMMENDER: text.encode()})
    return manifest


def promote_recommender(
    store: Store, reference: str, alias: str = PRODUCTION
) -> RecommenderManifest:
    """Verify a version of a recommender, and set an alias to it.

    Args:
        store: The model store.
        reference: `name/version`, or `name/alias` for the version of another alias.
        alias: The alias.

    Raises:
        SetupError: It is not published, it fails the check, or the alias can't be written.
    """
    manifest = load_recommender(store, reference).manifest
    set_alias(store, manifest.ref, alias)
    return manifest
