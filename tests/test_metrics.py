"""The exposition, read as Prometheus reads it."""

import math

import pytest

from app.domain import Backend, EngineCheck, ModelRef, Precision
from app.errors import Kind
from app.inference.tensorflow_engine import GPU_BATCH_S
from app.metrics import Metrics
from app.stages import Stage, StageClock
from tests.support.exposition import families, values

MODEL = ModelRef("msd-musicnn", "1")


def used() -> Metrics:
    """After one upload that was analysed, cached and answered, and one that failed."""
    metrics, clock = Metrics(), StageClock()
    metrics.models.list_loaded([(MODEL, "ab" * 32, Backend.OPENVINO, Precision.BF16)])
    metrics.upload_began()
    clock.add(Stage.DECODE, 0.2)
    clock.add(Stage.DECODE, 0.2)
    clock.add(Stage.INFER, 7.0)
    metrics.cache_lookup(hit=False)
    metrics.cache_failure("put")
    metrics.windows_queued(61)
    metrics.batch(4)
    metrics.windows_queued(57)
    metrics.batch(8)
    metrics.windows_queued(49)
    metrics.count_audio(MODEL, 183.5)
    metrics.upload_shared()
    metrics.upload_ended()
    metrics.request_done("POST", "/suggest-tags", 200, 12.5, clock)
    metrics.error(Kind.SILENT_AUDIO)
    return metrics


def test_all_kinds_of_problem_are_counted_from_the_start() -> None:
    assert values(Metrics(), "taggram_errors_total") == {(kind.value,): 0 for kind in Kind}


def test_hits_misses_and_failures_of_the_cache_are_counted_from_the_start() -> None:
    metrics = Metrics()

    assert values(metrics, "taggram_cache_lookups_total") == {("hit",): 0, ("miss",): 0}
    assert values(metrics, "taggram_cache_failures_total") == {("get",): 0, ("put",): 0}


def test_the_state_of_the_cache_is_reported_from_the_start() -> None:
    metrics = Metrics()
    assert values(metrics, "taggram_cache_down") == {(): 0}

    metrics.cache_down(True)
    assert values(metrics, "taggram_cache_down") == {(): 1}

    metrics.cache_down(False)
    assert values(metrics, "taggram_cache_down") == {(): 0}


def test_events_are_counted_under_their_labels() -> None:
    metrics = used()

    assert values(metrics, "taggram_errors_total")["silent_audio",] == 1
    assert values(metrics, "taggram_cache_lookups_total") == {("hit",): 0, ("miss",): 1}
    assert values(metrics, "taggram_cache_failures_total") == {("get",): 0, ("put",): 1}
    assert values(metrics, "taggram_audio_seconds_total") == {("msd-musicnn/1",): 183.5}
    assert values(metrics, "taggram_batch_windows_sum") == {(): 12}
    assert values(metrics, "taggram_batch_windows_count") == {(): 2}
    assert values(metrics, "taggram_queued_windows") == {(): 49}
    assert values(metrics, "taggram_uploads_shared_total") == {(): 1}
    assert values(metrics, "taggram_request_seconds_sum") == {
        ("POST", "/suggest-tags", "200"): 12.5
    }
    assert values(metrics, "taggram_stage_seconds_sum") == {("decode",): 0.4, ("infer",): 7}
    assert values(metrics, "taggram_stage_seconds_count") == {("decode",): 1, ("infer",): 1}


def test_the_gauge_of_uploads_in_flight_rises_and_falls() -> None:
    metrics = Metrics()
    metrics.upload_began()
    metrics.upload_began()
    metrics.upload_ended()

    assert values(metrics, "taggram_uploads_in_flight") == {(): 1}


def test_served_models_are_reported_with_their_weights_and_engine() -> None:
    metrics = used()
    metrics.models.list_loaded(
        [
            (MODEL, "ab" * 32, Backend.OPENVINO, Precision.BF16),
            (ModelRef("mtt-vgg", "2"), "cd" * 32, Backend.TENSORFLOW, Precision.FLOAT32),
        ]
    )

    one, other = families(metrics)["taggram_model_info"].samples

    assert one.name == other.name == "taggram_model_info"
    assert one.labels == {
        "model": "msd-musicnn",
        "version": "1",
        "sha256": "ab" * 32,
        "engine": "openvino",
        "precision": "bf16",
    }
    assert other.labels == {
        "model": "mtt-vgg",
        "version": "2",
        "sha256": "cd" * 32,
        "engine": "tensorflow",
        "precision": "float32",
    }


@pytest.mark.parametrize("name", ["taggram_stage_seconds", "taggram_request_seconds"])
def test_buckets_separate_half_a_second_from_one_and_ten_seconds_from_twenty(name: str) -> None:
    bounds = {
        float(sample.labels["le"])
        for sample in families(used())[name].samples
        if sample.name.endswith("_bucket")
    }

    assert any(0.5 <= bound < 1 for bound in bounds)
    assert any(10 <= bound < 20 for bound in bounds)
    assert math.inf in bounds


def test_buckets_separate_a_single_window_from_a_full_batch_on_any_device() -> None:
    buckets = families(used())["taggram_batch_windows"].samples
    bounds = sorted(float(each.labels["le"]) for each in buckets if "le" in each.labels)

    assert bounds[0] == 1
    assert bounds[-2] >= round(GPU_BATCH_S / 3), "as many windows of three seconds"


def test_uploads_that_shared_an_answer_are_counted_from_the_start() -> None:
    assert values(Metrics(), "taggram_uploads_shared_total") == {(): 0}


def test_process_metrics_are_exported() -> None:
    assert values(Metrics(), "process_resident_memory_bytes")[()] > 0


def test_failed_decoders_and_reloads_are_counted_from_the_start() -> None:
    metrics = Metrics()
    assert values(metrics, "taggram_decoder_failures_total") == {("died",): 0, ("timeout",): 0}
    assert values(metrics, "taggram_reloads_total") == {("replaced",): 0, ("refused",): 0}

    metrics.decoder_failure("died")
    metrics.models.count_reload("refused")

    assert values(metrics, "taggram_decoder_failures_total")["died",] == 1
    assert values(metrics, "taggram_reloads_total")["refused",] == 1


def test_engines_are_counted_by_what_came_of_them() -> None:
    metrics = used()
    metrics.models.count_check(MODEL, Backend.OPENVINO, Precision.INT8, EngineCheck.WRONG_SCORES)
    metrics.models.count_check(MODEL, Backend.OPENVINO, Precision.BF16, EngineCheck.PASSED)

    checks = values(metrics, "taggram_engine_checks_total")

    counted = {labels: count for labels, count in checks.items() if count}
    assert counted == {
        ("openvino", "msd-musicnn", "int8", "wrong_scores", "1"): 1,
        ("openvino", "msd-musicnn", "bf16", "passed", "1"): 1,
    }
    serving = {labels[3] for labels in checks if labels[2] == "bf16"}
    assert serving == set(EngineCheck), "those of the engine that serves, from the start"


def test_two_services_in_a_process_count_separately() -> None:
    one, other = Metrics(), Metrics()
    one.error(Kind.OVERLOADED)

    assert values(other, "taggram_errors_total")["overloaded",] == 0
