"""Two replicas share a Redis; all that happens to it costs their callers nothing but speed."""

import pickle
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import redis

from testing.redis_server import RedisServer
from testing.server import STUB, Server, serving
from testing.waiting import wait_for
from tests.support.client import answer, assert_problem, metric, new_track, post, series

MODEL = "msd-musicnn"
OTHER_MODEL = "mtt-musicnn"
MEGABYTE = 2**20


@dataclass(frozen=True)
class Replicas:
    """Two servers on one Redis; the second has two models.

    Attributes:
        first: One of them.
        second: The other.
        redis: What they share; it works at the start of each test.
        track: A track that the first one was sent before there was a Redis.
        before: What it answered.
    """

    first: Server
    second: Server
    redis: RedisServer
    track: bytes
    before: httpx.Response

    @property
    def both(self) -> tuple[Server, Server]:
        return self.first, self.second


def settings(url: str) -> dict[str, str]:
    """Those of a replica, with so long a time-out that no load looks like death."""
    return {
        "TAGGRAM_REDIS_URL": url,
        "TAGGRAM_REDIS_TIMEOUT_S": "10",
        "TAGGRAM_SECRET": "a secret that only these servers know",
        "TAGGRAM_MODELS": f'["{MODEL}"]',
    }


@pytest.fixture(scope="module")
def replicas_alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    """Started before their Redis."""
    folder = tmp_path_factory.mktemp("replicas")
    server = RedisServer(folder)
    models = {"first": {}, "second": {"TAGGRAM_MODELS": f'["{MODEL}","{OTHER_MODEL}"]'}}
    with ExitStack() as running, ThreadPoolExecutor() as together:
        starting = [
            serving(folder / f"{name}.log", {**settings(server.url), **own}, STUB)
            for name, own in models.items()
        ]
        first, second = together.map(running.enter_context, starting)
        track = new_track()
        before = post(first, track)
        server.start()
        running.callback(server.kill)
        yield Replicas(first, second, server, track, before)


@pytest.fixture
def replicas(replicas_alone: Replicas) -> Replicas:
    """See `Replicas`."""
    wait_for(lambda: not any(map(is_down, replicas_alone.both)), "Redis in use")
    return replicas_alone


@pytest.fixture(scope="module")
def impatient_replica(
    replicas_alone: Replicas, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A third server on the same Redis, with a short time-out, for tests that let it pass."""
    given = {**settings(replicas_alone.redis.url), "TAGGRAM_REDIS_TIMEOUT_S": "1"}
    log = tmp_path_factory.mktemp("impatient") / "log"
    with serving(log, given, STUB) as server:
        yield server


def suggest(server: Server, audio: bytes, model: str = MODEL) -> dict[str, Any]:
    return answer(post(server, audio, model=model))


def is_down(server: Server) -> bool:
    return bool(metric(server, "taggram_cache_down"))


def precision(server: Server, model: str) -> str:
    """In which it computes a model."""
    for name, labels in series(server):
        if name == "taggram_model_info" and dict(labels)["model"] == model:
            return dict(labels)["precision"]
    raise AssertionError(f"{model} is not loaded")


def failures(server: Server) -> tuple[float, float]:
    """Of reads and of writes, so far."""
    name = "taggram_cache_failures_total"
    return metric(server, name, operation="get"), metric(server, name, operation="put")


def wait_for_more(answers: list[httpx.Response]) -> None:
    enough = len(answers) + 6
    wait_for(lambda: len(answers) >= enough, "six more answers")


def assert_serves_uncached(server: Server, audio: bytes) -> None:
    """Answers go on, the operator sees that they are not kept."""
    for _ in range(3):
        assert not suggest(server, audio)["cached"]
    assert is_down(server)
    assert server.http.get("/health/ready").status_code == httpx.codes.OK
    assert metric(server, "taggram_errors_total", kind="internal_error") == 0


def assert_caches_again(server: Server, audio: bytes) -> None:
    wait_for(lambda: suggest(server, audio)["cached"], "a cached answer")
    assert not is_down(server)


def put_in_place_of(track_id: str, replicas: Replicas, put: Callable[..., object]) -> None:
    """Replace the stored taggram of a track, possibly by something derived from it."""
    with replicas.redis.client() as client:
        (name,) = client.keys(f"*{track_id}")
        ours = client.getdel(name)
        put(client, name, ours)


def fill(client: redis.Redis) -> None:
    """Have it keep its values, and store no more."""
    client.set("filler", b"x" * 2 * MEGABYTE)
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", "2mb")


def test_a_service_that_starts_without_redis_answers(replicas: Replicas) -> None:
    assert not answer(replicas.before)["cached"]
    assert "Redis is down" in replicas.first.log.read_text()
    assert_caches_again(replicas.first, replicas.track)


def test_replicas_share_computed_taggrams(replicas: Replicas) -> None:
    track = new_track()
    computed, known = (suggest(replica, track) for replica in replicas.both)
    assert (computed.pop("cached"), known.pop("cached")) == (False, True)
    assert known == computed


def test_each_replica_shows_taggrams_of_the_other(replicas: Replicas) -> None:
    url = suggest(replicas.second, new_track())["taggram_url"]
    assert answer(replicas.first.http.get(url)) == answer(replicas.second.http.get(url))


def test_two_models_have_two_entries_for_the_same_bytes_each_of_its_precision(
    replicas: Replicas,
) -> None:
    track = new_track()
    computed = [suggest(replicas.second, track, model) for model in (MODEL, OTHER_MODEL)]
    known = [suggest(replicas.second, track, model) for model in (MODEL, OTHER_MODEL)]
    assert [each.pop("cached") for each in computed + known] == [False, False, True, True]
    assert known == computed
    with replicas.redis.client() as client:
        names = client.keys(f"*{computed[0]['track_id']}")
    assert len(names) == 2
    for model in (MODEL, OTHER_MODEL):
        assert any(f"{model}/1:{precision(replicas.second, model)}".encode() in n for n in names)


def test_redis_killed_under_load_fails_no_upload(replicas: Replicas) -> None:
    answers: list[httpx.Response] = []
    ended = threading.Event()

    def load(server: Server) -> None:
        known = new_track()
        while not ended.is_set():
            answers.append(post(server, known, model=MODEL))
            answers.append(post(server, new_track(), model=MODEL))

    with ThreadPoolExecutor() as clients:
        loads = [clients.submit(load, server) for server in replicas.both]
        try:
            for _ in range(2):
                wait_for_more(answers)
                with replicas.redis.dead():
                    wait_for_more(answers)
        finally:
            ended.set()
    for done in loads:
        done.result()
    assert {response.status_code for response in answers} == {httpx.codes.OK}


def test_the_service_works_without_a_dead_redis_and_uses_it_again_when_it_is_back(
    replicas: Replicas,
) -> None:
    track = new_track()
    cached = suggest(replicas.first, track)
    with replicas.redis.dead():
        for replica in replicas.both:
            assert_serves_uncached(replica, track)
            assert suggest(replica, track)["suggestions"] == cached["suggestions"]
        assert_problem(replicas.first.http.get(cached["taggram_url"]), 404, "unknown_track")
    for replica in replicas.both:
        assert_caches_again(replica, track)


def test_the_service_works_without_a_frozen_redis_and_uses_it_again_when_it_continues(
    replicas: Replicas, impatient_replica: Server
) -> None:
    track = new_track()
    assert_caches_again(impatient_replica, track)
    with replicas.redis.frozen():
        assert_serves_uncached(impatient_replica, track)
        reads, writes = failures(impatient_replica)
        suggest(impatient_replica, track)
        assert failures(impatient_replica) == (reads + 1, writes + 1)
    assert_caches_again(impatient_replica, track)


def test_the_service_works_with_a_black_hole_in_place_of_redis(
    replicas: Replicas, impatient_replica: Server
) -> None:
    track = new_track()
    assert_caches_again(impatient_replica, track)
    with (
        replicas.redis.dead(),
        socket.create_server(("127.0.0.1", replicas.redis.port), backlog=100),
    ):
        assert_serves_uncached(impatient_replica, track)
    assert_caches_again(impatient_replica, track)


def test_the_service_works_without_a_redis_that_requires_another_password(
    replicas: Replicas,
) -> None:
    track = new_track()
    suggest(replicas.first, track)
    with replicas.redis.client() as client:
        client.config_set("requirepass", "another password")
        client.client_kill_filter(_type="normal", skipme=True)
        try:
            assert_serves_uncached(replicas.first, track)
        finally:
            client.config_set("requirepass", "")
    assert_caches_again(replicas.first, track)


def test_a_full_redis_returns_its_values_and_stores_no_more(replicas: Replicas) -> None:
    track, other = new_track(), new_track()
    suggest(replicas.first, track)
    reads, writes = failures(replicas.first)
    with replicas.redis.client() as client:
        fill(client)
        try:
            assert suggest(replicas.first, track)["cached"]
            assert not suggest(replicas.first, other)["cached"]
            assert failures(replicas.first) == (reads, writes + 1)
            assert not is_down(replicas.first)
        finally:
            client.config_set("maxmemory", "0")
            client.flushall()
    assert_caches_again(replicas.first, other)


@pytest.mark.parametrize(
    "put",
    [
        lambda client, name, _: client.set(name, b"\x85garbage" * 50),
        lambda client, name, _: client.set(name, pickle.dumps({"scores": [[1.0]]})),
        lambda client, name, ours: client.set(name, b"\0" * 32 + ours[32:]),
        lambda client, name, _: client.lpush(name, b"a list"),
        lambda client, name, _: client.setrange(name, 100 * MEGABYTE, b"!"),
    ],
    ids=["garbage", "pickle", "unsigned", "list", "100 MB"],
)
def test_foreign_values_are_misses_and_counted_and_overwritten(
    put: Callable[..., object], replicas: Replicas
) -> None:
    track = new_track()
    computed = suggest(replicas.first, track)
    put_in_place_of(computed["track_id"], replicas, put)
    reads, writes = failures(replicas.first)

    again = suggest(replicas.first, track)
    assert not again["cached"]
    assert again["suggestions"] == computed["suggestions"]
    assert failures(replicas.first) == (reads + 1, writes)
    assert suggest(replicas.second, track)["cached"]
