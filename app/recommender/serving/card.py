"""Writes a recommender's card in Markdown: what it is, its training data, its metrics, its limits.

Text of the manifest is escaped, as in `app.store.card`.
"""

from collections.abc import Iterable
from datetime import datetime

from app.recommender.models.registry import HAVE_IDS
from app.store.card import inert
from app.store.manifest.recommender import Figure, RecommenderManifest


def recommender_card(manifest: RecommenderManifest) -> str:
    """Return the card of a recommender in Markdown."""
    sections = {
        "Recommender": _recommender(manifest),
        "Trained on": _data(manifest),
        "Evaluation": _evaluation(manifest),
        "Contents": _contents(manifest),
        "Limits": _limits(manifest),
        "Golden check": _golden(manifest),
        "Serving": _serving(manifest),
    }
    parts = [f"# {manifest.ref}", inert(manifest.summary) or "No summary."]
    for title, lines in sections.items():
        parts += [f"## {title}", "\n".join(f"- {line}" for line in lines)]
    return "\n\n".join(parts) + "\n"


def _recommender(manifest: RecommenderManifest) -> Iterable[str]:
    yield f"Recommends {manifest.curators:,} curators to artists"
    yield f"Model: {inert(manifest.model)}"
    yield f"Arrays: {manifest.weights.file}, SHA-256 {manifest.weights.sha256}"
    yield f"Trained by Taggram {inert(manifest.taggram)}"
    if manifest.vectors is None:
        yield "Tag vectors: none; it knows artists by their subgenres and country"
        return
    vocabularies = ", ".join(map(inert, manifest.vectors.vocabularies)) or "raw tags"
    models = ", ".join(map(inert, manifest.vectors.models))
    yield f"Tag vectors: {len(manifest.tags):,} tags ({vocabularies}) of {models}"


def _data(manifest: RecommenderManifest) -> Iterable[str]:
    data = manifest.trained_on
    yield f"{data.interactions:,} interactions from {_time(data.first_at)} to {_time(data.last_at)}"
    yield f"{data.artists:,} artists, {data.curators:,} curators"
    yield f"{data.tracks:,} tracks with a tag vector"
    weights = {name: weight for name, weight in manifest.target if weight}
    terms = ", ".join(f"{inert(name)} {weight:g}" for name, weight in weights.items())
    yield f"Target: what happened{f', shifted by {terms}' if terms else ''}"


def _evaluation(manifest: RecommenderManifest) -> Iterable[str]:
    evaluation = manifest.evaluation
    yield (
        f"Trained on the interactions before {_time(evaluation.split_at)}, and evaluated on the "
        f"{evaluation.interactions:,} from then on; published after training on all"
    )
    for figure in evaluation.figures:
        yield f"{inert(figure.metric)}, {inert(figure.slice)}: {_value(figure)}"
    for model, value in evaluation.others.items():
        yield f"Compared with {inert(model)}: auc\\_sent {value:.3f}"


def _time(at: datetime) -> str:
    return at.isoformat(" ", "seconds")


def _value(figure: Figure) -> str:
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} (95 %: {figure.low:.3f} to {figure.high:.3f})"


def _contents(manifest: RecommenderManifest) -> Iterable[str]:
    yield "Ids of curators, the subgenres that they say they like and dislike, their countries"
    yield "Their mean scores"
    if manifest.tags:
        yield "The mean tag vectors of the tracks that each curator accepted and declined"
        yield "Ids of the platform's tracks with their tag vectors, and who accepted which"
    if manifest.model in HAVE_IDS:
        yield "Ids of artists, with embeddings of those who have interactions"
    else:
        yield "No ids of artists"
    yield "It is as confidential as the platform's tables: keep it where these may be kept"


def _limits(manifest: RecommenderManifest) -> Iterable[str]:
    yield "It recommends the curators that it was trained on, and no later ones"
    yield "It repeats what curators accepted so far, with the biases of that"
    yield "A score orders curators for an artist; it is not a probability of success"
    if manifest.explores:
        yield "A bandit re-orders the best 100 by chance; answers have the propensities"
    if manifest.model in HAVE_IDS:
        yield "An artist whose id it does not know is recommended by content only"
    else:
        yield "All artists are recommended by content only"


def _golden(manifest: RecommenderManifest) -> Iterable[str]:
    golden = manifest.golden
    yield (
        f"{len(golden.requests)} synthetic artists from seed {golden.seed}; it is served only if "
        f"their best curators' scores differ by at most {golden.tolerance:g} from those published"
    )


def _serving(manifest: RecommenderManifest) -> Iterable[str]:
    yield f"This version: `TAGGRAM_RECOMMENDER={manifest.ref} taggram serve`"
    yield f"In production: `taggram models promote {manifest.name} {manifest.version}`"
