"""Typical scores of music and of non-music, from which confidence is computed.

`python -m loadtests.quality.confidence` prints loadtests/quality/confidence.md and writes the table
`[confidence]` of each model in the store, or of the named ones, to
`.cache/confidence/<model>.toml`, for its manifest. Models that can be pulled are measured
if they have been. Sounds that cannot be fetched on this machine are omitted and named.
"""

import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from app.domain import Samples
from app.settings import Settings
from app.store.manifest.manifest import read_store
from app.store.manifest.typical import Confidence, NotMusic
from app.store.storage.store import Store
from app.tagging.confidence import OFFSET, compute_margin
from loadtests.quality.confidence_sounds import FOLDER, MUSIC, NOT_MUSIC, TRACKS, Clips, score_all

TYPICAL = 12
"""For each kind of non-music."""

MUSIC_WEIGHT = 2
"""Weight of all music for the classifier; each kind of non-music has a quarter."""

REGULARISATION = 10
"""The classifier's C."""

RADIUS_QUANTILE = 0.98
"""The share of a kind of non-music that is within the radius."""

FOLDS = 5
"""In which kinds of made sounds, and packages of music, are held out whole."""

COMBINATIONS = (
    ("msd-musicnn", "mtt-musicnn"),
    ("msd-musicnn", "mtt-musicnn", "jamendo-fcn", "jamendo-musicnn"),
)

INTRODUCTION = """# Confidence

An answer is `confidence: low` if the mean scores of the models are close to those of noise, tones
or speech, and a classifier finds that they are unlike those of music. For each kind of non-music a
model's manifest holds twelve typical mean scores (k-means) and a radius. The radius covers 98 % of
the held-out sounds of the kind: half of them are compared with the typical scores of the other
half. The classifier is a logistic regression on the logarithms of mean scores, of free music
against non-music. All packages of music have the same weight, as have all kinds of non-music; all
music together has twice the weight of all non-music. The margins of several models are averaged.
Distances are Hellinger's.

The radii protect music of genres that are missing from the free music: the classifier alone gives
much of it low confidence, but it is outside the radii. `make floor` measures all of this again and
writes this page. Noise and tones are drawn at random, sixteen sounds of each kind
(`loadtests/quality/synthetic_sounds.py`). Music is up to four excerpts of 18 s of up to ten tracks
of each package; a track is the mean of its excerpts.

"Held out": the sounds are split into halves, by track, and each half is judged by the fit on the
other. "Kinds and packages held out": whole kinds of noise and tones (such as all hum) and whole
packages of music are judged by the fit on the others, in five folds; speech in halves. "Shipped":
judged by the data in the manifests, which was fitted on everything.
"""

Found = Mapping[str, Confidence]
"""By model."""


def find(clips: Clips, model: str) -> Confidence:
    """Find a model's typical scores, radii and classifier."""
    kinds = np.array([sound.kind for sound in clips.sounds])
    tracks = np.array([sound.track for sound in clips.sounds])
    not_music = []
    for kind in NOT_MUSIC:
        roots = np.sqrt(clips.means[model][kinds == kind])
        radius = round(_find_radius(roots, tracks[kinds == kind]), 3)
        typical = tuple(_rounded(row, 3) for row in np.square(_cluster(roots)))
        not_music.append(NotMusic(kind=kind, radius=radius, typical=typical))
    weights, bias = _classify(clips.where(kinds != TRACKS), model)
    return Confidence(weights=_rounded(weights, 3), bias=round(bias, 3), not_music=tuple(not_music))


def _classify(clips: Clips, model: str) -> tuple[Samples, float]:
    """The weights and bias of a classifier of music and the rest."""
    from sklearn.linear_model import LogisticRegression

    is_music = np.array([sound.kind in MUSIC for sound in clips.sounds])
    groups = [sound.source if sound.kind in MUSIC else sound.kind for sound in clips.sounds]
    count, packages = Counter(groups), len({*groups} - {*NOT_MUSIC})
    shares = [
        1 / len(NOT_MUSIC) if group in NOT_MUSIC else MUSIC_WEIGHT / packages for group in groups
    ]
    importance = np.array([s / count[group] for s, group in zip(shares, groups, strict=True)])
    regression = LogisticRegression(C=REGULARISATION, max_iter=2000)
    logs = np.log(clips.means[model] + OFFSET)
    regression.fit(logs, is_music, importance * len(groups) / importance.sum())
    return regression.coef_[0], float(regression.intercept_[0])


def _find_radius(roots: Samples, tracks: np.ndarray) -> float:
    """The distance within which most of each half lie from the typical ones of the other."""
    halves = part(tracks)
    distances = []
    for half in (0, 1):
        typical = _cluster(roots[halves != half])
        apart = roots[halves == half][:, np.newaxis] - typical
        distances.append(np.sqrt(np.square(apart).sum(axis=2).min(axis=1)))
    return float(np.quantile(np.concatenate(distances), RADIUS_QUANTILE))


def _cluster(roots: Samples) -> Samples:
    from sklearn.cluster import KMeans

    clusters = KMeans(min(TYPICAL, len(roots)), n_init=3, random_state=0).fit(roots)
    centres: Samples = clusters.cluster_centers_
    return centres


def _rounded(row: Samples, digits: int) -> tuple[float, ...]:
    return tuple(round(float(number), digits) for number in row)


def part(names: np.ndarray, parts: int = 2) -> np.ndarray:
    """Part things at random, those of one name together: the number of each one's part."""
    unique, places = np.unique(names, return_inverse=True)
    numbers: np.ndarray = np.random.RandomState(0).permutation(len(unique))[places] % parts
    return numbers


def part_sources(clips: Clips) -> np.ndarray:
    """The number of each clip's fold: those of a source together, speech by halves."""
    folds = np.empty(len(clips.sounds), int)
    kinds = np.array([sound.kind for sound in clips.sounds])
    sources = np.array([sound.source for sound in clips.sounds])
    tracks = np.array([sound.track for sound in clips.sounds])
    for group in (*([kind] for kind in NOT_MUSIC), list(MUSIC)):
        here = np.isin(kinds, group)
        one_source = len(set(sources[here])) == 1
        folds[here] = part(tracks[here]) if one_source else part(sources[here], FOLDS)
    return folds


def find_for_parts(clips: Clips, parts: np.ndarray) -> list[Found]:
    """For each part, the confidence data fitted on all others."""
    return [
        {model: find(clips.where(parts != number), model) for model in clips.means}
        for number in range(parts.max() + 1)
    ]


def compute_margins(
    clips: Clips, found: Sequence[Found], parts: np.ndarray
) -> Mapping[str, Samples]:
    """By model, each clip's margin with the data fitted for its part."""
    return {
        model: np.array(
            [
                compute_margin(found[number][model], row)
                for row, number in zip(means, parts, strict=True)
            ]
        )
        for model, means in clips.means.items()
    }


def list_shares(clips: Clips, margins: Mapping[str, Samples]) -> Iterable[list[str]]:
    """Yield rows of a table: models, and the share of each kind that is `low`."""
    kinds = np.array([sound.kind for sound in clips.sounds])
    combinations = [names for names in COMBINATIONS if set(names) <= set(margins)]
    for names in (*combinations, *((name,) for name in margins)):
        low = np.mean([margins[name] for name in names], axis=0) <= 0
        yield [", ".join(names), *(f"{low[kinds == k].mean():.1%}" for k in (*MUSIC, *NOT_MUSIC))]


def list_sources(clips: Clips, margins: Mapping[str, Samples]) -> Iterable[list[str]]:
    """Yield rows of a table: the `low` share of each kind and source, by the first combination."""
    names = [name for name in COMBINATIONS[0] if name in margins]
    low = np.mean([margins[name] for name in names], axis=0) <= 0 if names else np.zeros(0)
    groups = [(sound.kind, sound.source) for sound in clips.sounds]
    for group, count in sorted(Counter(groups).items()) if names else ():
        here = np.array([each == group for each in groups])
        yield [*group, str(count), f"{low[here].mean():.0%}"]


def show(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table in Markdown."""
    lines = (header, ["---"] * len(header), *rows)
    print(f"### {title}\n", *(f"| {' | '.join(line)} |" for line in lines), "", sep="\n")


def write(found: Confidence, path: Path) -> None:
    """Write the table of a manifest."""
    lines = ["# Found by `make floor`; see loadtests/quality/confidence.md.", "[confidence]"]
    lines += [f"weights = {list(found.weights)}", f"bias = {found.bias}"]
    for kind in found.not_music:
        lines += ["[[confidence.not_music]]", f'kind = "{kind.kind}"', f"radius = {kind.radius}"]
        lines += ["typical = [", *(f"  {list(row)}," for row in kind.typical), "]"]
    path.write_text("\n".join(lines) + "\n")


def main() -> None:
    """Score, find, and print the report."""
    published = read_store(Store(Settings().model_store))
    clips = score_all([published[name] for name in sys.argv[1:] or published])
    if not {*MUSIC, *NOT_MUSIC} <= {sound.kind for sound in clips.sounds}:
        sys.exit("music, noise, tones and speech are all needed to find typical scores")
    found = {model: find(clips, model) for model in clips.means}
    for name, each in found.items():
        write(each, FOLDER / f"{name}.toml")
    print(INTRODUCTION)
    halves = part(np.array([sound.track for sound in clips.sounds]))
    folds = part_sources(clips)
    by_fold = compute_margins(clips, find_for_parts(clips, folds), folds)
    for title, margins in (
        ("held out", compute_margins(clips, find_for_parts(clips, halves), halves)),
        ("kinds and packages held out", by_fold),
        ("shipped", compute_margins(clips, [found], np.zeros_like(halves))),
    ):
        kinds = ("models", *MUSIC, *NOT_MUSIC)
        show(f"Share that is `low`, {title}", kinds, list_shares(clips, margins))
    header = ("kind", "from", "clips", "`low`")
    show(
        f"{' and '.join(COMBINATIONS[0])}, by kind and package, each held out",
        header,
        list_sources(clips, by_fold),
    )


if __name__ == "__main__":
    main()
