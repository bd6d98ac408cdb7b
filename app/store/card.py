"""Writes a model card in Markdown: the model, its training data, its metrics, how to serve it.

Text of the manifest is escaped, so no tag or summary becomes a heading, a link or HTML.
"""

import json
import re
from collections.abc import Iterable, Mapping

import numpy as np

from app.store.manifest.front_end_words import front_end_words
from app.store.manifest.manifest import Manifest
from app.store.manifest.source import FineTunedFrom, ImportedNetwork
from app.store.manifest.training_results import TagEvaluation
from app.store.registry.golden import TOP

_STATISTICS = ("/moving_mean", "/moving_variance")
"""Weights of normalisations that are statistics, not trained."""

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_SPECIAL = re.compile(
    r"[\\`*_{}\[\]()#!|~$@]"  # anywhere
    r"|:(?=//|[\w+-]+:)|(?<=www)\."  # in addresses and names of emojis
    r"|^[-+=]|(?<=^\d)\.|(?<=^\d\d)\.|(?<=^\d{3})\."  # at the beginning of lists
)
_LINK = re.compile(r"https?://[\w.~:/?#@!$&'*+,;=%-]+", re.ASCII)

_NOT_STATED = "not stated"
_ALLOWED = {True: "allowed", False: "not allowed", None: _NOT_STATED}


def card(manifest: Manifest, weights: Mapping[str, np.ndarray]) -> str:
    """Return the card of a model in Markdown.

    Args:
        manifest: The manifest of the model.
        weights: Its weights by path, of any shapes, which are counted.
    """
    sections = {
        "Model": _model(manifest, weights),
        "Input": _input(manifest),
        "Tags": _tags(manifest),
        "Data and metrics": _metrics(manifest),
        "Meaning of scores": _score_meaning(manifest),
        "Confidence": _confidence(manifest),
        "Golden check": _golden(manifest),
        "Source and terms": _source(manifest),
        "Serving": _serving(manifest),
    }
    parts = [f"# {manifest.ref}", inert(manifest.summary) or "No summary."]
    for title, lines in sections.items():
        parts += [f"## {title}", "\n".join(f"- {line}" for line in lines)]
    return "\n\n".join(parts) + "\n"


def inert(text: str) -> str:
    """Escape text for Markdown, on one line."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    for character, entity in _ENTITIES.items():
        line = line.replace(character, entity)
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", line)


def _model(manifest: Manifest, weights: Mapping[str, np.ndarray]) -> Iterable[str]:
    measured = sum(array.size for path, array in weights.items() if path.endswith(_STATISTICS))
    total = sum(array.size for array in weights.values())
    if manifest.network:
        yield from _imported(manifest.network, total)
    else:
        yield from _own(manifest, total, measured)
    yield f"Weights: {manifest.weights.file}, SHA-256 {manifest.weights.sha256}"


def _imported(network: ImportedNetwork, total: int) -> Iterable[str]:
    yield f"Network of another project, imported from {inert(network.format)}"
    yield f"SHA-256 of the imported file: {network.file_sha256}"
    if network.backbone:
        yield f"Head on the embedding of {network.backbone}"
    if network.embedding:
        yield f"Embedding: {network.embedding:,} numbers for each window"
    yield f"Parameters: {total:,}"


def _own(manifest: Manifest, total: int, measured: int) -> Iterable[str]:
    yield f"Architecture: {inert(manifest.architecture.name)}"
    for name, value in manifest.architecture.arguments.items():
        yield f"Argument {inert(name)}: {inert(json.dumps(value, default=str))}"
    yield (
        f"Parameters: {total:,}, of which {total - measured:,} are trained and {measured:,} are "
        "means and variances of normalisations"
    )


def _input(manifest: Manifest) -> Iterable[str]:
    window_spec = manifest.window_spec
    yield f"Front end: {front_end_words(manifest.front_end)}"
    yield (
        f"Window: {window_spec.window_s:.3g} s ({window_spec.window_frames:,} frames), "
        f"one every {window_spec.hop_s:.3g} s ({window_spec.hop_frames:,} frames)"
    )


def _tags(manifest: Manifest) -> Iterable[str]:
    yield f"Family: {manifest.tags.family}"
    names = ", ".join(inert(name) for name in manifest.tags.names)
    if not manifest.tags.names:
        yield "None: it is the backbone of heads"
        return
    yield f"{len(manifest.tags.names)} in the order of the outputs: {names}"
    if vocabulary := manifest.vocabulary:
        yield f"Vocabulary: {inert(vocabulary.name)}; its tags are those of this model"
        if vocabulary.unheard:
            untrained = ", ".join(map(inert, vocabulary.unheard))
            yield f"Without an example in training, so their scores are not used: {untrained}"


def _metrics(manifest: Manifest) -> Iterable[str]:
    figures = manifest.evaluation
    if figures is None:
        yield "Test set: not measured"
        yield "ROC-AUC: not measured"
        yield "PR-AUC: not measured"
        return
    tracks = "" if figures.tracks is None else f", {figures.tracks:,} tracks"
    yield f"Test set: {inert(figures.dataset)}{tracks}"
    if figures.split:
        fingerprint = f", SHA-256 {figures.fingerprint}" if figures.fingerprint else ""
        yield f"Split: {inert(figures.split)}{fingerprint}"
    yield f"ROC-AUC: {figures.roc_auc:.4f}{_interval(figures.roc_auc_interval)}"
    yield f"PR-AUC: {figures.pr_auc:.4f}{_interval(figures.pr_auc_interval)}"
    by_falling = sorted(figures.tags.items(), key=lambda each: -each[1].roc_auc)
    for title, some in (("Best", by_falling[:TOP]), ("Worst", by_falling[TOP:][-TOP:])):
        if some:
            yield f"{title} tags by ROC-AUC: {', '.join(_tag(*each) for each in some)}"


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" (95 %: {interval[0]:.4f} to {interval[1]:.4f})"


def _tag(name: str, figures: TagEvaluation) -> str:
    return (
        f"{inert(name)} {figures.roc_auc:.3f} (PR-AUC {figures.pr_auc:.3f}, "
        f"on {figures.positives:,} tracks)"
    )


def _score_meaning(manifest: Manifest) -> Iterable[str]:
    thresholds, calibration, rates = manifest.thresholds, manifest.calibration, manifest.base_rates
    source = inert(rates.source) if rates else "not stated, so all tags count as equally common"
    yield f"Base rates, which make scores of tags and models comparable: {source}"
    if thresholds is None:
        yield "Thresholds: none were chosen"
    else:
        lowest = (f"{inert(tag)} {score:.3f}" for tag, score in thresholds.scores.items())
        yield (
            "Mean scores over a track above which a tag was right at least "
            f"{_percent(thresholds.precision)} of the time, on the validation set: "
            f"{', '.join(lowest) or 'no tag has one'}"
        )
        without = [tag for tag in manifest.tags.names if tag not in thresholds.scores]
        if without:
            yield f"Without a threshold, or not measured: {', '.join(map(inert, without))}"
    if calibration is None:
        yield "Calibration: not measured, so a score is not a probability"
        return
    bins = zip(calibration.scores, calibration.frequencies, calibration.counts, strict=True)
    yield f"Calibration: scores are off by {calibration.expected_error:.4f} on average"
    for score, frequency, count in bins:
        right = f"{_percent(frequency)} of {count:,} times"
        yield f"At a score of {score:.2f} the tag was right {right}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _confidence(manifest: Manifest) -> Iterable[str]:
    if manifest.confidence is None:
        yield "Whether it can distinguish music from speech, tones and noise was not measured."
        return
    radii = ", ".join(f"{each.radius:g} of {each.kind}" for each in manifest.confidence.not_music)
    yield (
        f"Confidence is low if a track's mean scores are within {radii}, and a classifier "
        "decides that they are not those of music."
    )


def _golden(manifest: Manifest) -> Iterable[str]:
    golden = manifest.golden
    best = np.argsort(-np.array(golden.mean_scores), kind="stable")[:TOP]
    names = ", ".join(
        f"{inert(manifest.tags.names[index])} {golden.mean_scores[index]:.6f}" for index in best
    )
    yield (
        f"Golden input: {golden.seconds:g} s of synthetic audio from seed {golden.seed}; the model "
        f"is served only if mean scores differ by at most {golden.tolerance:g} from those published"
    )
    yield f"Its best tags: {names}"


def _source(manifest: Manifest) -> Iterable[str]:
    source = manifest.source
    if source.fine_tuned_from:
        yield from _fine_tuned(source.fine_tuned_from)
    link = f"<{source.url}>" if _LINK.fullmatch(source.url) else inert(source.url)
    yield f"Licence: {inert(source.licence) or _NOT_STATED}"
    yield f"Commercial use: {_ALLOWED[source.commercial_use]}"
    if source.trained_on:
        terms = inert(source.data_terms or "") or _NOT_STATED
        yield f"Training data: {inert(source.trained_on)}; its terms: {terms}"
    yield f"Source: {inert(source.description) or _NOT_STATED}"
    yield f"Where: {link or _NOT_STATED}"
    yield f"To cite: {inert(source.citation) or _NOT_STATED}"


def _fine_tuned(base: FineTunedFrom) -> Iterable[str]:
    yield f"Fine-tuned from: {base.model}, whose weights have the SHA-256 {base.weights_sha256}"
    yield (
        f"Its licence: {inert(base.licence) or _NOT_STATED}; commercial use: "
        f"{_ALLOWED[base.commercial_use]}"
    )
    yield f"Its source: {inert(base.description) or _NOT_STATED}"
    if base.trained_on:
        terms = inert(base.data_terms or "") or _NOT_STATED
        yield f"Its training data: {inert(base.trained_on)}; its terms: {terms}"
    yield f"To cite it: {inert(base.citation) or _NOT_STATED}"


def _serving(manifest: Manifest) -> Iterable[str]:
    yield f"This version: `TAGGRAM_MODELS='[\"{manifest.ref}\"]' taggram serve`"
    yield f"In production: `taggram models promote {manifest.name} {manifest.version}`"
