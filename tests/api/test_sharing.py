"""Uploads of the same track at the same time are heard once, and each is answered."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest

from testing.server import Server
from tests.api.asking import (
    MULTIPART,
    PATIENCE_S,
    answer,
    assert_problem,
    encoded,
    heard_s,
    metric,
    multipart,
    noise,
    post,
    wait_for_uploads,
)

SECONDS = 240
"""Long enough for all to come before the first one is answered."""


@pytest.fixture
def together() -> Iterator[ThreadPoolExecutor]:
    """Callers who ask at the same time."""
    with ThreadPoolExecutor(8) as callers:
        yield callers


def heard_by_each(server: Server) -> list[float]:
    return [heard_s(server, model) for model in ("msd-musicnn", "mtt-musicnn")]


def shared(server: Server) -> float:
    return metric(server, "taggram_uploads_shared_total")


def batches(server: Server) -> float:
    return metric(server, "taggram_batch_windows_count")


def wait_for_a_batch(server: Server, before: float) -> None:
    """Wait until a model hears more than it had heard before."""
    deadline = time.monotonic() + PATIENCE_S
    while batches(server) <= before:
        assert time.monotonic() < deadline, "nothing is heard"
        time.sleep(0.005)


def send(server: Server, track: bytes) -> socket.socket:
    """Upload a track, and leave its answer unread."""
    body = multipart(track)
    connection = socket.create_connection(("127.0.0.1", server.http.base_url.port), PATIENCE_S)
    head = (
        "POST /suggest-tags HTTP/1.1\r\nHost: test\r\n"
        f"Content-Type: {MULTIPART}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connection.sendall(head.encode() + body)
    return connection


def test_four_uploads_of_a_track_are_heard_once_and_answered_alike(
    server: Server, together: ThreadPoolExecutor
) -> None:
    track = encoded(noise(SECONDS, rate=8_000, seed=30), 8_000)
    heard_before, shared_before = heard_by_each(server), shared(server)

    answers = [answer(given) for given in together.map(lambda _: post(server, track), range(4))]

    assert heard_by_each(server) == [seconds + SECONDS for seconds in heard_before]
    known = [one.pop("cached") for one in answers].count(True)
    assert shared(server) - shared_before == 3 - known
    assert known < 3, "they came one after another"
    assert answers == 4 * [answers[0]]
    assert len(answers[0]["suggestions"]) == 5


def test_of_a_question_to_both_models_only_the_new_half_is_heard(
    server: Server, together: ThreadPoolExecutor
) -> None:
    track = encoded(noise(SECONDS, rate=8_000, seed=31), 8_000)
    before = heard_by_each(server)

    one = together.submit(post, server, track, model="msd-musicnn")
    both = together.submit(post, server, track)

    assert len(answer(one.result())["models"]) == 1
    assert len(answer(both.result())["models"]) == 2
    assert heard_by_each(server) == [seconds + SECONDS for seconds in before]


def test_the_first_to_come_may_leave_and_the_other_is_answered(
    server: Server, together: ThreadPoolExecutor
) -> None:
    track = encoded(noise(SECONDS, rate=8_000, seed=32), 8_000)
    heard_before, batches_before = heard_by_each(server), batches(server)

    with send(server, track):
        wait_for_a_batch(server, batches_before)
        staying: Future[httpx.Response] = together.submit(post, server, track)
        wait_for_uploads(server, 2)

    assert answer(staying.result())["suggestions"]
    wait_for_uploads(server, 0)
    assert heard_by_each(server) == [seconds + SECONDS for seconds in heard_before]
    assert metric(server, "taggram_errors_total", kind="internal_error") == 0


def test_a_refusal_reaches_all_who_sent_the_same(
    server: Server, together: ThreadPoolExecutor
) -> None:
    broken = encoded(noise(SECONDS, rate=8_000, seed=33), 8_000)[:-100_000]

    for refusal in together.map(lambda _: post(server, broken), range(4)):
        assert_problem(refusal, 422, "undecodable_audio")
    assert_problem(post(server, broken), 422, "undecodable_audio")


def test_different_tracks_at_the_same_time_are_not_mixed_up(
    server: Server, together: ThreadPoolExecutor
) -> None:
    seconds = [20, 20, 2, 70]
    tracks = [encoded(noise(s, seed=34 + n), 16_000) for n, s in enumerate(seconds)]

    answers = [answer(given) for given in together.map(lambda track: post(server, track), tracks)]

    known = [answer(post(server, track)) for track in tracks]
    for first, again in zip(answers, known, strict=True):
        assert (first.pop("cached"), again.pop("cached")) == (False, True)
        assert first == again
    assert len({one["track_id"] for one in answers}) == len(tracks)
    assert [one["duration_s"] for one in answers] == seconds


def test_while_uploads_keep_the_machine_busy_it_says_that_it_lives(
    server: Server, together: ThreadPoolExecutor
) -> None:
    tracks = [encoded(noise(60, seed=seed), 16_000) for seed in range(40, 44)]
    uploads = [together.submit(post, server, track) for track in tracks]

    while not all(upload.done() for upload in uploads):
        for path in ("/health/live", "/health/ready", "/metrics"):
            assert server.http.get(path).status_code == httpx.codes.OK

    assert all(answer(upload.result())["suggestions"] for upload in uploads)
    assert metric(server, "taggram_queued_windows") == 0
