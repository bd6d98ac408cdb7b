"""A model as after training, but too small to learn anything, and its figures."""

from collections.abc import Mapping, Sequence

from app.evaluation.figures import (
    Calibration,
    Evaluation,
    Interval,
    Overall,
    SongLevel,
    TagFigures,
)
from app.front_ends import WindowSpec
from app.store.manifest.manifest import Manifest
from app.store.manifest.training_results import BaseRates
from app.store.registry import publishing
from app.store.storage.store import Store
from app.training.run.publishing import describe_trained
from tests.support import tiny

FIGURES = Overall(
    roc_auc_macro=Interval(value=0.91234567, low=0.88, high=0.93),
    roc_auc_micro=Interval(value=0.9),
    pr_auc_macro=Interval(value=0.4321, low=0.4, high=0.47),
    pr_auc_micro=Interval(value=0.5),
    cosine=Interval(value=0.6),
)


def publish(
    store: Store,
    name: str,
    tags: Sequence[str],
    vocabulary: str,
    evaluation: Evaluation | None = None,
    seed: int = 0,
    base_rates: BaseRates | None = None,
) -> Manifest:
    """Publish one with random weights."""
    spec = describe_trained(
        name=name,
        summary="Random weights.",
        architecture="fcn",
        arguments=tiny.ARGUMENTS,
        window_spec=WindowSpec(tiny.FRONT_END, 16, 8),
        tags=tags,
        family=name,
        vocabulary=vocabulary,
        base_rates=base_rates,
        evaluation=evaluation,
        data="Three songs.",
        licence="CC0-1.0",
        citation="Nobody 2026.",
    )
    return publishing.publish(store, spec, tiny.weights(seed, len(tags)))


def figures(tag: str, roc_auc: float | None = 0.9, **changes: object) -> TagFigures:
    """One tag's."""
    values: Mapping[str, object] = {
        "positives": 12,
        "train_positives": 100,
        "roc_auc": Interval(value=roc_auc),
        "pr_auc": Interval(value=None if roc_auc is None else roc_auc / 2),
    }
    return TagFigures.model_validate({"tag": tag, **values, **changes})


def evaluation(
    *tags: TagFigures, task: str = "subgenres", overall: Overall = FIGURES
) -> Evaluation:
    """What `taggram evaluate` might have measured."""
    return Evaluation(
        model="tiny/1",
        task=task,
        split="artists, seed 1",
        part="test",
        fingerprint="0123456789abcdef" * 4,
        tracks=2_104,
        chunks=20_000,
        preferred_precision=0.8,
        chunk=FIGURES,
        songs=(SongLevel(pooling="mean", overlap=0, overall=overall),),
        tags=tags,
        accuracy_at_k=(0.5,),
        soft_accuracy_at_k=(0.6,),
        confusion=(),
        calibration=Calibration(
            scores=(0.04, 0.55), frequencies=(0.03, 0.61), counts=(9_120, 211), expected_error=0.011
        ),
    )
