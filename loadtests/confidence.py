"""Finds typical scores of music and of what is not music, by which confidence is judged.

`python -m loadtests.confidence` prints loadtests/confidence.md anew and writes the table
`[confidence]` of each model, or of those that are named, to `.cache/confidence/<model>.toml`, for
its manifest; about ten minutes on two cores. Sounds that this machine can't bring are left out and
named.
"""

import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from app.audio.limits import AudioLimits
from app.domain import Samples, Scores, Waveform
from app.errors import RequestError
from app.settings import Settings
from app.store.manifest import Confidence, Manifest, read_store
from app.store.store import Store
from app.tagging.confidence import margin
from loadtests.engines import best, framer_of
from loadtests.not_music import (
    RATE,
    WINDOWS,
    announcements,
    noises,
    synthetic_speech,
    tones,
    with_medleys,
)
from testing.packages.audio import CACHE, CannotFetchError, fetch
from testing.sounds import decoded

WHOLE_TRACKS = AudioLimits(RATE, 10, 600)
TRACKS = {
    "fretsonfire-songs-sectoid": "*/song.ogg",
    "singularity-music": "**/*.ogg",
    "hyperrogue-music": "*.ogg",
    "wesnoth-1.16-music": "*.ogg",
}
ANNOUNCEMENTS = "asterisk-core-sounds-en-wav"
SEED = 20260101
"""Of the made sounds."""

MUSIC, EXCERPTS = "music", "excerpts"
NOT_MUSIC = ("noise", "tones", "speech", "synthetic speech")

PROTOTYPES = 6
"""For each kind of what is not music, and for each package of music."""

RADIUS_QUANTILE = 0.95
"""The share of what is not music that lies within the radius."""

INTRODUCTION = """# Confidence

An answer is `confidence: low` where the models' mean scores are near those of speech, tones or
noise, and nearer to them than to those of free music. Each model's manifest keeps typical mean
scores of both (k-means, six for each kind of what is not music and six for each package of music)
and the radius within which 95 % of what is not music lies. Several models are judged by the mean of
their margins. Distances are Hellinger's.

What is not music can be made in any variety, so it is well described; free music is game music,
metal and ambient alone. Music of other genres is near to neither, and is not doubted: a classifier
of music against the rest that is trained on this free music doubts half of all hip-hop, blues and
jazz. `make floor` measures all of this anew and prints this page.

"Held out": the sounds were parted into halves, tracks whole, and each half was judged by typical
scores of the other one. "Shipped": judged by those in the manifests, which were found on all.
"""


@dataclass(frozen=True, eq=False)
class Clip:
    """A sound.

    Attributes:
        kind: What it is.
        source: Where it comes from.
        track: The same for all excerpts of a track.
        means: By model, mean scores, (tags,).
    """

    kind: str
    source: str
    track: int
    means: Mapping[str, Samples]


def sounds() -> Iterator[tuple[str, str, Samples | Path]]:
    """Yield all that is scored: its kind, where it comes from, the samples or their file."""
    random = np.random.RandomState(SEED)
    for kind, steady in (("noise", list(noises(random))), ("tones", list(tones(random)))):
        yield from ((kind, "computed here", clip) for clip in with_medleys(steady, random))
    yield from (("synthetic speech", "espeak-ng", clip) for clip in synthetic_speech())
    for package in (ANNOUNCEMENTS, *TRACKS):
        try:
            folder = fetch(package)
        except CannotFetchError as error:
            print(f"Measured without {error}\n")
            continue
        if package == ANNOUNCEMENTS:
            yield from (("speech", package, clip) for clip in announcements(folder))
        else:
            yield from ((MUSIC, package, path) for path in sorted(folder.glob(TRACKS[package])))


def score_all(models: Sequence[Manifest]) -> Iterator[Clip]:
    """Run all models on all sounds; of a track also up to five excerpts."""
    framer = framer_of(models[0])  # the others have the same front end
    engines = {model.name: best(model, framer) for model in models}
    listed = track(list(sounds()), "scoring", console=Console(stderr=True))
    for number, (kind, source, sound) in enumerate(listed):
        with suppress(RequestError):  # too short, or silent
            samples = decoded(sound, WHOLE_TRACKS) if isinstance(sound, Path) else sound
            scores = {n: engine.scores(Waveform(samples, RATE)) for n, engine in engines.items()}
            yield Clip(kind, source, number, _means(scores, slice(None)))
            if kind == MUSIC:
                windows = min(map(len, scores.values()))
                for start in range(0, windows - WINDOWS + 1, max(WINDOWS, windows // 5)):
                    part = _means(scores, slice(start, start + WINDOWS))
                    yield Clip(EXCERPTS, source, number, part)


def _means(scores: Mapping[str, Scores], rows: slice) -> dict[str, Samples]:
    return {name: each[rows].mean(axis=0) for name, each in scores.items()}


def find(clips: Sequence[Clip], model: str) -> Confidence:
    """Find a model's typical scores and its radius."""
    other = [c for c in clips if c.kind in NOT_MUSIC]
    music = [c for c in clips if c.kind in (MUSIC, EXCERPTS)]
    not_music = _centres([[c for c in other if c.kind == kind] for kind in NOT_MUSIC], model)
    centres = _centres([[c for c in music if c.source == source] for source in TRACKS], model)
    roots = np.sqrt([clip.means[model] for clip in other])
    distances = np.sqrt(
        np.square(roots[:, np.newaxis] - np.sqrt(not_music)).sum(axis=2).min(axis=1)
    )
    radius = round(float(np.quantile(distances, RADIUS_QUANTILE)), 3)
    return Confidence(radius=radius, not_music=not_music, music=centres)


def _centres(groups: Iterable[Sequence[Clip]], model: str) -> tuple[tuple[float, ...], ...]:
    """The centres of each group, as scores."""
    from sklearn.cluster import KMeans

    centres: list[tuple[float, ...]] = []
    for group in groups:
        if not group:
            continue
        roots = np.sqrt([clip.means[model] for clip in group])
        clusters = KMeans(min(PROTOTYPES, len(group)), n_init=10, random_state=0).fit(roots)
        squares = np.square(clusters.cluster_centers_)
        centres += [tuple(round(float(score), 3) for score in centre) for centre in squares]
    return tuple(centres)


def judge(clips: Sequence[Clip], found: Mapping[str, Confidence]) -> np.ndarray:
    """Whether each clip is called music, by the mean margin of these models."""
    margins = [[margin(each, clip.means[name]) for name, each in found.items()] for clip in clips]
    called: np.ndarray = np.mean(margins, axis=1) > 0
    return called


def held_out(clips: Sequence[Clip], models: Sequence[str]) -> np.ndarray:
    """Whether each clip is called music by what was found on the other half."""
    halves = np.random.RandomState(0).permutation(1 + max(clip.track for clip in clips)) % 2
    of_half = np.array([halves[clip.track] for clip in clips])
    called = np.empty(len(clips), bool)
    for half in (0, 1):
        others = [clip for clip, its in zip(clips, of_half, strict=True) if its != half]
        here = of_half == half
        found = {name: find(others, name) for name in models}
        called[here] = judge(
            [clip for clip, its in zip(clips, of_half, strict=True) if its == half], found
        )
    return called


def row(title: str, clips: Sequence[Clip], called: np.ndarray) -> list[str]:
    """For a table: the share of each kind that is `low`."""
    kinds = np.array([clip.kind for clip in clips])
    return [title, *(f"{1 - called[kinds == k].mean():.1%}" for k in (MUSIC, EXCERPTS, *NOT_MUSIC))]


def show(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table in Markdown."""
    lines = (header, ["---"] * len(header), *rows)
    print(f"### {title}\n", *(f"| {' | '.join(line)} |" for line in lines), "", sep="\n")


def write(model: str, found: Confidence, folder: Path) -> None:
    """Write the table of a manifest."""
    lines = ["# Found by `make floor`; see loadtests/confidence.md.", "[confidence]"]
    lines.append(f"radius = {found.radius}")
    for place in ("not_music", "music"):
        lines += [f"{place} = [", *(f"  {list(each)}," for each in getattr(found, place)), "]"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{model}.toml").write_text("\n".join(lines) + "\n")


def main() -> None:
    """Score, find, and print the report."""
    published = read_store(Store(Settings().model_store))
    models = [published[name] for name in sys.argv[1:] or published]
    folder = CACHE.parent / "confidence"
    clips = list(score_all(models))
    if not {MUSIC, *NOT_MUSIC} <= {clip.kind for clip in clips}:
        sys.exit("music, noise, tones and speech are all needed to find typical scores")
    found = {model.name: find(clips, model.name) for model in models}
    for name, each in found.items():
        write(name, each, folder)
    print(INTRODUCTION)
    counts = sorted(Counter((clip.kind, clip.source) for clip in clips).items())
    show("Sounds", ("kind", "from", "clips"), ([*of, str(count)] for of, count in counts))
    default = [name for name in Settings.model_fields["models"].default if name in found]
    asked = [default, *([name] for name in found)]
    kinds = ("models", MUSIC, EXCERPTS, *NOT_MUSIC)
    rows = [row(", ".join(names), clips, held_out(clips, names)) for names in asked]
    show("Share that is `low`, held out", kinds, rows)
    shipped = [
        row(", ".join(names), clips, judge(clips, {name: found[name] for name in names}))
        for names in asked
    ]
    show("Share that is `low`, shipped", kinds, shipped)


if __name__ == "__main__":
    main()
