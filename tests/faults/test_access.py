"""Access, rates and the rights of pages: over HTTP, on a server with API keys."""

import itertools
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from app.access.key_file import create_key, revoke_key
from testing.multipart import multipart
from testing.server import STUB, Server, serving
from testing.waiting import PATIENCE_S, wait_for
from tests.api.conftest import ORIGIN
from tests.support.client import answer, assert_problem, logged, noise_file, series

USES = 2
PER_MINUTE = {"key": 120, "address": 4}
BURST = {name: rate // 2 for name, rate in PER_MINUTE.items()}
UNKNOWN = "/taggram?track_id=" + "0" * 64


@dataclass(frozen=True)
class Guarded:
    """A server with API keys.

    Attributes:
        server: The running service.
        keys: The file of keys.
        shop: A key.
        boss: An admin's key.
    """

    server: Server
    keys: Path
    shop: str
    boss: str

    def new_key(self, name: str) -> str:
        return create_key(self.keys, name, admin=False)

    def send(
        self, method: str, path: str, credential: str | None = None, **more: Any
    ) -> httpx.Response:
        headers = dict(more.pop("headers", {}))
        if credential is not None:
            headers["Authorization"] = f"Bearer {credential}"
        return self.server.http.request(method, path, headers=headers, **more)

    def token(self, key: str) -> str:
        response = self.send("POST", "/upload-tokens", key, json={"origin": ORIGIN})
        assert response.status_code == 201, response.text
        assert response.json()["uses"] == USES
        return response.json()["token"]

    def upload(self, credential: str, origin: str | None = ORIGIN) -> httpx.Response:
        headers = {"Origin": origin} if origin else {}
        files = {"file": noise_file(4)}
        return self.send("POST", "/suggest-tags", credential, headers=headers, files=files)

    def from_address(self, address: str, path: str = UNKNOWN, **more: Any) -> httpx.Response:
        """As a proxy on this machine passes it on."""
        return self.send("GET", path, headers={"X-Forwarded-For": address}, **more)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """See `Guarded`."""
    folder = tmp_path_factory.mktemp("guarded")
    keys = folder / "keys.json"
    shop, boss = create_key(keys, "shop", admin=False), create_key(keys, "boss", admin=True)
    settings = {
        "TAGGRAM_MODELS": '["msd-musicnn"]',
        "TAGGRAM_KEYS_FILE": str(keys),
        "TAGGRAM_SECRET": "a secret of tests, thirty-two or more characters",
        "TAGGRAM_ALLOWED_ORIGINS": json.dumps([ORIGIN]),
        "TAGGRAM_UPLOAD_TOKEN_USES": str(USES),
        "TAGGRAM_KEY_REQUESTS_PER_MINUTE": str(PER_MINUTE["key"]),
        "TAGGRAM_ADDRESS_REQUESTS_PER_MINUTE": str(PER_MINUTE["address"]),
    }
    with serving(folder / "log", settings, STUB) as server:
        yield Guarded(server, keys, shop, boss)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/suggest-tags"),
        ("POST", "/suggest-tags/pooled"),
        ("GET", UNKNOWN),
        ("POST", "/recommendations"),
        ("GET", "/identities/" + "0" * 64),
        ("POST", "/upload-tokens"),
        ("POST", "/models/reload"),
    ],
)
def test_expensive_routes_require_a_key(method: str, path: str, guarded: Guarded) -> None:
    for wrong in (None, "x", guarded.shop[:-1], f"{guarded.shop} {guarded.boss}"):
        response = guarded.send(method, path, wrong)
        assert_problem(response, 401, "unauthorized")
        assert response.headers["WWW-Authenticate"] == "Bearer"
    basic = guarded.send(method, path, headers={"Authorization": f"Basic {guarded.boss}"})
    assert_problem(basic, 401, "unauthorized")
    assert guarded.send(method, path, guarded.boss).status_code not in {401, 403, 429}


def test_only_an_admin_key_may_reload(guarded: Guarded) -> None:
    problem = assert_problem(guarded.send("POST", "/models/reload", guarded.shop), 403, "forbidden")
    assert "--admin" in problem["detail"]


@pytest.mark.parametrize(
    "path",
    [
        *("/health/live", "/health/ready", "/metrics", "/docs"),
        *("/vocabularies", "/models", "/limits", "/", "/web/tag-suggest.js"),
    ],
)
def test_cheap_routes_are_open(path: str, guarded: Guarded) -> None:
    assert guarded.send("GET", path).status_code == 200


def refused_unread(guarded: Guarded, path: str, *more: str) -> str:
    """The status of the answer to a request of which only the head is sent."""
    head = [f"POST {path} HTTP/1.1", "Host: x", "Content-Length: 30000000", *more, "", ""]
    with socket.create_connection(
        ("127.0.0.1", guarded.server.http.base_url.port), timeout=PATIENCE_S
    ) as connection:
        connection.sendall("\r\n".join(head).encode())
        return connection.recv(100).decode().split()[1]


@pytest.mark.parametrize("path", ["/suggest-tags", "/suggest-tags/pooled", "/upload-tokens"])
def test_without_access_the_body_is_not_read(path: str, guarded: Guarded) -> None:
    assert refused_unread(guarded, path) == "401"
    assert refused_unread(guarded, path, "Authorization: Bearer x") == "401"
    until_refused(guarded, None, ["192.0.2.30"])
    assert refused_unread(guarded, path, "X-Forwarded-For: 192.0.2.30") == "429"


def test_a_token_allows_a_few_uploads_and_their_taggrams(guarded: Guarded) -> None:
    token = guarded.token(guarded.shop)

    uploaded = answer(guarded.upload(token))
    for _ in range(USES + 1):
        seen = guarded.send("GET", uploaded["taggram_url"], token, headers={"Origin": ORIGIN})
        assert seen.status_code == 200
    for _ in range(USES - 1):
        answer(guarded.upload(token))
    problem = assert_problem(guarded.upload(token), 403, "forbidden")
    assert "used up" in problem["detail"]
    assert "POST /upload-tokens" in problem["detail"]


@pytest.mark.parametrize("origin", [None, "https://evil.example", f"{ORIGIN}.evil.example", "null"])
def test_a_token_is_valid_for_one_page_and_a_refusal_costs_no_use(
    origin: str | None, guarded: Guarded
) -> None:
    token = guarded.token(guarded.boss)

    for _ in range(USES):
        problem = assert_problem(guarded.upload(token, origin), 403, "forbidden")
        assert ORIGIN in problem["detail"]
    answer(guarded.upload(token))


OWN_PAGE = {
    "Sec-Fetch-Site": "same-origin",
    "Host": "signup.example",
    "X-Forwarded-Proto": "https",
}
"""The headers of a browser's same-origin GET through the proxy; no Origin."""


@pytest.mark.parametrize("host", ["signup.example", "signup.example:443", "SIGNUP.example"])
def test_a_token_is_valid_on_a_page_of_the_service_s_origin(host: str, guarded: Guarded) -> None:
    seen = guarded.send(
        "GET", UNKNOWN, guarded.token(guarded.shop), headers={**OWN_PAGE, "Host": host}
    )
    assert_problem(seen, 404, "unknown_track")


@pytest.mark.parametrize(
    "different",
    [
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "signup.example:8443"},
        {"Host": "evil.example"},
        {"Host": "["},
        {"X-Forwarded-Proto": "http"},
        {"X-Forwarded-Proto": "wss"},
        {"Origin": "https://evil.example"},
    ],
)
def test_a_token_is_not_valid_on_other_pages(different: dict[str, str], guarded: Guarded) -> None:
    seen = guarded.send("GET", UNKNOWN, guarded.token(guarded.shop), headers=OWN_PAGE | different)
    assert_problem(seen, 403, "forbidden")


def test_a_token_is_valid_for_one_purpose(guarded: Guarded) -> None:
    token = guarded.token(guarded.boss)

    for path in ("/upload-tokens", "/models/reload"):
        response = guarded.send("POST", path, token, headers={"Origin": ORIGIN})
        assert "API key" in assert_problem(response, 403, "forbidden")["detail"]


def test_a_token_that_was_changed_is_refused(guarded: Guarded) -> None:
    claims = jwt.decode(guarded.token(guarded.shop), options={"verify_signature": False})

    unsigned = jwt.encode({**claims, "exp": 2**40}, "", "none")

    assert_problem(guarded.upload(unsigned), 401, "unauthorized")


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"origin": "https://evil.example"}, 403, "forbidden"),
        ({"origin": f"{ORIGIN}/"}, 403, "forbidden"),
        ({"origin": "*"}, 403, "forbidden"),
        ({"origin": [ORIGIN]}, 422, "invalid_parameter"),
        ({"origin": ORIGIN, "uses": 1_000}, 422, "invalid_parameter"),
        ({}, 422, "invalid_parameter"),
        ("\ud800", 422, "invalid_parameter"),
        ("x" * 5_000, 413, "payload_too_large"),
    ],
)
def test_tokens_are_issued_for_allowed_pages_only(
    body: object, status: int, kind: str, guarded: Guarded
) -> None:
    response = guarded.send("POST", "/upload-tokens", guarded.shop, content=json.dumps(body))

    assert_problem(response, status, kind)


def test_a_revocation_takes_effect_at_once_for_the_key_and_its_tokens(guarded: Guarded) -> None:
    key = guarded.new_key("leaver")
    token = guarded.token(key)
    answer(guarded.upload(token))

    revoke_key(guarded.keys, "leaver")

    assert_problem(guarded.send("GET", UNKNOWN, key), 401, "unauthorized")
    assert "revoked" in assert_problem(guarded.upload(token), 401, "unauthorized")["detail"]


def test_the_log_names_the_key_and_nothing_secret(guarded: Guarded) -> None:
    token = guarded.token(guarded.shop)

    for credential, client in (
        (guarded.shop, "key:shop"),
        (token, "token:shop"),
        ("wrong", "address"),
    ):
        response = guarded.send("GET", UNKNOWN, credential)
        assert logged(guarded.server, response.headers["X-Request-ID"])["client"] == client
    log = guarded.server.log.read_text()
    assert guarded.shop not in log
    assert token not in log


def until_refused(
    guarded: Guarded, credential: str | None, addresses: Iterable[str]
) -> tuple[Counter[int], httpx.Response]:
    """Call from these addresses in turns until it is refused; the statuses before, the refusal."""
    statuses: Counter[int] = Counter()
    for address in itertools.islice(itertools.cycle(addresses), 10 * BURST["key"]):
        headers = {"X-Forwarded-For": address}
        response = guarded.send("GET", UNKNOWN, credential, headers=headers)
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            return statuses, response
        statuses[response.status_code] += 1
    raise AssertionError(f"never refused: {statuses}")


def test_an_address_has_its_rate_and_another_its_own(guarded: Guarded) -> None:
    begun = time.monotonic()
    statuses, response = until_refused(guarded, None, ["192.0.2.1"])
    came_back = (time.monotonic() - begun) * PER_MINUTE["address"] / 60

    assert set(statuses) == {401}
    assert BURST["address"] <= statuses[401] <= BURST["address"] + came_back
    problem = assert_problem(response, 429, "rate_limited")
    assert 1 <= int(response.headers["Retry-After"]) <= 60 / PER_MINUTE["address"]
    assert f"{PER_MINUTE['address']} requests a minute from this address" in problem["detail"]
    assert guarded.from_address("192.0.2.2").status_code == 401
    assert guarded.send("GET", UNKNOWN).status_code == 401  # without a proxy: not counted


def test_an_ipv6_customer_is_one_caller(guarded: Guarded) -> None:
    until_refused(guarded, None, [f"2001:db8:0:1::{index:x}" for index in range(1_000)])

    assert guarded.from_address("2001:db8:0:2::1").status_code == 401


def test_a_key_has_its_own_rate_from_any_address(guarded: Guarded) -> None:
    busy, calm = guarded.new_key("busy"), guarded.new_key("calm")

    statuses, _ = until_refused(guarded, busy, ["192.0.2.3"])

    assert set(statuses) == {404}
    assert statuses[404] >= BURST["key"] > BURST["address"]
    assert guarded.send("GET", UNKNOWN, calm).status_code == 404
    assert guarded.from_address("192.0.2.3").status_code == 401


def test_guesses_of_keys_are_counted_by_address(guarded: Guarded) -> None:
    statuses, _ = until_refused(guarded, guarded.shop[:-1] + "x", ["192.0.2.4"])

    assert set(statuses) == {401}


def test_health_and_metrics_are_never_limited(guarded: Guarded) -> None:
    paths = ("/health/live", "/health/ready", "/metrics")
    calls = BURST["address"] + 5

    statuses = [
        guarded.from_address("192.0.2.5", path).status_code for path in paths for _ in range(calls)
    ]

    assert set(statuses) == {200}


def test_while_one_client_floods_the_others_are_served(guarded: Guarded) -> None:
    polite, statuses, enough = guarded.new_key("polite"), Counter[int](), threading.Event()

    def flood() -> None:
        headers, body = {"X-Forwarded-For": "192.0.2.6"}, multipart(b"x" * 1_000)
        url = guarded.server.http.base_url
        with httpx.Client(base_url=url, timeout=PATIENCE_S, trust_env=False) as client:
            while not enough.is_set():
                response = client.post("/suggest-tags", headers=headers, content=body)
                statuses[response.status_code] += 1

    with ThreadPoolExecutor(4) as pool:
        floods = [pool.submit(flood) for _ in range(4)]
        try:
            wait_for(lambda: statuses[429] > BURST["address"], "the flood to be refused")
            served = [guarded.send("GET", UNKNOWN, polite).status_code for _ in range(BURST["key"])]
        finally:
            enough.set()
    for done in floods:
        done.result()

    assert set(served) == {404}
    assert set(statuses) == {401, 429}


def test_a_page_of_an_allowed_origin_may_call_and_read(guarded: Guarded) -> None:
    preflight = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, x-request-id",
    }
    may = guarded.send("OPTIONS", "/suggest-tags", headers=preflight)
    assert may.status_code == 200
    assert may.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Access-Control-Allow-Credentials" not in may.headers

    for path in ("/models", UNKNOWN, "/nothing", "/taggram"):
        response = guarded.send("GET", path, headers={"Origin": ORIGIN})
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN, path
        assert "Origin" in response.headers["Vary"]
        assert "Retry-After" in response.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://signup.example", f"{ORIGIN}:8443", "null"]
)
def test_a_page_of_another_origin_may_not_call(origin: str, guarded: Guarded) -> None:
    preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    for response in (
        guarded.send("OPTIONS", "/suggest-tags", headers=preflight),
        guarded.send("GET", "/models", headers={"Origin": origin}),
    ):
        assert "Access-Control-Allow-Origin" not in response.headers
        assert "Origin" in response.headers["Vary"]


def test_invented_names_create_no_new_series(guarded: Guarded) -> None:
    def send(index: int) -> None:
        headers = {
            "X-Request-ID": f"invented-{index}",
            "X-Forwarded-For": f"198.51.{index % 100}.{index // 100}",
            "Authorization": f"Bearer taggram_{index:012x}_{index:064x}",
        }
        query = {"track_id": f"{index:064x}", "model": f"invented-{index}"}
        guarded.send("GET", "/taggram", params=query, headers=headers)
        guarded.send("GET", f"/invented-{index}", headers=headers)

    send(0)
    series(guarded.server)  # which is a request, too
    before = set(series(guarded.server))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(1, 60)))

    assert set(series(guarded.server)) == before


def test_the_openapi_document_marks_routes_that_need_a_key(guarded: Guarded, stub: Server) -> None:
    def needs_key(document: dict[str, Any]) -> set[str]:
        paths = document["paths"].items()
        return {path for path, methods in paths for way in methods.values() if "security" in way}

    document = guarded.send("GET", "/openapi.json").json()
    assert needs_key(document) == {
        "/suggest-tags",
        "/suggest-tags/pooled",
        "/taggram",
        "/feedback",
        "/recommendations",
        "/identities/{track_id}",
        "/upload-tokens",
        "/models/reload",
    }
    (scheme,) = document["components"]["securitySchemes"].values()
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert not needs_key(stub.http.get("/openapi.json").json())


def test_without_keys_there_are_no_tokens(stub: Server) -> None:
    response = stub.http.post("/upload-tokens", json={"origin": ORIGIN})

    assert "no API keys" in assert_problem(response, 403, "forbidden")["detail"]
