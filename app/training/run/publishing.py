"""Publish a trained model in a model store, with its vocabulary, figures and calibration."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from app.datasets.tracks import SplitTrack
from app.errors import SetupError
from app.evaluation.figures import Evaluation, Interval, TagFigures
from app.front_ends import WindowSpec
from app.models.folding import Weights
from app.store.manifest.manifest import BaseRates, Manifest, ModelSpec, read_manifest
from app.store.manifest.tables import validate
from app.store.registry.publishing import publish
from app.store.registry.weights import read_weights
from app.store.storage.store import Store
from app.training.recipe.configuration import read_configuration

MODEL = "model"
"""The folder of a run that is a model store with the run's model."""

DECIMALS = 6
"""The same precision as the scores of suggestions."""

BASE_RATES = "Share of the tracks of the training part"


def publish_trained(
    store: Store,
    *,
    name: str,
    summary: str,
    architecture: str,
    arguments: Mapping[str, object],
    window_spec: WindowSpec,
    tags: Sequence[str],
    family: str,
    weights: Weights,
    vocabulary: str,
    base_rates: BaseRates | None = None,
    evaluation: Evaluation | None = None,
    data: str = "",
    licence: str = "",
    citation: str = "",
) -> Manifest:
    """Publish a model that was trained on a vocabulary as the next version of its name.

    Args:
        store: The store to publish to.
        name: The model's name.
        summary: A description, in a sentence.
        architecture: One of `app.models`.
        arguments: The architecture's arguments.
        window_spec: The network's window.
        tags: The tags, in the order of the network's outputs.
        family: The name by which vocabularies refer to these tags.
        weights: The network's weights, by path.
        vocabulary: The name of the vocabulary of these tags.
        base_rates: See `base_rates_of`.
        evaluation: Its figures, thresholds and calibration; None if it was not evaluated.
        data: The training data, in a sentence.
        licence: The model's licence.
        citation: The publication to cite.

    Returns:
        The manifest of the published version.

    Raises:
        SetupError: The model is invalid, or can't be written; the store is unchanged.
    """
    values = {
        "name": name,
        "summary": summary,
        "architecture": {"name": architecture, "arguments": dict(arguments)},
        "front_end": window_spec.front,
        "window": {"frames": window_spec.window_frames, "hop_frames": window_spec.hop_frames},
        "tags": {"family": family, "names": tuple(tags)},
        "source": {"description": data, "url": "", "licence": licence, "citation": citation},
        "vocabulary": {
            "name": vocabulary,
            "description": f"The {len(tags)} tags that {name} was trained on.",
            "unheard": _untrained_tags(evaluation),
        },
    }
    if base_rates:
        values["base_rates"] = base_rates.model_dump()
    measured = _measured(evaluation) if evaluation else {}
    return publish(store, validate(ModelSpec, {**values, **measured}, name), weights)


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
    return BaseRates(source=BASE_RATES, rates=tuple(_rounded(count / total) for count in within))


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
    return publish_trained(
        store,
        name=chosen,
        summary=manifest.summary,
        architecture=manifest.architecture.name,
        arguments=manifest.architecture.arguments,
        window_spec=manifest.window_spec,
        tags=manifest.tags.names,
        family=chosen,
        weights=read_weights(trained, manifest),
        vocabulary=config.task,
        base_rates=manifest.base_rates,
        evaluation=evaluation,
        data=f"Split {config.split}, fingerprint {config.split_fingerprint[:16]}",
        licence=licence,
        citation=citation,
    )


def _untrained_tags(evaluation: Evaluation | None) -> tuple[str, ...]:
    """Return the tags that no track of the training part has."""
    figures = evaluation.tags if evaluation else ()
    return tuple(each.tag for each in figures if each.train_positives == 0)


def _measured(evaluation: Evaluation) -> dict[str, object]:
    calibration = evaluation.calibration
    return {
        "evaluation": _figures(evaluation),
        "thresholds": _thresholds(evaluation),
        "calibration": {
            "scores": tuple(map(_rounded, calibration.scores)),
            "frequencies": tuple(map(_rounded, calibration.frequencies)),
            "counts": calibration.counts,
            "expected_error": _rounded(calibration.expected_error),
        },
    }


def _figures(evaluation: Evaluation) -> dict[str, object] | None:
    """Return the figures of whole songs by the mean, or None if no tag could be measured."""
    roc, pr = evaluation.song.roc_auc_macro, evaluation.song.pr_auc_macro
    if roc.value is None or pr.value is None:
        return None
    return {
        "dataset": f"{evaluation.task}, part {evaluation.part}",
        "roc_auc": _rounded(roc.value),
        "pr_auc": _rounded(pr.value),
        "roc_auc_interval": _bounds(roc),
        "pr_auc_interval": _bounds(pr),
        "split": evaluation.split,
        "fingerprint": evaluation.fingerprint,
        "tracks": evaluation.tracks,
        "tags": dict(filter(None, map(_tag, evaluation.tags))),
    }


def _tag(figures: TagFigures) -> tuple[str, dict[str, object]] | None:
    roc, pr = figures.roc_auc.value, figures.pr_auc.value
    if roc is None or pr is None:
        return None
    return figures.tag, {
        "roc_auc": _rounded(roc),
        "pr_auc": _rounded(pr),
        "positives": figures.positives,
    }


def _thresholds(evaluation: Evaluation) -> dict[str, object] | None:
    """Return the thresholds, or None if no tag has one, as without a validation part."""
    chosen = {
        each.tag: _rounded(each.threshold) for each in evaluation.tags if each.threshold is not None
    }
    return {"precision": evaluation.preferred_precision, "scores": chosen} if chosen else None


def _bounds(interval: Interval) -> tuple[float, float] | None:
    if interval.low is None or interval.high is None:
        return None
    return _rounded(interval.low), _rounded(interval.high)


def _rounded(figure: float) -> float:
    return round(figure, DECIMALS)
