"""Linear probes on embeddings: a logistic regression for each tag, cross-validated by artist.

    songs --(folds by artist)--> a probe is trained on the other folds --> out-of-fold scores
      the other folds --(inner folds by artist)--> strength of regularisation

With an artist in both training and test, the probe would recognise the artist's sound and the
figures would be too good. The strength of regularisation is chosen without the test fold too.
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

from app.domain import Scores
from app.evaluation.metrics import Floats, Indices, Labels
from app.probing.encoder import Embeddings
from app.probing.examples import Examples

FOLDS = 5
INNER_FOLDS = 3

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Values of scikit-learn's C, the inverse strength of regularisation."""

WINDOWS_TO_CHOOSE, WINDOWS_TO_LEARN = 8, 30
"""The most windows used of a song, evenly spread: neighbours are similar."""

FLAT = 1e-5
"""A dimension is numerical noise if its standard deviation is below this share of the largest."""

SEED = 20260101

OnProgress = Callable[[int, int], object]
"""Called with the numbers of folds done and in all."""


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
        """Return the scores of windows, (windows, tags) in 0..1."""
        scores: Scores = expit(windows @ self.kernel + self.bias)
        return scores


def train_probe(examples: Examples) -> Probe:
    """Train a probe on all examples, with the regularisation that suits unknown artists best."""
    with threadpool_limits(1, "blas"):  # vectors are short, threads cost more than they save
        strength = _strength(examples)
        return _probe(_prepared(examples, WINDOWS_TO_LEARN), examples.y_true, strength)


def out_of_fold(examples: Examples, on_progress: OnProgress) -> tuple[Scores, ...]:
    """Return scores of each song, (windows, tags), by a probe that was not trained on its artist.

    Args:
        examples: Of at least three artists.
        on_progress: See `OnProgress`.
    """
    scores: list[Scores] = [np.zeros((0, 0), np.float32)] * len(examples.windows)
    pairs = list(folds(examples, FOLDS))
    for done, (train, test) in enumerate(pairs):
        on_progress(done, len(pairs))
        probe = train_probe(examples.subset(train))
        for index in test:
            scores[index] = probe.scores(examples.windows[index])
    on_progress(len(pairs), len(pairs))
    return tuple(scores)


def folds(examples: Examples, count: int) -> Iterator[tuple[Indices, Indices]]:
    """Yield the training and test songs of each fold, stratified, no artist in both.

    Args:
        examples: Of at least two artists.
        count: The number of folds; fewer if there are fewer artists.

    Yields:
        The indices of the training songs, (training_songs,), and of the test songs, (test_songs,).
    """
    artists = np.unique(examples.artists)
    has = np.array([examples.y_true[examples.artists == each].any(axis=0) for each in artists])
    count = min(count, len(artists))
    splits = MultilabelStratifiedKFold(count, shuffle=True, random_state=SEED).split(has, has)
    for _, test in splits:
        is_test = np.isin(examples.artists, artists[test])
        yield np.flatnonzero(~is_test), np.flatnonzero(is_test)


def song_scores(windows: Sequence[Scores]) -> Scores:
    """Return the mean scores of each song, as the service pools: (songs, tags)."""
    return np.stack([each.mean(axis=0) for each in windows])


def _strength(examples: Examples) -> float:
    """Return the strength with the lowest log loss on songs of unknown artists."""
    losses = np.zeros(len(STRENGTHS))
    for train, test in folds(examples, INNER_FOLDS):
        training, held_out = examples.subset(train), examples.subset(test)
        prepared = _prepared(training, WINDOWS_TO_CHOOSE)
        for number, strength in enumerate(STRENGTHS):
            probe = _probe(prepared, training.y_true, strength)
            scores = song_scores([probe.scores(windows) for windows in held_out.windows])
            labels = held_out.y_true.ravel()
            losses[number] += log_loss(
                labels, scores.ravel(), normalize=False, labels=[False, True]
            )
    return STRENGTHS[int(losses.argmin())]


@dataclass(frozen=True, eq=False)
class _Prepared:
    """Windows of examples, standardised.

    Attributes:
        x: (windows, dimensions), with mean 0 and standard deviation 1.
        owners: (windows,), the index of each window's song.
        weights: (windows,), which add up to 1 for each song.
        mean: (dimensions,).
        std: (dimensions,), infinite for dimensions that don't vary.
    """

    x: Floats
    owners: Indices
    weights: Floats
    mean: Floats
    std: Floats


def _prepared(examples: Examples, at_most: int) -> _Prepared:
    chosen = [windows[_spread(len(windows), at_most)] for windows in examples.windows]
    counts = np.array([len(windows) for windows in chosen])
    owners = np.repeat(np.arange(len(chosen)), counts)
    weights = 1 / counts[owners]
    x = np.concatenate(chosen).astype(np.float64)
    mean = np.average(x, axis=0, weights=weights)
    std = np.sqrt(np.average(np.square(x - mean), axis=0, weights=weights))
    std = np.where(std > FLAT * std.max(), std, np.inf)
    return _Prepared((x - mean) / std, owners, weights, mean, std)


def _spread(count: int, at_most: int) -> Indices:
    """Return the indices of `at_most` windows, evenly spread over a song of `count`."""
    wanted = min(count, at_most)
    return ((np.arange(wanted) + 0.5) * count / wanted).astype(np.intp)


def _probe(prepared: _Prepared, y_true: Labels, strength: float) -> Probe:
    """Train each tag, and fold the standardisation into kernel and bias."""
    fits = [_tag(prepared, labels, strength) for labels in y_true.T]
    kernel = np.stack([slopes for slopes, _ in fits], axis=1) / prepared.std[:, np.newaxis]
    bias = np.array([intercept for _, intercept in fits]) - prepared.mean @ kernel
    return Probe(kernel.astype(np.float32), bias.astype(np.float32))


def _tag(prepared: _Prepared, labels: Labels, strength: float) -> tuple[Floats, float]:
    """Return slopes and intercept; the slopes are 0 if all labels are equal."""
    if labels.all() or not labels.any():
        return np.zeros(prepared.x.shape[1]), float(logit((labels.sum() + 0.5) / (len(labels) + 1)))
    regression = LogisticRegression(C=strength, max_iter=2_000)
    regression.fit(prepared.x, labels[prepared.owners], prepared.weights)
    return regression.coef_[0], float(regression.intercept_[0])
