"""Three replicas behind nginx share one Redis: one that dies, stops or restarts costs no answer."""

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
) -> Iterator[tuple[Replica, Replica]]:
    """Two replicas that no test harms."""
    folder = tmp_path_factory.mktemp("steady")
    with replica(folder, "one", settings) as one, replica(folder, "other", settings) as other:
        yield one, other


@pytest.fixture
def third(settings: dict[str, str], tmp_path: Path) -> Iterator[Replica]:
    """A replica that a test may harm."""
    with replica(tmp_path, "third", settings) as third:
        yield third


@pytest.fixture
def front(
    settings: dict[str, str],
    steady: tuple[Replica, Replica],
    third: Replica,
    tmp_path: Path,
) -> Iterator[Front]:
    """nginx before all three."""
    with nginx(tmp_path, settings, *(each.port for each in (third, *steady))) as front:
        yield front


def test_a_replica_killed_under_load_costs_no_answer_and_no_use(
    front: Front, third: Replica
) -> None:
    token = front.token("killed")
    third.fault.write_text("halt")
    with ThreadPoolExecutor(USES) as pool:
        uploads = [pool.submit(front.send, token) for _ in range(USES - 2)]
        uploads.append(pool.submit(front.send, token, 2))
        wait_for(
            lambda: metric(third.server, "taggram_batch_windows_count"), "an upload in its engine"
        )
        third.server.process.kill()
        responses = [upload.result() for upload in uploads]

    assert [response.status_code for response in responses] == [httpx.codes.OK] * len(responses)
    front.assert_used_up(token)
    another = front.token("after")
    for _ in range(USES):
        answer(front.send(another))
    front.assert_used_up(another)


def test_a_replica_that_stops_costs_no_answer_and_no_use(
    settings: dict[str, str],
    steady: tuple[Replica, Replica],
    third: Replica,
    tmp_path: Path,
) -> None:
    ports = [each.port for each in (third, *steady)]
    with nginx(tmp_path, settings, *ports, changed=IMPATIENT) as front:
        token = front.token("stopped")
        with third.frozen(), ThreadPoolExecutor(USES) as pool:
            responses = list(pool.map(front.send, [token] * USES))

        assert [response.status_code for response in responses] == [httpx.codes.OK] * USES
        front.assert_used_up(token)


def test_a_replica_that_is_restarted_costs_no_answer(front: Front, third: Replica) -> None:
    token = front.token("restarted")
    third.fault.write_text("halt")
    with ThreadPoolExecutor(1) as pool:
        key = bearer(create_key(front.keys, "draining", admin=False))
        files = {"file": new_track(SECONDS)}
        accepted = pool.submit(third.server.http.post, "/suggest-tags", headers=key, files=files)
        wait_for_uploads(third.server, 1)
        third.server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: not is_ready(third), "the end of its readiness")
        for _ in range(USES):
            answer(front.send(token))
        third.fault.write_text("")
        answer(accepted.result())
    front.assert_used_up(token)


def is_ready(one: Replica) -> bool:
    return one.server.http.get("/health/ready").status_code == httpx.codes.OK


def test_only_uploads_are_sent_again(
    settings: dict[str, str], steady: tuple[Replica, Replica], tmp_path: Path
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
    front: Front, steady: tuple[Replica, Replica], third: Replica
) -> None:
    servers = [each.server for each in (*steady, third)]
    before = sum(inferred_s(server, "msd-musicnn") for server in servers)
    key = bearer(create_key(front.keys, "cached", admin=False))
    track = new_track(SECONDS)

    def send(server_or_front: httpx.Client) -> bool:
        files = {"file": track}
        return bool(
            answer(server_or_front.post("/suggest-tags", headers=key, files=files))["cached"]
        )

    assert [send(front.http) for _ in range(3)] == [False, True, True]
    assert [send(server.http) for server in servers] == [True] * 3
    after = sum(inferred_s(server, "msd-musicnn") for server in servers)
    assert after - before == pytest.approx(SECONDS)


def test_the_rate_of_a_key_is_that_of_all_replicas_together(front: Front) -> None:
    key = bearer(create_key(front.keys, "fast", admin=False))
    accepted = 0
    while (response := front.http.get("/models", headers=key)).status_code == httpx.codes.OK:
        accepted += 1
    assert_problem(response, 429, "rate_limited")
    assert BURST <= accepted < 2 * BURST, "three replicas alone would accept three bursts"


def test_replicas_that_are_all_down_are_answered_503(
    settings: dict[str, str], third: Replica, tmp_path: Path
) -> None:
    with nginx(tmp_path, settings, third.port) as front:
        third.server.process.kill()
        third.server.process.wait()
        problem = assert_problem(front.http.get("/models"), 503, "not_ready")
    assert problem["detail"] == "The service does not answer. Try again soon."
