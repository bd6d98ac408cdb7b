"""The metrics of a service, read as Prometheus reads them."""

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from app.metrics import Metrics


def families(metrics: Metrics) -> dict[str, Metric]:
    """The families of samples by name."""
    text = metrics.exposition().decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def values(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """The samples of a name, by the values of their labels, which are sorted by name."""
    return {
        tuple(sample.labels.values()): sample.value
        for family in families(metrics).values()
        for sample in family.samples
        if sample.name == name
    }
