"""Uploads of the same track at the same time are inferred once, and each is answered."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from testing.multipart import CONTENT_TYPE, multipart
from testing.server import Server
from testing.waiting import PATIENCE_S, wait_for
from tests.support.client import (
    answer,
    assert_problem,
    inferred_s,
    metric,
    new_track,
    post,
    wait_for_uploads,
)
from tests.support.halting import HaltingServer, serving_with_fault

SECONDS = 4
MODELS = ("msd-musicnn", "mtt-musicnn")


class Halting(HaltingServer):
    """A server whose engines can be halted, and what it has inferred and shared."""

    def wait_for_inference(self, batches_before: float) -> None:
        wait_for(lambda: self.batches() > batches_before, "a batch in an engine")

    def wait_for_shared(self, count: float) -> None:
        wait_for(lambda: self.shared() == count, f"{count} uploads shared")

    def batches(self) -> float:
        return metric(self.server, "taggram_batch_windows_count")

    def shared(self) -> float:
        return metric(self.server, "taggram_uploads_shared_total")

    def inferred(self) -> list[float]:
        return [inferred_s(self.server, model) for model in MODELS]


@pytest.fixture(scope="module")
def halting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Halting]:
    """See `Halting`."""
    folder = tmp_path_factory.mktemp("halting")
    with serving_with_fault(folder, "halting", {}) as (server, fault):
        yield Halting(server, fault)


@pytest.fixture
def together() -> Iterator[ThreadPoolExecutor]:
    """Callers at the same time."""
    with ThreadPoolExecutor(8) as callers:
        yield callers


def send(server: Server, track: bytes) -> socket.socket:
    """Upload a track, and leave its answer unread."""
    body = multipart(track)
    connection = socket.create_connection(("127.0.0.1", server.http.base_url.port), PATIENCE_S)
    head = (
        "POST /suggest-tags HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: {CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connection.sendall(head.encode() + body)
    return connection


def test_four_uploads_of_a_track_are_inferred_once_and_answered_alike(
    halting: Halting, together: ThreadPoolExecutor
) -> None:
    track, inferred, shared = new_track(SECONDS), halting.inferred(), halting.shared()

    with halting.halted():
        uploads = [together.submit(post, halting.server, track) for _ in range(4)]
        halting.wait_for_shared(shared + 3)

    answers = [answer(upload.result()) for upload in uploads]
    assert halting.inferred() == [seconds + SECONDS for seconds in inferred]
    assert answers == 4 * [answers[0]]
    assert not answers[0]["cached"]
    assert len(answers[0]["suggestions"]) == 5


def test_only_the_model_without_a_cached_taggram_is_run(
    halting: Halting, together: ThreadPoolExecutor
) -> None:
    track, inferred, shared = new_track(SECONDS), halting.inferred(), halting.shared()
    batches = halting.batches()

    with halting.halted():
        one = together.submit(post, halting.server, track, model=MODELS[0])
        halting.wait_for_inference(batches)
        both = together.submit(post, halting.server, track)
        halting.wait_for_shared(shared + 1)

    assert len(answer(one.result())["models"]) == 1
    assert len(answer(both.result())["models"]) == 2
    assert halting.inferred() == [seconds + SECONDS for seconds in inferred]


def test_when_the_first_client_leaves_the_second_is_answered(
    halting: Halting, together: ThreadPoolExecutor
) -> None:
    track, inferred, shared = new_track(SECONDS), halting.inferred(), halting.shared()
    batches = halting.batches()

    with halting.halted():
        with send(halting.server, track):
            halting.wait_for_inference(batches)
            staying = together.submit(post, halting.server, track)
            halting.wait_for_shared(shared + 1)
        wait_for_uploads(halting.server, 1)

    assert answer(staying.result())["suggestions"]
    wait_for_uploads(halting.server, 0)
    assert halting.inferred() == [seconds + SECONDS for seconds in inferred]
    assert metric(halting.server, "taggram_errors_total", kind="internal_error") == 0


def test_a_refusal_reaches_every_client_that_sent_the_file(
    halting: Halting, together: ThreadPoolExecutor
) -> None:
    broken = new_track(SECONDS)[:2_000]  # less than a tenth can be decoded

    for refusal in together.map(lambda _: post(halting.server, broken), range(4)):
        assert_problem(refusal, 422, "undecodable_audio")
    assert_problem(post(halting.server, broken), 422, "undecodable_audio")


def test_concurrent_tracks_are_not_mixed_up(halting: Halting, together: ThreadPoolExecutor) -> None:
    seconds = [20, 20, 2, 70]
    tracks = [new_track(length) for length in seconds]

    with halting.halted():
        uploads = [together.submit(post, halting.server, track) for track in tracks]
        wait_for_uploads(halting.server, len(tracks))

    answers = [answer(upload.result()) for upload in uploads]
    known = [answer(post(halting.server, track)) for track in tracks]
    for first, again in zip(answers, known, strict=True):
        assert (first.pop("cached"), again.pop("cached")) == (False, True)
        assert first == again
    assert len({one["track_id"] for one in answers}) == len(tracks)
    assert [one["duration_s"] for one in answers] == seconds
