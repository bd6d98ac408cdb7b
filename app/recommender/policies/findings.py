"""What estimates say about a new ranking, and when they are not to be trusted."""

from collections.abc import Iterator, Mapping

from app.recommender.evaluation import ALL, difference
from app.recommender.policies.estimation import Estimates
from app.recommender.policies.estimators import DOUBLY_ROBUST, LOGGED, SUPPORT, VALUES
from app.recommender.results import Difference, Results

FILE = "estimates.json"
BASE = "log"
"""What a new ranking is compared with."""

FEWEST = 50
"""An effective sample size below is too small: some rows decide alone."""

FULL, TOO_HIGH = 0.9, 1.2
"""Mean weights between these are not warned of: they may be due to chance."""


def compare_with_log(estimates: Estimates) -> dict[str, Difference]:
    """Return how much each estimate is above the mean score of the log, by its name."""
    logged = estimates.figures[LOGGED]
    found = {}
    for name in VALUES:
        figure = estimates.figures[name]
        if figure.interval.value is not None:
            change = difference(figure, logged)
            found[name] = Difference(figure.model, BASE, ALL, figure.metric, change)
    return found


def collect_estimates(estimates: Estimates, about: Mapping[str, object]) -> Results:
    """Return the estimates as results, to be written as `estimates.json`.

    Args:
        estimates: The estimates.
        about: What was evaluated.
    """
    weighted = estimates.weighted
    more = {
        "k": estimates.policy.k,
        "temperature": estimates.policy.temperature,
        "logged_interactions": len(weighted.scores),
        "left_out_interactions": estimates.log.left_out,
        "effective_sample_size": weighted.effective_size,
        "share_in_log": estimates.in_log,
        "largest_weight": weighted.limit,
        "clipped_weights": int((weighted.weights > weighted.limit).sum()),
        "clipping_bias": weighted.clipping_bias,
        "warnings": list(find_warnings(estimates)),
    }
    figures = {(each.model, each.slice, each.metric): each for each in estimates.figures.values()}
    changes = tuple(compare_with_log(estimates).values())
    return Results(figures, changes, {**about, **more})


def give_verdict(estimates: Estimates) -> str:
    """Return in a sentence whether the new ranking is better than the log's."""
    value = estimates.figures[DOUBLY_ROBUST].interval
    change = compare_with_log(estimates)[DOUBLY_ROBUST].interval
    if change.excludes_zero and change.value is not None:
        what = f"{'higher' if change.value > 0 else 'lower'} than in the log"
    else:
        what = "it is not certain that this differs from the log: the interval contains zero"
    return (
        f"{estimates.figures[DOUBLY_ROBUST].model}: a recommendation is worth a score of "
        f"{value.value:.3f} (doubly robust), {change.value:+.3f} ({change.low:+.3f} to "
        f"{change.high:+.3f}): {what}."
    )


def find_warnings(estimates: Estimates) -> Iterator[str]:
    """Yield why the estimates may be wrong, the most severe reason first."""
    weighted, support = estimates.weighted, estimates.figures[SUPPORT].interval
    if estimates.log.is_certain:
        yield (
            "all propensities are 1: chance decided nothing, so that only recommendations which "
            "both rankings make are judged by answers; explore, for instance with a bandit"
        )
    low, share, high = support.low or 0.0, support.value or 0.0, support.high or 0.0
    if share < FULL and high < 1:
        yield (
            f"the log supports {share:.0%} ({low:.0%} to {high:.0%}) of the new ranking; the rest "
            "had no chance to be recommended: ips counts it as 0, snips as the others, "
            "doubly_robust as the reward model predicts"
        )
    if share > TOO_HIGH and low > 1:
        yield (
            f"the mean weight is {share:.2f} ({low:.2f} to {high:.2f}), and 1 is expected: "
            "propensities or positions are not those of the lists, or artists contact the new "
            "ranking's curators more readily than others; don't trust ips and doubly_robust"
        )
    size = weighted.effective_size
    if size < FEWEST:
        yield (
            f"the effective sample size is {size:.0f} of {len(weighted.scores):,} interactions; "
            f"below {FEWEST} a few of them decide: log more, or a ranking nearer to the new one"
        )
    if clipped := int((weighted.weights > weighted.limit).sum()):
        smallest = estimates.log.interactions.propensities.min()
        yield (
            f"{clipped:,} weights are clipped at {weighted.limit:.0f}, as propensities are as low "
            f"as {smallest:.1g}; ips is about {weighted.clipping_bias:.3f} too low for it"
        )
    if left_out := estimates.log.left_out:
        yield f"{left_out:,} interactions without a position or a propensity are left out"
