"""A model's card in Markdown: what it is, what it learnt from, how well it does, how it is served.

Whatever a manifest says stays text: no tag and no summary becomes a heading, a link or HTML.
"""

import json
import re
from collections.abc import Iterable, Mapping

import numpy as np

from app.store.front_end_words import front_end_words
from app.store.golden import TOP
from app.store.manifest import Manifest

_STATISTICS = ("/moving_mean", "/moving_variance")
"""What a normalisation saw in training: measured, not learnt."""

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_SPECIAL = re.compile(
    r"[\\`*_{}\[\]()#!|~$@]"  # anywhere
    r"|:(?=//|[\w+-]+:)|(?<=www)\."  # in addresses and names of emojis
    r"|^[-+=]|(?<=^\d)\.|(?<=^\d\d)\.|(?<=^\d{3})\."  # at the beginning of lists
)
_LINK = re.compile(r"https?://[\w.~:/?#@!$&'*+,;=%-]+", re.ASCII)

_NOT_STATED = "not stated"


def card(manifest: Manifest, weights: Mapping[str, np.ndarray]) -> str:
    """Write it.

    Args:
        manifest: All that is said about the model.
        weights: Its weights, which are counted.
    """
    sections = {
        "Model": _model(manifest, weights),
        "What it hears": _hearing(manifest),
        "Tags": _tags(manifest),
        "Data and figures": _figures(manifest),
        "When it is not sure": _confidence(manifest),
        "How it is checked": _golden(manifest),
        "Source and terms": _source(manifest),
        "How to serve it": _serving(manifest),
    }
    parts = [f"# {manifest.ref}", inert(manifest.summary) or "No summary."]
    for title, lines in sections.items():
        parts += [f"## {title}", "\n".join(f"- {line}" for line in lines)]
    return "\n\n".join(parts) + "\n"


def inert(text: str) -> str:
    """Text as Markdown that shows just this, on one line."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    for character, entity in _ENTITIES.items():
        line = line.replace(character, entity)
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", line)


def _model(manifest: Manifest, weights: Mapping[str, np.ndarray]) -> Iterable[str]:
    measured = sum(array.size for path, array in weights.items() if path.endswith(_STATISTICS))
    total = sum(array.size for array in weights.values())
    yield f"Architecture: {inert(manifest.architecture.name)}"
    for name, value in manifest.architecture.arguments.items():
        yield f"Argument {inert(name)}: {inert(json.dumps(value, default=str))}"
    yield (
        f"Parameters: {total:,}, of which {total - measured:,} were learnt and {measured:,} are "
        "means and variances of normalisations"
    )
    yield f"Weights: {manifest.weights.file}, SHA-256 {manifest.weights.sha256}"


def _hearing(manifest: Manifest) -> Iterable[str]:
    framing = manifest.framing
    yield f"Front end: {front_end_words(manifest.front_end)}"
    yield (
        f"Window: {framing.window_s:.3g} s ({framing.window_frames:,} frames), "
        f"a new one each {framing.hop_s:.3g} s ({framing.hop_frames:,} frames)"
    )


def _tags(manifest: Manifest) -> Iterable[str]:
    yield f"Family: {manifest.tags.family}"
    names = ", ".join(inert(name) for name in manifest.tags.names)
    yield f"{len(manifest.tags.names)} in the order of the outputs: {names}"


def _figures(manifest: Manifest) -> Iterable[str]:
    if manifest.evaluation is None:
        yield "Test set: not measured"
        yield "ROC-AUC: not measured"
        yield "PR-AUC: not measured"
        return
    yield f"Test set: {inert(manifest.evaluation.dataset)}"
    yield f"ROC-AUC: {manifest.evaluation.roc_auc:.4f}"
    yield f"PR-AUC: {manifest.evaluation.pr_auc:.4f}"


def _confidence(manifest: Manifest) -> Iterable[str]:
    if manifest.confidence is None:
        yield "No floor was measured: whether it recognises a track at all is not known."
        return
    yield (
        f"Where the best tag scores less than {manifest.confidence.best:g}, or all tags together "
        f"less than {manifest.confidence.total:g}, as mean over a track, it is not sure."
    )


def _golden(manifest: Manifest) -> Iterable[str]:
    golden = manifest.golden
    best = np.argsort(-np.array(golden.mean_scores), kind="stable")[:TOP]
    names = ", ".join(
        f"{inert(manifest.tags.names[index])} {golden.mean_scores[index]:.6f}" for index in best
    )
    yield (
        f"Golden input: {golden.seconds:g} s of made-up sound from seed {golden.seed}; mean scores "
        f"may differ by {golden.tolerance:g} from those published, or it is not served"
    )
    yield f"Its best tags: {names}"


def _source(manifest: Manifest) -> Iterable[str]:
    source = manifest.source
    link = f"<{source.url}>" if _LINK.fullmatch(source.url) else inert(source.url)
    yield f"Licence: {inert(source.licence) or _NOT_STATED}"
    yield f"Source: {inert(source.description) or _NOT_STATED}"
    yield f"Where: {link or _NOT_STATED}"
    yield f"To cite: {inert(source.citation) or _NOT_STATED}"


def _serving(manifest: Manifest) -> Iterable[str]:
    yield f"This version: `TAGGRAM_MODELS='[\"{manifest.ref}\"]' taggram serve`"
    yield f"As the one in production: `taggram models promote {manifest.name} {manifest.version}`"
