"""Finds each model's confidence floor: what real music scores, and what noise, tones and speech do.

`python -m loadtests.confidence_floor` prints loadtests/confidence_floor.md anew, in about fifteen
minutes on two cores. What this machine can't bring is left out and named.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from app.audio.limits import AudioLimits
from app.domain import (
    PEAK_PAIRS,
    Precision,
    Samples,
    Scores,
    Taggram,
    TaggramKey,
    Waveform,
)
from app.errors import RequestError
from app.settings import Settings
from app.store.manifest import Confidence, Manifest, read_store
from app.store.store import Store
from app.tagging.lexicon import Lexicon
from app.tagging.vocabulary_file import read_vocabularies
from loadtests.engines import best, framer_of
from loadtests.not_music import (
    RATE,
    SECONDS,
    WINDOWS,
    announcements,
    noises,
    synthetic_speech,
    tones,
    with_medleys,
)
from testing.packages.audio import CannotFetchError, fetch
from testing.sounds import decoded

WHOLE_TRACKS = AudioLimits(RATE, 10, 600)
NO_PEAKS = np.zeros((PEAK_PAIRS, 2), np.int8)
"""Nobody draws these tracks."""

TRACKS = {
    "fretsonfire-songs-sectoid": "*/song.ogg",
    "singularity-music": "**/*.ogg",
    "hyperrogue-music": "*.ogg",
    "wesnoth-1.16-music": "*.ogg",
}
ANNOUNCEMENTS = "asterisk-core-sounds-en-wav"

MUSIC, EXCERPTS, SYNTHETIC = "music", "excerpts", "synthetic speech"
NOT_MUSIC = ("noise", "tones", "speech")
"""What a floor is found by. Synthetic speech is only shown, as not every machine has espeak-ng."""
KINDS = (MUSIC, EXCERPTS, *NOT_MUSIC, SYNTHETIC)
VERDICT = (
    *(f"{kind} {'high' if kind in (MUSIC, EXCERPTS) else 'low'}" for kind in KINDS),
    "balanced",
)
DEFAULT: tuple[str, ...] = Settings.model_fields["models"].default
VOCABULARIES = ("raw", "genres", "subgenres", "moodthemes", "alltags")
DOUBTED = {"best score": 0.02, "sum of scores": 0.05}
"""The largest share of tracks that a floor may call low. The best score hardly tells music from
noise, so its floor only stops answers without any word; the sum of all scores does the telling."""
STATISTICS: dict[str, tuple[float, Callable[[Scores], float]]] = {
    "best score": (0.01, lambda scores: float(scores.mean(axis=0).max())),
    "sum of scores": (0.05, lambda scores: float(scores.mean(axis=0).sum())),
}
"""What may be held against a floor, with the floor's steps; both are held against one."""


INTRODUCTION = """# The confidence floor

An answer is `confidence: low` where the models recognise as little in a track as they do in noise,
tones or speech. For each model its manifest keeps two floors of mean scores over the track: `best`,
of the best raw tag that speaks for the vocabulary, and `total`, the sum over all raw tags. It is
`high` where every model asked is above its `total`, and any above its `best`.

`make floor` measures them anew and prints this page. Each floor is the one with the best balanced
accuracy (the mean of the share of tracks called high, and of the shares of noise, tones and speech
called low) among those that call at most 2 % (`best`) or 5 % (`total`) of the tracks low.

The best score alone, which one would think of first, tells next to nothing: in noise the models
are quite sure to hear something electronic. They recognise little else there, so the sum tells
much more. Noise is still taken for music about one time in four, and about one track in twenty for
none. The figures are of the sounds that the floors were found with; floors found without
hyperrogue-music call only 59 % of its 17 tracks high. All of the music is game music, and the
recorded speech is one announcer at 8 kHz.
"""


def sounds() -> Iterator[tuple[str, str, Samples | Path]]:
    """All that is heard: its kind, where it comes from, and the samples or their file."""
    random = np.random.RandomState(20260101)
    for kind, steady in (("noise", list(noises(random))), ("tones", list(tones(random)))):
        yield from ((kind, "computed here", clip) for clip in with_medleys(steady, random))
    yield from ((SYNTHETIC, "espeak-ng", clip) for clip in synthetic_speech())
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


@dataclass(frozen=True, eq=False)
class Clip:
    """A sound, and what each model hears in it: (windows, raw tags) by name."""

    kind: str
    source: str
    scores: dict[str, Scores]

    def excerpts(self) -> Iterator["Clip"]:
        """Up to five, cut out of the scores: as good as out of the sound, but for the edges."""
        windows = min(len(scores) for scores in self.scores.values())
        for start in range(0, windows - WINDOWS + 1, max(WINDOWS, windows // 5)):
            rows = slice(start, start + WINDOWS)
            yield Clip(EXCERPTS, self.source, {name: s[rows] for name, s in self.scores.items()})


def listen(models: Sequence[Manifest]) -> Iterator[Clip]:
    """Run all models over all sounds."""
    framer = framer_of(models[0])  # the others hear as it does
    engines = {model.name: best(model, framer) for model in models}
    heard = track(list(sounds()), "listening", console=Console(stderr=True))
    for kind, source, sound in heard:
        with suppress(RequestError):  # too short, or silent
            samples = decoded(sound, WHOLE_TRACKS) if isinstance(sound, Path) else sound
            scores = {n: engine.scores(Waveform(samples, RATE)) for n, engine in engines.items()}
            clip = Clip(kind, source, scores)
            yield clip
            yield from clip.excerpts() if kind == MUSIC else ()


@dataclass(frozen=True, eq=False)
class Study:
    """What was heard, and figures on it."""

    clips: list[Clip]
    lexicon: Lexicon

    @cached_property
    def of_kind(self) -> dict[str, np.ndarray]:
        """Which clips are of each kind that there is."""
        kinds = np.array([clip.kind for clip in self.clips])
        return {kind: kinds == kind for kind in KINDS if kind in kinds}

    def values(self, model: str, statistic: str, vocabulary: str = "raw") -> np.ndarray:
        """A statistic for each clip, of the raw tags that speak for a vocabulary."""
        sources = self.lexicon.projection(vocabulary, model).sources
        columns = sorted({raw for tag in sources for _, raw in tag})
        _, measure = STATISTICS[statistic]
        return np.array([measure(clip.scores[model][:, columns]) for clip in self.clips])

    def right(self, *verdicts: np.ndarray) -> dict[str, float]:
        """By kind the share of music called high, or of the rest called low, on average."""
        called = np.mean(verdicts, axis=0)
        high = {kind: float(called[of].mean()) for kind, of in self.of_kind.items()}
        return {k: share if k in (MUSIC, EXCERPTS) else 1 - share for k, share in high.items()}

    def balanced(self, *verdicts: np.ndarray) -> float:
        """The mean of the share right of tracks and that of the rest, whose kinds count alike."""
        right = self.right(*verdicts)
        return (right[MUSIC] + float(np.mean([right[k] for k in NOT_MUSIC if k in right]))) / 2

    def floor(self, model: str, statistic: str) -> float:
        """The best balanced floor of those that doubt few tracks."""
        vocabularies = VOCABULARIES if statistic == "best score" else ("raw",)
        values = [self.values(model, statistic, vocabulary) for vocabulary in vocabularies]
        step, _ = STATISTICS[statistic]
        floors = [round(number * step, 3) for number in range(1, 101)]
        least = 1 - DOUBTED[statistic]
        fair = [f for f in floors if self.right(*(v >= f for v in values))[MUSIC] >= least]
        return max(fair, key=lambda f: self.balanced(*(v >= f for v in values)), default=floors[0])

    def row(self, *verdicts: np.ndarray) -> list[str]:
        """For a table: what is called rightly."""
        right = self.right(*verdicts)
        shares = [f"{right[kind]:.0%}" if kind in right else "" for kind in KINDS]
        return [*shares, f"{self.balanced(*verdicts):.2f}"]


def alone(study: Study) -> Iterator[list[str]]:
    """Each statistic of all raw tags against its floor, by itself."""
    for statistic in STATISTICS:
        for model in study.lexicon.models:
            floor = study.floor(model.name, statistic)
            high = study.values(model.name, statistic) >= floor
            yield [statistic, model.name, f"{floor:g}", *study.row(high)]


def served(study: Study) -> Iterator[list[str]]:
    """What the service says with these floors: each model alone, and the default ones."""
    models = [
        model.model_copy(
            update={
                "confidence": Confidence(
                    best=study.floor(model.name, "best score"),
                    total=study.floor(model.name, "sum of scores"),
                )
            }
        )
        for model in study.lexicon.models
    ]
    default = [model for model in models if model.name in DEFAULT]
    for asked in ([model] for model in models):
        yield from answered(study, asked, ("subgenres",))
    yield from answered(study, default, VOCABULARIES[1:])


def answered(
    study: Study, models: list[Manifest], vocabularies: Iterable[str]
) -> Iterator[list[str]]:
    """What is said of each kind of sound when these models are loaded."""
    lexicon = Lexicon(models, study.lexicon.vocabularies)
    for vocabulary in vocabularies:
        asked = lexicon.projection(vocabulary, None)
        high = [asked.confidence(_taggrams(clip, asked.models)) == "high" for clip in study.clips]
        names = ", ".join(model.name for model in asked.models)
        yield [names, vocabulary, *study.row(np.array(high))]


def _taggrams(clip: Clip, models: Iterable[Manifest]) -> list[Taggram]:
    return [
        Taggram(
            TaggramKey("", m.ref, Precision.FLOAT32),
            SECONDS,
            SECONDS,
            SECONDS,
            clip.scores[m.name],
            NO_PEAKS,
        )
        for m in models
    ]


def triggered(study: Study) -> Iterator[list[str]]:
    """How often a raw tag is the best one of a clip."""
    for model in study.lexicon.models:
        means = np.array([clip.scores[model.name].mean(axis=0) for clip in study.clips])
        row = [model.name]
        for of in study.of_kind.values():
            common = Counter(means[of].argmax(axis=1).tolist()).most_common(4)
            row.append(", ".join(f"{model.tags.names[t]} {n / of.sum():.0%}" for t, n in common))
        yield row


def show(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table in Markdown."""
    lines = (header, ["---"] * len(header), *rows)
    print(f"### {title}\n", *(f"| {' | '.join(line)} |" for line in lines), "", sep="\n")


def report(study: Study) -> None:
    """Print the report."""
    print(INTRODUCTION)
    counts = sorted(Counter((clip.kind, clip.source) for clip in study.clips).items())
    show("What was heard", ("kind", "from", "clips"), ([*of, str(count)] for of, count in counts))
    show("Each floor by itself", ("statistic", "model", "floor", *VERDICT), alone(study))
    show("What the service says", ("models", "vocabulary", *VERDICT), served(study))
    show("Raw tags that score best", ("model", *study.of_kind), triggered(study))


def main() -> None:
    """Listen, and print the report."""
    models = read_store(Store(Settings().model_store))
    families = {model.tags.family: model.tags.names for model in models.values()}
    lexicon = Lexicon(list(models.values()), read_vocabularies((), families))
    study = Study(list(listen(list(models.values()))), lexicon)
    if not {MUSIC, *NOT_MUSIC} <= set(study.of_kind):
        sys.exit("music and speech are both needed to find a floor")
    report(study)


if __name__ == "__main__":
    main()
