"""Train a user's own tags on a published model's embeddings, from a few dozen songs each.

songs' embeddings --(folds by artist)--> out-of-fold scores --> figures, thresholds, pairs of tags
                  --(all)--> probe --> encoder and probe as a version in the store
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from app.datasets.tracks import Split, SplitTrack, Subset, Track
from app.domain import Scores
from app.errors import ManifestError, SetupError
from app.evaluation.evaluate import Plan, evaluate
from app.evaluation.figures import Evaluation
from app.evaluation.scoring import Scored
from app.networks.head import make_head
from app.probing.embedding import Song
from app.probing.encoder import Encoder
from app.probing.examples import Examples, check_examples, tags_of
from app.probing.probe import OnProgress, Probe, out_of_fold, train_probe
from app.probing.separation import Pair, measure_separation
from app.store.manifest.manifest import IMPORTED, Manifest, ModelSpec, Tags, manifests
from app.store.manifest.printable_words import checked_word
from app.store.manifest.source import ImportedNetwork
from app.store.manifest.tables import validate
from app.store.manifest.training_results import TrainedVocabulary
from app.store.registry.publishing import publish, publish_network
from app.store.registry.weights import read_weights, sha256
from app.store.storage.store import Store
from app.training.run.publishing import base_rates_of, describe_trained

ARCHITECTURE = "embedding_probe"
TAUGHT = "taggram teach"
"""The format of heads that are trained here on the embeddings of imported networks."""


Describe = Callable[..., ModelSpec]
"""Describes the model, given its architecture, the arguments of that, and its imported network."""


@dataclass(frozen=True)
class TeachResult:
    """The result of `teach`.

    Attributes:
        manifest: Of the published version.
        evaluation: Figures of out-of-fold scores.
        pairs: All pairs of tags, the least separated first.
    """

    manifest: Manifest
    evaluation: Evaluation
    pairs: tuple[Pair, ...]


def check_name(models: Store, name: str, tags: Sequence[str]) -> None:
    """Check a model's name and tags before the training, as they are checked when it is published.

    Args:
        models: The store to publish to.
        name: The model's name.
        tags: The tags.

    Raises:
        SetupError: The name is invalid or that of another kind of model, or a tag is invalid.
    """
    validate(Tags, {"family": name, "names": tags}, f"--name {name}")
    validate(TrainedVocabulary, {"name": name, "description": ""}, f"--name {name}")
    for tag in tags:
        try:
            checked_word(tag)
        except ValueError as error:
            raise ManifestError(f"the tag {error}; rename it") from error
    of_that_name = manifests(models).get(name, ())
    if of_that_name and not _is_taught(of_that_name[-1]):
        raise SetupError(
            f"{name} is the name of another model in {models.url}; choose a different name"
        )


def teach(
    models: Store,
    encoder: Encoder,
    songs: Sequence[Song],
    *,
    name: str,
    precision: float,
    on_progress: OnProgress,
) -> TeachResult:
    """Train a probe on the songs' tags, evaluate it, and publish it.

    Thresholds are chosen and evaluated on the same scores, so their precision is slightly too good:
    only one number is chosen, and holding back more songs would cost more accuracy.

    Args:
        models: The store to publish to.
        encoder: The model that the songs were embedded with.
        songs: That satisfy `check_examples`.
        name: Of the model, and of its vocabulary.
        precision: The target precision of each tag's threshold.
        on_progress: See `OnProgress`.

    Returns:
        The published version, its figures, and the separation of the tags.

    Raises:
        SetupError: There are too few songs, or the model can't be published.
    """
    tracks = [song.track for song in songs]
    check_examples(tracks)
    examples = Examples.of(songs, tags_of(tracks))
    scores = out_of_fold(examples, on_progress)
    evaluation = _evaluation(name, tracks, examples, scores, precision)
    source = encoder.manifest.source
    describe = partial(
        describe_trained,
        name=name,
        summary=f"{len(examples.tags)} tags, trained on embeddings of {encoder.manifest.ref}.",
        window_spec=encoder.manifest.window_spec,
        tags=examples.tags,
        family=name,
        vocabulary=name,
        base_rates=base_rates_of(
            examples.tags, [SplitTrack(each, Subset.TRAIN) for each in tracks]
        ),
        evaluation=evaluation,
        data=f"{len(songs)} songs of {len(set(examples.artists))} artists; the training data of "
        f"{encoder.manifest.ref}: {source.description}",
        licence=source.licence,
        commercial_use=source.commercial_use,
        citation=source.citation,
    )
    publish_probe = _publish_head if encoder.manifest.network else _publish_whole
    manifest = publish_probe(models, encoder.manifest, train_probe(examples), describe)
    return TeachResult(manifest, evaluation, measure_separation(examples, scores))


def _evaluation(
    name: str,
    tracks: Sequence[Track],
    examples: Examples,
    scores: tuple[Scores, ...],
    precision: float,
) -> Evaluation:
    """Evaluate out-of-fold scores: each song was in validation once."""
    placed = tuple(SplitTrack(track, Subset.VALIDATION) for track in tracks)
    split = Split(name, examples.tags, "out of fold, artists apart", placed)
    ids = tuple(track.id for track in tracks)
    scored = Scored(examples.tags, ids, examples.y_true, scores, {}, {})
    plan = Plan(split, Subset.VALIDATION, (), precision)
    evaluation = evaluate(plan, name, lambda *_: scored)
    tags = (  # each was in training in all other folds
        each.model_copy(update={"train_positives": each.positives}) for each in evaluation.tags
    )
    return evaluation.model_copy(update={"tags": tuple(tags)})


def _publish_whole(models: Store, encoder: Manifest, probe: Probe, describe: Describe) -> Manifest:
    """Publish the encoder's network with the probe as its last layer."""
    architecture = encoder.architecture
    arguments = {"encoder": architecture.name, "arguments": architecture.arguments}
    prefixed = {f"encoder/{path}": array for path, array in read_weights(models, encoder).items()}
    weights = {path: prefixed[path] for path in prefixed if not path.startswith("encoder/tags/")}
    weights |= {"head/tags/kernel": probe.kernel, "head/tags/bias": probe.bias}
    return publish(models, describe(architecture=ARCHITECTURE, arguments=arguments), weights)


def _publish_head(models: Store, encoder: Manifest, probe: Probe, describe: Describe) -> Manifest:
    """Publish the probe as a head on an imported network."""
    files = make_head(probe.kernel, probe.bias)
    network = ImportedNetwork(
        format=TAUGHT, file_sha256=sha256(files.pack()), backbone=str(encoder.ref)
    )
    spec = describe(architecture=IMPORTED, arguments={}, network=network)
    return publish_network(models, spec, files)


def _is_taught(manifest: Manifest) -> bool:
    """Return whether a model was trained by `teach`."""
    is_head = manifest.network is not None and manifest.network.format == TAUGHT
    return is_head or manifest.architecture.name == ARCHITECTURE
