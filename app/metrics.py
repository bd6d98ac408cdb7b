"""The Prometheus metrics of a service.

The number of label values is bounded: routes are templates, kinds and stages are enumerations,
models are the loaded ones. Buckets reach further than the default ones, as analyses take seconds.
"""

from typing import Literal

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from app.domain import ModelRef
from app.errors import Kind
from app.feedback_metrics import FeedbackMetrics
from app.model_metrics import ModelMetrics
from app.prediction_metrics import PredictionMetrics
from app.recommendation_metrics import RecommendationMetrics
from app.stages import StageClock

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75),
    *(1, 1.5, 2, 3, 5, 8, 15, 30),
)
_WINDOWS = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """The metrics of one service, in a separate registry.

    Attributes:
        predictions: What was suggested.
        models: The models and their engines.
        feedback: What artists reported.
        recommendations: Recommended curators.
    """

    def __init__(self) -> None:
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        self._registry = registry
        self.predictions = PredictionMetrics(registry)
        self.models = ModelMetrics(registry)
        self.feedback = FeedbackMetrics(registry)
        self.recommendations = RecommendationMetrics(registry)
        self._stages = Histogram(
            "taggram_stage_seconds",
            "Time of a request in each stage of the data path.",
            ["stage"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._requests = Histogram(
            "taggram_request_seconds",
            "Time from the first byte of a request to the last byte of its response.",
            ["method", "route", "status"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._in_flight = Gauge(
            "taggram_uploads_in_flight", "Uploads being received or answered.", registry=registry
        )
        self._in_flight_limit = Gauge(
            "taggram_uploads_in_flight_limit",
            "Most uploads that are received or answered at a time.",
            registry=registry,
        )
        self._audio = Counter(
            "taggram_audio_seconds", "Audio analysed by a model.", ["model"], registry=registry
        )
        self._windows = Histogram(
            "taggram_batch_windows",
            "Windows in a batch.",
            buckets=_WINDOWS,
            registry=registry,
        )
        self._queued = Gauge(
            "taggram_queued_windows", "Windows that wait for a model.", registry=registry
        )
        self._shared = Counter(
            "taggram_uploads_shared",
            "Uploads answered by the concurrent analysis of an identical one.",
            registry=registry,
        )
        self._cache = Counter(
            "taggram_cache_lookups", "Taggrams looked up.", ["result"], registry=registry
        )
        self._cache_failures = Counter(
            "taggram_cache_failures",
            "Failed reads and writes of the cache; their requests continued without it.",
            ["operation"],
            registry=registry,
        )
        self._cache_down = Gauge(
            "taggram_cache_down",
            "Whether the cache is down, so that requests continue without it.",
            registry=registry,
        )
        self._dropped = Counter(
            "taggram_uploads_dropped",
            "Accepted uploads that were cancelled: client disconnected, or deadline passed.",
            ["reason"],
            registry=registry,
        )
        self._backlog = Gauge(
            "taggram_backlog_seconds",
            "Estimated time to analyse all waiting uploads.",
            registry=registry,
        )
        self._backlog_limit = Gauge(
            "taggram_backlog_limit_seconds",
            "Estimated time from which uploads are refused, if several wait.",
            registry=registry,
        )
        self._decoder_failures = Counter(
            "taggram_decoder_failures",
            "Decoder processes that died or were ended before their file was decoded.",
            ["reason"],
            registry=registry,
        )
        self._catalogue_rows = Counter(
            "taggram_catalogue_rows",
            "Rows for the catalogue: appended, or dropped as they could not be written in time.",
            ["result"],
            registry=registry,
        )
        self._catalogue_failures = Counter(
            "taggram_catalogue_failures",
            "Failed writes of files of the catalogue; their rows are tried again.",
            registry=registry,
        )
        self._errors = Counter(
            "taggram_errors",
            "Error responses, and tracks of several that could not be read, by kind.",
            ["kind"],
            registry=registry,
        )
        self._log_dropped = Counter(
            "taggram_log_lines_dropped",
            "Lines of the log that were dropped because the log was not read.",
            registry=registry,
        )
        for kind in Kind:
            self._errors.labels(kind)
        for reason in ("left", "expired"):
            self._dropped.labels(reason)
        for result in ("hit", "miss"):
            self._cache.labels(result)
        for result in ("appended", "dropped"):
            self._catalogue_rows.labels(result)
        for operation in ("get", "put"):
            self._cache_failures.labels(operation)
        for reason in ("died", "timeout"):
            self._decoder_failures.labels(reason)

    def request_done(
        self, method: str, route: str, status: int, seconds: float, clock: StageClock
    ) -> None:
        """Record the time of a request and of its stages.

        Args:
            method: The HTTP method.
            route: The template of the route.
            status: The HTTP status of the response.
            seconds: The total time.
            clock: The time of each stage.
        """
        self._requests.labels(method, route, str(status)).observe(seconds)
        for stage, stage_seconds in clock.seconds.items():
            self._stages.labels(stage).observe(stage_seconds)

    def upload_began(self) -> None:
        """Count an upload that was accepted."""
        self._in_flight.inc()

    def upload_ended(self) -> None:
        """Count an accepted upload that was answered or cancelled."""
        self._in_flight.dec()

    def upload_dropped(self, reason: Literal["left", "expired"]) -> None:
        """Count an accepted upload that was cancelled."""
        self._dropped.labels(reason).inc()

    def backlog(self, seconds: float) -> None:
        """Set the estimated time to analyse all waiting uploads."""
        self._backlog.set(seconds)

    def limits(self, *, in_flight: int, backlog_s: float) -> None:
        """Set the most uploads at a time, and the longest backlog in seconds."""
        self._in_flight_limit.set(in_flight)
        self._backlog_limit.set(backlog_s)

    def decoder_failure(self, reason: Literal["died", "timeout"]) -> None:
        """Count a decoder process that failed."""
        self._decoder_failures.labels(reason).inc()

    def count_audio(self, model: ModelRef, duration_s: float) -> None:
        """Count the audio that a model analysed."""
        self._audio.labels(str(model)).inc(duration_s)

    def batch(self, windows: int) -> None:
        """Record the size of a batch."""
        self._windows.observe(windows)

    def windows_queued(self, windows: int) -> None:
        """Set the number of windows that wait for a model."""
        self._queued.set(windows)

    def upload_shared(self) -> None:
        """Count an upload that is answered by the analysis of an identical one."""
        self._shared.inc()

    def cache_lookup(self, *, hit: bool) -> None:
        """Count a lookup in the cache."""
        self._cache.labels("hit" if hit else "miss").inc()

    def cache_failure(self, operation: str) -> None:
        """Count a failed `get` or `put` of the cache."""
        self._cache_failures.labels(operation).inc()

    def cache_down(self, is_down: bool) -> None:
        """Set whether the cache is down."""
        self._cache_down.set(is_down)

    def error(self, kind: Kind) -> None:
        """Count an error response."""
        self._errors.labels(kind).inc()

    def catalogue_rows(self, result: Literal["appended", "dropped"], rows: int) -> None:
        """Count rows for the catalogue."""
        self._catalogue_rows.labels(result).inc(rows)

    def catalogue_failure(self) -> None:
        """Count a failed write of the catalogue."""
        self._catalogue_failures.inc()

    def log_line_dropped(self) -> None:
        """Count a dropped line of the log."""
        self._log_dropped.inc()

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self._registry)
