"""Linear probes on embeddings: a logistic regression for each tag, judged on unknown artists.

    songs --(artists apart, in folds)--> the others teach a probe --> out-of-fold scores
      the others --(artists apart again)--> how strongly to regularise

An artist in both halves would be recognised by the sound of the studio, and the figures would
flatter. So would a strength of regularisation that was chosen on what it is judged by.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from iterstrat.ml_stratifiers import MultilabelStratifiedKFold
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from threadpoolctl import threadpool_limits

from app.datasets.tracks import Track
from app.domain import Scores
from app.evaluation.metrics import Floats, Indices, Labels
from app.probing.encoder import Embeddings, Song

FOLDS = 5
INNER_FOLDS = 3

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Of the data against the penalty, as scikit-learn's C: from a stiff probe to a free one."""

WINDOWS_TO_CHOOSE, WINDOWS_TO_LEARN = 8, 30
"""So many of a song at most, evenly spread: neighbours say much the same."""

FLAT = 1e-5
"""A dimension that varies less than this, beside the most lively one, is numerical noise."""

SEED = 20260101

OnProgress = Callable[[int, int], object]
"""Is told how many folds are done, of how many."""


@dataclass(frozen=True, eq=False)
class Examples:
    """What a probe learns from.

    Attributes:
        tags: Which.
        y_true: (songs, tags).
        windows: Of each song its embeddings.
        artists: (songs,), numbers; a song of nobody knows whom has one of its own.
    """

    tags: tuple[str, ...]
    y_true: Labels
    windows: tuple[Embeddings, ...]
    artists: Indices

    @classmethod
    def of(cls, songs: Sequence[Song], tags: Sequence[str]) -> "Examples":
        """The examples that songs are."""
        return cls(
            tuple(tags),
            np.array([[tag in song.track.tags for tag in tags] for song in songs]),
            tuple(song.windows for song in songs),
            np.unique([artist_of(song.track) for song in songs], return_inverse=True)[1],
        )

    def some(self, which: Indices) -> "Examples":
        """Some of the songs."""
        windows = tuple(self.windows[index] for index in which)
        return Examples(self.tags, self.y_true[which], windows, self.artists[which])


@dataclass(frozen=True, eq=False)
class Probe:
    """A dense layer with a sigmoid.

    Attributes:
        kernel: (dimensions, tags).
        bias: (tags,).
    """

    kernel: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]

    def scores(self, windows: Embeddings) -> Scores:
        """(windows, tags) in 0..1."""
        scores: Scores = expit(windows @ self.kernel + self.bias)
        return scores


def artist_of(track: Track) -> str:
    """Who must not be in two folds: the artist, or the track itself."""
    return track.artist or f"\0{track.id}"


def learn(examples: Examples) -> Probe:
    """Learn from all examples, as strongly regularised as suits unknown artists best."""
    with threadpool_limits(1, "blas"):  # vectors are short: threads would wait for one another
        strength = _strength(examples)
        return _probe(_prepared(examples, WINDOWS_TO_LEARN), examples.y_true, strength)


def out_of_fold(examples: Examples, on_progress: OnProgress) -> tuple[Scores, ...]:
    """What probes that know nothing of a song's artist give it: of each song (windows, tags).

    Args:
        examples: Of three artists at least.
        on_progress: See `OnProgress`.
    """
    scores: list[Scores] = [np.zeros((0, 0), np.float32)] * len(examples.windows)
    pairs = list(folds(examples, FOLDS))
    for done, (known, unknown) in enumerate(pairs):
        on_progress(done, len(pairs))
        probe = learn(examples.some(known))
        for index in unknown:
            scores[index] = probe.scores(examples.windows[index])
    on_progress(len(pairs), len(pairs))
    return tuple(scores)


def folds(examples: Examples, count: int) -> Iterator[tuple[Indices, Indices]]:
    """Songs to learn from and songs to judge by, no artist in both; tags are evened out.

    Args:
        examples: Of two artists at least.
        count: How many; fewer where there are fewer artists.
    """
    artists = np.unique(examples.artists)
    has = np.array([examples.y_true[examples.artists == each].any(axis=0) for each in artists])
    count = min(count, len(artists))
    dealt = MultilabelStratifiedKFold(count, shuffle=True, random_state=SEED).split(has, has)
    for _, unknown in dealt:
        labeled = np.isin(examples.artists, artists[unknown])
        yield np.flatnonzero(~labeled), np.flatnonzero(labeled)


def song_scores(windows: Sequence[Scores]) -> Scores:
    """By the mean, as the service pools: (songs, tags)."""
    return np.stack([each.mean(axis=0) for each in windows])


def _strength(examples: Examples) -> float:
    """The strength with which unknown artists' songs are least surprising."""
    losses = np.zeros(len(STRENGTHS))
    for known, unknown in folds(examples, INNER_FOLDS):
        taught, labeled = examples.some(known), examples.some(unknown)
        package = _prepared(taught, WINDOWS_TO_CHOOSE)
        for number, strength in enumerate(STRENGTHS):
            probe = _probe(package, taught.y_true, strength)
            scores = song_scores([probe.scores(windows) for windows in labeled.windows])
            hits = labeled.y_true.ravel()
            losses[number] += log_loss(hits, scores.ravel(), normalize=False, labels=[False, True])
    return STRENGTHS[int(losses.argmin())]


@dataclass(frozen=True, eq=False)
class _Prepared:
    """Windows of examples, standardised.

    Attributes:
        x: (windows, dimensions), of mean 0 and deviation 1.
        owners: (windows,), the song of each.
        weights: (windows,), which add up to 1 for each song.
        mean: (dimensions,).
        deviation: (dimensions,), infinite where nothing varies.
    """

    x: Floats
    owners: Indices
    weights: Floats
    mean: Floats
    deviation: Floats


def _prepared(examples: Examples, at_most: int) -> _Prepared:
    chosen = [windows[_spread(len(windows), at_most)] for windows in examples.windows]
    counts = np.array([len(windows) for windows in chosen])
    owners = np.repeat(np.arange(len(chosen)), counts)
    weights = 1 / counts[owners]
    x = np.concatenate(chosen).astype(np.float64)
    mean = np.average(x, axis=0, weights=weights)
    deviation = np.sqrt(np.average(np.square(x - mean), axis=0, weights=weights))
    deviation = np.where(deviation > FLAT * deviation.max(), deviation, np.inf)
    return _Prepared((x - mean) / deviation, owners, weights, mean, deviation)


def _spread(count: int, at_most: int) -> Indices:
    """Places of windows, evenly spread over a song."""
    wanted = min(count, at_most)
    return ((np.arange(wanted) + 0.5) * count / wanted).astype(np.intp)


def _probe(package: _Prepared, y_true: Labels, strength: float) -> Probe:
    """Learn each tag; the standardisation is folded into kernel and bias."""
    fits = [_tag(package, hits, strength) for hits in y_true.T]
    kernel = np.stack([slopes for slopes, _ in fits], axis=1) / package.deviation[:, np.newaxis]
    bias = np.array([intercept for _, intercept in fits]) - package.mean @ kernel
    return Probe(kernel.astype(np.float32), bias.astype(np.float32))


def _tag(package: _Prepared, hits: Labels, strength: float) -> tuple[Floats, float]:
    """Slopes and intercept; without slopes where there is nothing to tell apart."""
    if hits.all() or not hits.any():
        return np.zeros(package.x.shape[1]), float(logit((hits.sum() + 0.5) / (len(hits) + 1)))
    regression = LogisticRegression(C=strength, max_iter=2_000)
    regression.fit(package.x, hits[package.owners], package.weights)
    return regression.coef_[0], float(regression.intercept_[0])
