"""Publish a trained model in a model store, with its vocabulary, figures and calibration."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from app.datasets.tracks import SplitTrack
from app.errors import SetupError
from app.evaluation.figures import Evaluation
from app.front_ends import WindowSpec
from app.store.manifest.manifest import Manifest, ModelSpec, read_manifest
from app.store.manifest.source import FineTunedFrom, ImportedNetwork
from app.store.manifest.tables import validate
from app.store.manifest.training_results import BaseRates
from app.store.registry.publishing import publish
from app.store.registry.weights import read_weights
from app.store.storage.store import Store
from app.training.recipe.configuration import read_configuration
from app.training.run.measured import measured_tables, rounded, untrained_tags

MODEL = "model"
"""The folder of a run that is a model store with the run's model."""


BASE_RATES = "Share of the tracks of the training part"


def describe_trained(
    *,
    name: str,
    summary: str,
    architecture: str,
    arguments: Mapping[str, object],
    window_spec: WindowSpec,
    tags: Sequence[str],
    family: str,
    vocabulary: str,
    network: ImportedNetwork | None = None,
    base_rates: BaseRates | None = None,
    evaluation: Evaluation | None = None,
    data: str = "",
    licence: str = "",
    commercial_use: bool | None = None,
    citation: str = "",
    fine_tuned_from: FineTunedFrom | None = None,
) -> ModelSpec:
    """Describe a model that was trained on a vocabulary, to publish it.

    Args:
        name: The model's name.
        summary: A description, in a sentence.
        architecture: One of `app.models`.
        arguments: The architecture's arguments.
        window_spec: The network's window.
        tags: The tags, in the order of the network's outputs.
        family: The name by which vocabularies refer to these tags.
        vocabulary: The name of the vocabulary of these tags.
        network: For a head on an imported network, its description.
        base_rates: See `base_rates_of`.
        evaluation: Its figures, thresholds and calibration; None if it was not evaluated.
        data: The training data, in a sentence.
        licence: The model's licence.
        commercial_use: Whether it allows commercial use; None: not stated.
        citation: The publication to cite.
        fine_tuned_from: The model that the training started from; its licence, commercial use and
            citation are the default.

    Raises:
        SetupError: The description is not valid.
    """
    base = fine_tuned_from
    values = {
        "name": name,
        "summary": summary,
        "architecture": {"name": architecture, "arguments": dict(arguments)},
        "front_end": window_spec.front,
        "window": {
            "frames": window_spec.window_frames,
            "hop_frames": window_spec.hop_frames,
            "short_track": window_spec.short_track,
        },
        "tags": {"family": family, "names": tuple(tags)},
        "source": {
            "description": data,
            "url": "",
            "licence": licence or (base.licence if base else ""),
            "commercial_use": base.commercial_use if base else commercial_use,
            "citation": citation or (base.citation if base else ""),
            "fine_tuned_from": base.model_dump() if base else None,
        },
        "vocabulary": {
            "name": vocabulary,
            "description": f"The {len(tags)} tags that {name} was trained on.",
            "unheard": untrained_tags(evaluation),
        },
    }
    if base_rates:
        values["base_rates"] = base_rates.model_dump()
    if network:
        values["network"] = network.model_dump()
    measured = measured_tables(evaluation) if evaluation else {}
    return validate(ModelSpec, {**values, **measured}, name)


def base_rates_of(tags: Sequence[str], tracks: Iterable[SplitTrack]) -> BaseRates:
    """Return the share of tracks with each tag; a track counts as often as an epoch uses it.

    Shares are limited to half a track from 0 and from 1: a base rate of 0 would make the lift of
    any score infinite.
    """
    counts, total = Counter[str](), 0
    for each in tracks:
        total += each.repeats
        counts.update(dict.fromkeys(each.track.tags, each.repeats))
    within = (min(max(counts[tag], 0.5), total - 0.5) for tag in tags)
    return BaseRates(source=BASE_RATES, rates=tuple(rounded(count / total) for count in within))


def publish_run(
    store: Store,
    run: Path,
    *,
    name: str | None = None,
    evaluation: Evaluation | None = None,
    licence: str = "",
    citation: str = "",
) -> Manifest:
    """Publish the model of a finished run.

    Args:
        store: The store to publish to.
        run: The folder of `taggram train`.
        name: The model's name; by default made of its task and architecture.
        evaluation: Its figures, of `taggram evaluate`.
        licence: The model's licence.
        citation: The publication to cite.

    Returns:
        The manifest of the published version.

    Raises:
        SetupError: The run is not finished, the figures are another model's, or the store can't be
            written.
    """
    trained = Store(str(run / MODEL))
    if not trained.refs():
        raise SetupError(f"{run}: not a finished run; `taggram train` resumes it")
    manifest = read_manifest(trained, trained.refs()[0])
    config = read_configuration(run)
    if evaluation and evaluation.model != str(manifest.ref):
        raise SetupError(
            f"the evaluation is of {evaluation.model}, but the run's model is {manifest.ref}"
        )
    chosen = name or manifest.name
    spec = describe_trained(
        name=chosen,
        summary=manifest.summary,
        architecture=manifest.architecture.name,
        arguments=manifest.architecture.arguments,
        window_spec=manifest.window_spec,
        tags=manifest.tags.names,
        family=chosen,
        vocabulary=config.task,
        base_rates=manifest.base_rates,
        evaluation=evaluation,
        data=f"Split {config.split}, fingerprint {config.split_fingerprint[:16]}",
        licence=licence,
        citation=citation,
        fine_tuned_from=manifest.source.fine_tuned_from,
    )
    return publish(store, spec, read_weights(trained, manifest))
