"""What costs a use of an upload token: an upload that was accepted, and no other."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app.access.key_file import create_key
from testing.multipart import multipart
from testing.redis_server import RedisServer
from testing.server import STUB, Server, serving
from tests.api.conftest import MAX_UPLOAD_BYTES, ORIGIN
from tests.support.client import answer, assert_problem, noise_file, response_to, upload
from tests.support.client import wait_for_uploads as wait

USES = 2
GOOD = noise_file(1)


@dataclass(frozen=True)
class Guarded:
    """A server that accepts one upload at a time, with API keys.

    Attributes:
        server: The running service.
        key: A key.
    """

    server: Server
    key: str

    def token(self) -> str:
        response = self.server.http.post(
            "/upload-tokens",
            json={"origin": ORIGIN},
            headers={"Authorization": f"Bearer {self.key}"},
        )
        return str(response.json()["token"])

    def send(self, token: str, **more: object) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", "Origin": ORIGIN, **more.pop("headers", {})}
        request = {"files": {"file": GOOD}, **more}
        return self.server.http.post("/suggest-tags", headers=headers, **request)


@pytest.fixture(
    scope="module", params=[pytest.param("memory", marks=pytest.mark.thorough), "Redis"]
)
def guarded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Guarded]:
    """See `Guarded`; uses are counted in memory or in Redis."""
    folder = tmp_path_factory.mktemp("guarded")
    settings = {
        "TAGGRAM_MODELS": '["msd-musicnn"]',
        "TAGGRAM_KEYS_FILE": str(folder / "keys.json"),
        "TAGGRAM_SECRET": "a secret of tests, thirty-two or more characters",
        "TAGGRAM_ALLOWED_ORIGINS": json.dumps([ORIGIN]),
        "TAGGRAM_UPLOAD_TOKEN_USES": str(USES),
        "TAGGRAM_MAX_UPLOAD_BYTES": str(MAX_UPLOAD_BYTES),
        "TAGGRAM_MAX_IN_FLIGHT": "1",
        "TAGGRAM_STALL_TIMEOUT_S": "60",
    }
    key = create_key(Path(settings["TAGGRAM_KEYS_FILE"]), "shop", admin=False)
    if request.param == "memory":
        with serving(folder / "log", settings, STUB) as server:
            yield Guarded(server, key)
        return
    redis = RedisServer(folder)
    redis.start()
    try:
        settings |= {"TAGGRAM_REDIS_URL": redis.url, "TAGGRAM_REDIS_TIMEOUT_S": "10"}
        with serving(folder / "log", settings, STUB) as server:
            yield Guarded(server, key)
    finally:
        redis.kill()


REFUSED = {
    "an unknown vocabulary": (404, {"params": {"vocabulary": "nothing"}}),
    "a wrong parameter": (422, {"params": {"top_k": "many"}}),
    "another form": (415, {"files": None, "data": {"file": "x"}}),
    "a compressed body": (415, {"headers": {"Content-Encoding": "gzip"}}),
    "too large a file": (413, {"files": {"file": bytes(2 * MAX_UPLOAD_BYTES)}}),
}


def assert_all_uses_left(guarded: Guarded, token: str) -> None:
    for _ in range(USES):
        answer(guarded.send(token))
    problem = assert_problem(guarded.send(token), 403, "forbidden")
    assert "used up" in problem["detail"]


def test_an_upload_refused_before_admission_costs_no_use(guarded: Guarded) -> None:
    token = guarded.token()
    for status, request in REFUSED.values():
        assert guarded.send(token, **request).status_code == status
    body = multipart(GOOD)
    headers = {"Authorization": f"Bearer {guarded.token()}", "Origin": ORIGIN}  # the same client
    with upload(guarded.server, Content_Length=str(len(body)), **headers) as first:
        wait(guarded.server, 1)
        for _ in range(USES):
            assert_problem(guarded.send(token), 503, "overloaded")
        first.send(body)
        answer(response_to(first))
    wait(guarded.server, 0)

    assert_all_uses_left(guarded, token)


def test_no_more_uploads_than_uses_are_accepted_at_once(guarded: Guarded) -> None:
    token = guarded.token()
    statuses: Counter[int] = Counter()
    while not statuses[403]:
        with ThreadPoolExecutor(6) as pool:
            responses = list(pool.map(guarded.send, [token] * 6))
        statuses.update(response.status_code for response in responses)

    assert statuses.keys() <= {200, 403, 429, 503}
    assert statuses[200] == USES
