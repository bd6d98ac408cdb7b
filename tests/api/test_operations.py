"""What operators and their tools rely on: health, ids, timings, metrics, problems in one form."""

import re

import httpx
import pytest

from testing.server import Server
from tests.support.client import answer, assert_problem, logged, metric, new_track, post, series

STAGES = ["receive", "decode", "queue", "infer", "derive", "total"]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "MKCOL"]


def requests_counted(server: Server, **labels: str) -> float:
    return metric(server, "taggram_request_seconds_count", **labels)


def timed_stages(response: httpx.Response) -> list[str]:
    """Their names; each has a duration."""
    entries = [
        re.fullmatch(r"(\w+);dur=\d+\.\d", entry)
        for entry in response.headers["Server-Timing"].split(", ")
    ]
    return [entry[1] for entry in entries if entry]


def test_a_loaded_server_is_alive_and_ready(stub: Server) -> None:
    assert stub.http.get("/health/live").json() == {"status": "alive"}
    assert stub.http.get("/health/ready").json() == {"status": "ready"}


@pytest.mark.parametrize("path", ["/nothing", "/suggest-tags/1", "/%ff%00", "/../../etc/passwd"])
def test_an_unknown_path_is_answered_with_a_problem(stub: Server, path: str) -> None:
    assert_problem(stub.http.get(path), 404, "not_found")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_is_answered_with_a_problem(stub: Server, method: str) -> None:
    response = stub.http.request(method, "/suggest-tags")
    assert_problem(response, 405, "method_not_allowed")
    assert response.headers["Allow"] == "POST"


def test_a_valid_request_id_is_returned(stub: Server) -> None:
    for path in ("/health/live", "/nothing"):
        response = stub.http.get(path, headers={"X-Request-ID": "shop-42_a.b"})
        assert response.headers["X-Request-ID"] == "shop-42_a.b"
    assert response.json()["request_id"] == "shop-42_a.b"


@pytest.mark.parametrize("given", [b"", b"two words", b"caf\xc3\xa9", b"x" * 65, b'"}{', b"a;b"])
def test_any_other_request_id_is_replaced(stub: Server, given: bytes) -> None:
    response = stub.http.get("/health/live", headers=[(b"X-Request-ID", given)])
    assert re.fullmatch("[0-9a-f]{32}", response.headers["X-Request-ID"])


def test_each_request_has_an_id_of_its_own(stub: Server) -> None:
    ids = {stub.http.get("/health/live").headers["X-Request-ID"] for _ in range(10)}
    assert len(ids) == 10


def test_the_log_has_a_line_with_the_request_id(stub: Server) -> None:
    stub.http.get("/health/live", headers={"X-Request-ID": "find-me-in-the-log"})
    line = logged(stub, "find-me-in-the-log")
    assert (line["method"], line["route"], line["status"]) == ("GET", "/health/live", 200)


def test_an_answer_says_how_long_each_stage_took(stub: Server) -> None:
    track = new_track()
    assert timed_stages(post(stub, track)) == STAGES
    assert timed_stages(post(stub, track)) == ["receive", "derive", "total"]


def test_a_refusal_says_how_long_its_stages_took(stub: Server) -> None:
    assert timed_stages(post(stub, b"text")) == ["receive", "decode", "queue", "total"]


def test_requests_are_counted_by_route_and_status(stub: Server) -> None:
    labels = {"method": "POST", "route": "/suggest-tags", "status": "200"}
    before = requests_counted(stub, **labels)
    answer(post(stub, new_track(), top_k=3))
    assert requests_counted(stub, **labels) == before + 1


def test_audio_and_stages_are_counted(stub: Server) -> None:
    def counted() -> list[float]:
        stages = [metric(stub, "taggram_stage_seconds_count", stage=stage) for stage in STAGES[:-1]]
        return [*stages, metric(stub, "taggram_audio_seconds_total", model="mtt-musicnn/1")]

    before = counted()
    answer(post(stub, new_track(), model="mtt-musicnn", vocabulary="raw"))
    assert counted() == [*(count + 1 for count in before[:-1]), before[-1] + 4]


def test_cache_lookups_are_counted(stub: Server) -> None:
    def counted() -> list[float]:
        return [
            metric(stub, "taggram_cache_lookups_total", result=result) for result in ("hit", "miss")
        ]

    hits, misses = counted()
    track = new_track()
    for _ in range(2):
        answer(post(stub, track, model="msd-musicnn"))
    assert counted() == [hits + 1, misses + 1]


def test_problems_are_counted_by_kind(stub: Server) -> None:
    before = metric(stub, "taggram_errors_total", kind="unsupported_audio")
    assert_problem(post(stub, b"text"), 415, "unsupported_audio")
    assert metric(stub, "taggram_errors_total", kind="unsupported_audio") == before + 1


def test_invented_paths_and_methods_do_not_grow_the_metrics(stub: Server) -> None:
    def invent(count: int) -> None:
        for number in range(count):
            for method in METHODS:
                path = f"/invented/{number}?vocabulary=invented-{number}"
                headers = {"X-Request-ID": f"invented-{number}"}
                stub.http.request(method, path, headers=headers)

    invent(1)
    series(stub)  # the first reading of the metrics adds its own route
    before = series(stub).keys()
    invent(20)
    assert series(stub).keys() == before


def test_no_internal_error_occurred(stub: Server) -> None:
    assert metric(stub, "taggram_errors_total", kind="internal_error") == 0
