"""Three replicas behind nginx share one Redis: one that dies, stops or restarts costs no answer."""

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from app.access.key_file import create_key
from testing.packages.nginx import NGINX
from testing.redis_server import RedisServer
from testing.waiting import wait_for
from tests.api.conftest import ORIGIN
from tests.support.client import (
    answer,
    assert_problem,
    inferred_s,
    metric,
    new_track,
    wait_for_uploads,
)
from tests.support.replicas import SECONDS, Front, Replica, bearer, dying, nginx, replica

USES = 6
BURST = 10
"""Calls of an API key that may come at once."""

IMPATIENT = {"proxy_read_timeout 70s;": "proxy_read_timeout 4s;"}
"""Enough for a replica that works, on a busy machine too."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The settings of all replicas, with a running Redis."""
    if not NGINX.is_file():
        pytest.skip(f"nginx is not at {NGINX}; see `make test`")
    folder = tmp_path_factory.mktemp("shared")
    create_key(folder / "keys.json", "first", admin=False)
    redis = RedisServer(folder)
    redis.start()
    try:
        yield {
            "TAGGRAM_MODELS": '["msd-musicnn"]',
            "TAGGRAM_KEYS_FILE": str(folder / "keys.json"),
            "TAGGRAM_SECRET": "a secret of tests, thirty-two or more characters",
            "TAGGRAM_ALLOWED_ORIGINS": json.dumps([ORIGIN]),
            "TAGGRAM_UPLOAD_TOKEN_USES": str(USES),
            "TAGGRAM_ADDRESS_REQUESTS_PER_MINUTE": "100000",
            "TAGGRAM_KEY_REQUESTS_PER_MINUTE": str(2 * BURST),
            "TAGGRAM_MAX_BACKLOG_S": "1000",
            "TAGGRAM_REDIS_URL": redis.url,
            "TAGGRAM_REDIS_TIMEOUT_S": "10",
        }
    finally:
        redis.kill()


@pytest.fixture(scope="module")
def steady(
    settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Replica, ...]]:
    """Three replicas that no test ends."""
    folder = tmp_path_factory.mktemp("steady")
    with ExitStack() as stack:
        yield tuple(stack.enter_context(replica(folder, name, settings)) for name in "abc")


@pytest.fixture(scope="module")
def steady_front(
    settings: dict[str, str],
    steady: tuple[Replica, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Front]:
    """nginx before them."""
    ports = [each.port for each in steady]
    with nginx(tmp_path_factory.mktemp("nginx"), settings, *ports) as front:
        yield front


@pytest.fixture
def mortal(settings: dict[str, str], tmp_path: Path) -> Iterator[Replica]:
    """A replica that a test may end."""
    with replica(tmp_path, "mortal", settings) as mortal:
        yield mortal


@pytest.fixture
def front(
    settings: dict[str, str], steady: tuple[Replica, ...], mortal: Replica, tmp_path: Path
) -> Iterator[Front]:
    """nginx before it and two others."""
    ports = [each.port for each in (mortal, *steady[:2])]
    with nginx(tmp_path, settings, *ports) as front:
        yield front


def test_a_replica_killed_under_load_costs_no_answer_and_no_use(
    front: Front, mortal: Replica
) -> None:
    token = front.token("killed")
    with ThreadPoolExecutor(USES) as pool, mortal.halted():
        uploads = [pool.submit(front.send, token) for _ in range(USES - 2)]
        uploads.append(pool.submit(front.send, token, 2))
        wait_for(
            lambda: metric(mortal.server, "taggram_batch_windows_count"), "an upload in its engine"
        )
        mortal.server.process.kill()
        responses = [upload.result() for upload in uploads]

    assert [response.status_code for response in responses] == [httpx.codes.OK] * len(responses)
    front.assert_used_up(token)
    another = front.token("after")
    for _ in range(USES):
        answer(front.send(another))
    front.assert_used_up(another)


def test_a_replica_that_stops_costs_no_answer_and_no_use(
    settings: dict[str, str], steady: tuple[Replica, ...], tmp_path: Path
) -> None:
    ports = [each.port for each in steady]
    with nginx(tmp_path, settings, *ports, changed=IMPATIENT) as front:
        token = front.token("stopped")
        with steady[0].frozen(), ThreadPoolExecutor(USES) as pool:
            responses = list(pool.map(front.send, [token] * USES))

        assert [response.status_code for response in responses] == [httpx.codes.OK] * USES
        front.assert_used_up(token)


def test_a_replica_that_is_restarted_costs_no_answer(front: Front, mortal: Replica) -> None:
    token = front.token("restarted")
    with ThreadPoolExecutor(1) as pool, mortal.halted():
        key = bearer(create_key(front.keys, "draining", admin=False))
        files = {"file": new_track(SECONDS)}
        accepted = pool.submit(mortal.server.http.post, "/suggest-tags", headers=key, files=files)
        wait_for_uploads(mortal.server, 1)
        mortal.server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: not is_ready(mortal), "the end of its readiness")
        for _ in range(USES):
            answer(front.send(token))
    answer(accepted.result())
    front.assert_used_up(token)


def is_ready(one: Replica) -> bool:
    return one.server.http.get("/health/ready").status_code == httpx.codes.OK


def test_only_uploads_are_sent_again(
    settings: dict[str, str], steady: tuple[Replica, ...], tmp_path: Path
) -> None:
    """A request that changes something may have done so before its replica died."""
    with dying() as port, nginx(tmp_path, settings, port, steady[0].port) as front:
        key = bearer(create_key(front.keys, "once", admin=False))
        request = {"json": {"origin": ORIGIN}, "headers": key}
        responses = [front.http.post("/upload-tokens", **request) for _ in range(2)]
        refused, created = sorted(responses, key=lambda response: -response.status_code)
        assert_problem(refused, 503, "not_ready")
        token = created.json()["token"]
        for _ in range(2):
            answer(front.send(token))
            assert front.http.get("/models").status_code == httpx.codes.OK


def test_a_track_is_inferred_once_for_all_replicas(
    steady_front: Front, steady: tuple[Replica, ...]
) -> None:
    servers = [each.server for each in steady]
    before = sum(inferred_s(server, "msd-musicnn") for server in servers)
    key = bearer(create_key(steady_front.keys, "cached", admin=False))
    track = new_track(SECONDS)

    def send(server_or_front: httpx.Client) -> bool:
        files = {"file": track}
        return bool(
            answer(server_or_front.post("/suggest-tags", headers=key, files=files))["cached"]
        )

    assert [send(steady_front.http) for _ in range(3)] == [False, True, True]
    assert [send(server.http) for server in servers] == [True] * 3
    after = sum(inferred_s(server, "msd-musicnn") for server in servers)
    assert after - before == pytest.approx(SECONDS)


def test_the_rate_of_a_key_is_that_of_all_replicas_together(steady_front: Front) -> None:
    key = bearer(create_key(steady_front.keys, "fast", admin=False))
    accepted = 0
    while (response := steady_front.http.get("/models", headers=key)).status_code == httpx.codes.OK:
        accepted += 1
    assert_problem(response, 429, "rate_limited")
    assert BURST <= accepted < 2 * BURST, "three replicas alone would accept three bursts"
