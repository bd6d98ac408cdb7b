"""Describes a trained recommender for its manifest."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from app.installation import installed_version
from app.recommender.data import Platform, TagVectors
from app.recommender.evaluation import ALL, Figure
from app.recommender.models.content_model import ContentModel
from app.recommender.serving.contents import Contents
from app.recommender.split import Split
from app.recommender.target import TargetWeights
from app.store.manifest import recommender as tables

METRICS = (
    *("auc_sent", "ndcg_sent", "missed_shots@10", "ndcg@10", "hit_rate@10"),
    *("coverage@10", "personalisation@10", "rmse", "mae"),
)
"""The metrics that a manifest has of all slices."""

CHOSEN_BY = "auc_sent"
"""The metric by which models are compared."""


def describe(
    name: str,
    model: ContentModel,
    platform: Platform,
    vectors: TagVectors | None,
    weights: TargetWeights,
    split: Split,
    figures: Sequence[Figure],
    contents: Contents,
) -> tables.RecommenderSpec:
    """Return the description of a recommender.

    Args:
        name: Its name.
        model: The model, trained on all interactions.
        platform: The tables, with all interactions.
        vectors: The tag vectors of the tracks; None without.
        weights: The weights of the terms of the target.
        split: How the models were evaluated.
        figures: The figures of all models that were compared.
        contents: The contents of its package.
    """
    made = platform.interactions
    source = vectors.source if vectors is not None and model.has_tags else None
    return tables.RecommenderSpec(
        name=name,
        summary=f"{model.name} of {len(made):,} interactions with {len(contents.curators):,} "
        "curators",
        model=model.name,
        subgenres=platform.subgenres,
        tags=vectors.tags if vectors is not None and model.has_tags else (),
        vectors=source and tables.Vectors(models=source.models, vocabularies=source.vocabularies),
        trained_on=tables.TrainedOn(
            artists=len(platform.artists.ids),
            curators=len(contents.curators),
            tracks=len(contents.tracks.external_ids),
            interactions=len(made),
            first_at=_utc(made.at.min()),
            last_at=_utc(made.at.max()),
        ),
        target=tables.Target(**vars(weights)),
        evaluation=_evaluation(model.name, split, figures),
        explores=contents.bandit is not None,
        taggram=installed_version(),
    )


def _evaluation(model: str, split: Split, figures: Sequence[Figure]) -> tables.Evaluation:
    return tables.Evaluation(
        split_at=_utc(split.at),
        interactions=len(split.test),
        figures=tuple(
            tables.Figure(
                metric=each.metric,
                slice=each.slice,
                value=each.interval.value,
                low=each.interval.low,
                high=each.interval.high,
            )
            for each in figures
            if each.model == model and each.metric in METRICS and each.interval.value is not None
        ),
        others={
            each.model: each.interval.value
            for each in figures
            if each.model != model
            and (each.slice, each.metric) == (ALL, CHOSEN_BY)
            and each.interval.value is not None
        },
    )


def _utc(at: np.datetime64) -> datetime:
    moment: datetime = at.astype("datetime64[us]").item()
    return moment.replace(tzinfo=UTC)
