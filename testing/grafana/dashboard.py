"""The dashboard of Grafana as code. `python -m testing.grafana.dashboard` writes its JSON.

Panels use `$__rate_interval`, a range of some scrapes that Grafana chooses, and two variables: the
replicas (`$instance`) and the vocabulary (`$vocabulary`).
"""

from pathlib import Path

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import units

from testing.grafana.panels import Panel, bars, heat_map, lines, table_of, variable

FILE = Path(__file__).resolve().parents[2] / "docker" / "grafana" / "dashboards" / "taggram.json"
FULL_WIDTH = 24
STAGES = ("receive", "decode", "queue", "infer", "derive")
OF_REPLICAS = 'job="taggram", instance=~"$instance"'
OF_VOCABULARY = f'{OF_REPLICAS}, vocabulary=~"$vocabulary"'
RATE = "[$__rate_interval]"


def make_dashboard() -> dashboard.Dashboard:
    """Return the dashboard; each row has panels of equal width."""
    made = (
        dashboard.Dashboard("Taggram")
        .uid("taggram")
        .description("A service and its catalogue runs. docs/runbook.md explains the alerts.")
        .tags(["taggram"])
        .refresh("30s")
        .time("now-6h", "now")
        .readonly()
        .with_variable(
            dashboard.DatasourceVariable("datasource").type("prometheus").label("Source")
        )
        .with_variable(variable("instance", "Replica", 'label_values(up{job="taggram"}, instance)'))
        .with_variable(
            variable(
                "vocabulary", "Vocabulary", "label_values(taggram_first_tags_total, vocabulary)"
            )
        )
    )
    for title, panels in _rows().items():
        made.with_row(dashboard.Row(title))
        for panel in panels:
            panel.span(FULL_WIDTH // len(panels))
            made.with_panel(panel)
    return made


def to_json() -> str:
    """Return the JSON that Grafana reads."""
    return JSONEncoder(sort_keys=True, indent=1).encode(make_dashboard().build()) + "\n"


def main() -> None:
    """Write the JSON."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(to_json())


def _rows() -> dict[str, list[Panel]]:
    return {
        "Traffic and errors": _traffic(),
        "Time of answers": _latency(),
        "Time by stage": [heat_map(f"Stage {stage}", _stage(stage)) for stage in STAGES],
        "Load": _load(),
        "Batches and decoders": _work(),
        "Cache": _cache(),
        "Models": _models(),
        "Predictions": _predictions(),
        "Drift and feedback": _drift(),
        "Catalogue": _catalogue(),
        "Processes": _processes(),
    }


def _traffic() -> list[Panel]:
    requests = (
        f"sum by (route, status) (rate(taggram_request_seconds_count{{{OF_REPLICAS}}}{RATE}))"
    )
    errors = f"sum by (kind) (rate(taggram_errors_total{{{OF_REPLICAS}}}{RATE}))"
    return [
        lines("Requests", [(requests, "{{route}} {{status}}")], units.RequestsPerSecond),
        lines("Errors by kind", [(errors, "{{kind}}")], units.RequestsPerSecond),
        lines(
            "Burn rate of the error budgets",
            [
                ("taggram:request_errors:ratio_rate1h / 0.005", "errors, 1 h"),
                ("taggram:request_errors:ratio_rate6h / 0.005", "errors, 6 h"),
                ("taggram:slow_uploads:ratio_rate1h / 0.05", "slow uploads, 1 h"),
                ("taggram:slow_uploads:ratio_rate6h / 0.05", "slow uploads, 6 h"),
            ],
        ),
    ]


def _latency() -> list[Panel]:
    labels = f'{OF_REPLICAS}, route="/suggest-tags", status="200"'
    buckets = f"sum by (le) (rate(taggram_request_seconds_bucket{{{labels}}}{RATE}))"
    shares = ((0.5, "median"), (0.95, "95 %"), (0.99, "99 %"))
    quantiles = [(f"histogram_quantile({share}, {buckets})", name) for share, name in shares]
    return [
        lines("Time of an answer to an upload", quantiles, units.Seconds),
        heat_map("Time of an answer to an upload: all", buckets),
    ]


def _stage(stage: str) -> str:
    labels = f'{OF_REPLICAS}, stage="{stage}"'
    return f"sum by (le) (rate(taggram_stage_seconds_bucket{{{labels}}}{RATE}))"


def _load() -> list[Panel]:
    dropped = f"sum by (reason) (rate(taggram_uploads_dropped_total{{{OF_REPLICAS}}}{RATE}))"
    shared = f"sum (rate(taggram_uploads_shared_total{{{OF_REPLICAS}}}{RATE}))"
    return [
        lines(
            "Uploads at a time",
            [
                (_of_replicas("taggram_uploads_in_flight"), "{{instance}}"),
                (f"max ({_of_replicas('taggram_uploads_in_flight_limit')})", "limit"),
            ],
        ),
        lines(
            "Backlog: time to analyse what waits",
            [
                (_of_replicas("taggram_backlog_seconds"), "{{instance}}"),
                (f"max ({_of_replicas('taggram_backlog_limit_seconds')})", "limit"),
            ],
            units.Seconds,
        ),
        lines("Windows in the queue", [(_of_replicas("taggram_queued_windows"), "{{instance}}")]),
        lines(
            "Uploads given up or shared",
            [(dropped, "{{reason}}"), (shared, "shared")],
            units.RequestsPerSecond,
        ),
    ]


def _work() -> list[Panel]:
    batches = f"sum by (le) (rate(taggram_batch_windows_bucket{{{OF_REPLICAS}}}{RATE}))"
    audio = f"sum by (model) (rate(taggram_audio_seconds_total{{{OF_REPLICAS}}}{RATE}))"
    failures = f"sum by (reason) (increase(taggram_decoder_failures_total{{{OF_REPLICAS}}}{RATE}))"
    return [
        heat_map("Windows in a batch", batches, units.Short),
        lines("Audio analysed, times real time", [(audio, "{{model}}")]),
        lines("Decoder processes that failed", [(failures, "{{reason}}")]),
    ]


def _cache() -> list[Panel]:
    lookups = f"sum by (result) (rate(taggram_cache_lookups_total{{{OF_REPLICAS}}}{RATE}))"
    failures = f"sum by (operation) (rate(taggram_cache_failures_total{{{OF_REPLICAS}}}{RATE}))"
    return [
        lines("Lookups in the cache", [(lookups, "{{result}}")], units.RequestsPerSecond),
        lines("Failures of the cache", [(failures, "{{operation}}")], units.RequestsPerSecond),
        lines(
            "Redis is down (breaker open)", [(_of_replicas("taggram_cache_down"), "{{instance}}")]
        ),
    ]


def _models() -> list[Panel]:
    checks = (
        "sum by (model, version, engine, precision, result) "
        f"(taggram_engine_checks_total{{{OF_REPLICAS}}})"
    )
    reloads = f"sum by (result) (increase(taggram_reloads_total{{{OF_REPLICAS}}}{RATE}))"
    return [
        table_of("Models that serve", _of_replicas("taggram_model_info")),
        table_of("Engines that were tried", checks),
        lines("Models in memory", [(_of_replicas("taggram_models_in_memory"), "{{instance}}")]),
        lines("Reloads", [(reloads, "{{result}}")]),
    ]


def _predictions() -> list[Panel]:
    counts = f"increase(taggram_first_tags_total{{{OF_VOCABULARY}}}[$__range])"
    tags = f"sum by (vocabulary, tag) ({counts})"
    scores = f"sum by (le) (rate(taggram_first_tag_score_bucket{{{OF_VOCABULARY}}}{RATE}))"
    levels = f"sum by (confidence) (rate(taggram_confidence_total{{{OF_VOCABULARY}}}{RATE}))"
    return [
        bars("Tags suggested first", f"topk(20, {tags} > 0)", "{{vocabulary}}: {{tag}}"),
        heat_map("Score of the first tag", scores, units.Short),
        lines("Confidence", [(levels, "{{confidence}}")], units.RequestsPerSecond),
    ]


def _drift() -> list[Panel]:
    of = 'vocabulary=~"$vocabulary"'
    acceptance = [
        (_acceptance("1"), "{{vocabulary}}, first"),
        (_acceptance("[1-3]"), "{{vocabulary}}, first 3"),
        (_acceptance("[1-5]"), "{{vocabulary}}, first 5"),
    ]
    given = f"sum by (vocabulary) (increase(taggram_feedback_total{{{OF_VOCABULARY}}}[1d]))"
    added = f"sum by (vocabulary) (increase(taggram_feedback_added_total{{{OF_VOCABULARY}}}[1d]))"
    return [
        lines(
            "Drift of the first tag (PSI)",
            [
                (f"taggram:first_tags:psi{{{of}}}", "{{vocabulary}}, {{models}}"),
                (f"taggram:first_tags:psi_chance{{{of}}}", "{{vocabulary}}, {{models}}: chance"),
            ],
        ),
        lines("Acceptance of the first suggestions, 7 days", acceptance, units.PercentUnit),
        lines(
            "Feedback of a day",
            [(given, "{{vocabulary}}"), (added, "{{vocabulary}}: tags added")],
        ),
    ]


def _acceptance(ranks: str) -> str:
    labels = f'{OF_VOCABULARY}, rank=~"{ranks}"'
    accepted, shown = (
        f"sum by (vocabulary) (increase(taggram_feedback_{what}_total{{{labels}}}[7d]))"
        for what in ("accepted", "shown")
    )
    return f"{accepted} / {shown}"


def _catalogue() -> list[Panel]:
    rows = f"sum by (result) (increase(taggram_catalogue_rows_total{{{OF_REPLICAS}}}{RATE}))"
    run = "taggram_catalogue_run"
    failures = f"sum (increase(taggram_catalogue_failures_total{{{OF_REPLICAS}}}{RATE}))"
    return [
        lines("Last run: success", [(f"{run}_success", "{{instance}}")]),
        lines(
            "Last run: time since its end",
            [(f"time() - {run}_end_timestamp_seconds", "{{instance}}")],
            units.Seconds,
        ),
        bars("Last run: tracks", f"{run}_tracks", "{{result}}"),
        lines(
            "Last run: audio, times real time",
            [
                (
                    "taggram_catalogue_run_audio_seconds / taggram_catalogue_run_seconds",
                    "{{instance}}",
                )
            ],
        ),
        lines("Uploads: rows", [(rows, "{{result}}"), (failures, "failed writes")]),
    ]


def _processes() -> list[Panel]:
    cores = f"rate(process_cpu_seconds_total{{{OF_REPLICAS}}}{RATE})"
    dropped = f"increase(taggram_log_lines_dropped_total{{{OF_REPLICAS}}}{RATE})"
    memory = _of_replicas("process_resident_memory_bytes")
    return [
        lines("Memory", [(memory, "{{instance}}")], units.BytesIEC),
        lines("CPUs in use", [(cores, "{{instance}}")]),
        lines("Descriptors", [(_of_replicas("process_open_fds"), "{{instance}}")]),
        lines("Lines of the log that were dropped", [(dropped, "{{instance}}")]),
    ]


def _of_replicas(metric: str) -> str:
    return f"{metric}{{{OF_REPLICAS}}}"


if __name__ == "__main__":
    main()
