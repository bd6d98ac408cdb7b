"""Who may call, how often, and what pages may: over HTTP, on a server with API keys."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from app.access.key_file import create_key, revoke_key
from testing.server import Server, serving
from tests.api.asking import (
    PATIENCE_S,
    answer,
    assert_problem,
    encoded,
    logged,
    multipart,
    noise,
    series,
)

ORIGIN = "https://signup.example"
USES = 2
PER_MINUTE = {"key": 60, "address": 20}
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

    def ask(
        self, method: str, path: str, credential: str | None = None, **more: Any
    ) -> httpx.Response:
        headers = dict(more.pop("headers", {}))
        if credential is not None:
            headers["Authorization"] = f"Bearer {credential}"
        return self.server.http.request(method, path, headers=headers, **more)

    def token(self, key: str) -> str:
        response = self.ask("POST", "/upload-tokens", key, json={"origin": ORIGIN})
        assert response.status_code == 201, response.text
        assert response.json()["uses"] == USES
        return response.json()["token"]

    def upload(self, credential: str, origin: str | None = ORIGIN) -> httpx.Response:
        headers = {"Origin": origin} if origin else {}
        files = {"file": encoded(noise(4))}
        return self.ask("POST", "/suggest-tags", credential, headers=headers, files=files)

    def from_address(self, address: str, path: str = UNKNOWN, **more: Any) -> httpx.Response:
        """As a proxy on this machine passes it on."""
        return self.ask("GET", path, headers={"X-Forwarded-For": address}, **more)


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
    with serving(folder / "log", settings) as server:
        yield Guarded(server, keys, shop, boss)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/suggest-tags"),
        ("GET", UNKNOWN),
        ("POST", "/upload-tokens"),
        ("POST", "/models/reload"),
    ],
)
def test_what_costs_something_is_for_callers_with_a_key(
    method: str, path: str, guarded: Guarded
) -> None:
    for wrong in (None, "x", guarded.shop[:-1], f"{guarded.shop} {guarded.boss}"):
        response = guarded.ask(method, path, wrong)
        assert_problem(response, 401, "unauthorized")
        assert response.headers["WWW-Authenticate"] == "Bearer"
    basic = guarded.ask(method, path, headers={"Authorization": f"Basic {guarded.boss}"})
    assert_problem(basic, 401, "unauthorized")
    assert guarded.ask(method, path, guarded.boss).status_code not in {401, 403, 429}


def test_only_an_admin_s_key_reloads(guarded: Guarded) -> None:
    problem = assert_problem(guarded.ask("POST", "/models/reload", guarded.shop), 403, "forbidden")
    assert "--admin" in problem["detail"]


@pytest.mark.parametrize(
    "path",
    [
        *("/health/live", "/health/ready", "/metrics", "/docs"),
        *("/vocabularies", "/models", "/limits", "/", "/web/tag-suggest.js"),
    ],
)
def test_what_costs_nothing_is_open(path: str, guarded: Guarded) -> None:
    assert guarded.ask("GET", path).status_code == 200


def refused_unread(guarded: Guarded, path: str, *more: str) -> str:
    """The status of the answer to a request of which only the head is sent."""
    head = [f"POST {path} HTTP/1.1", "Host: x", "Content-Length: 30000000", *more, "", ""]
    with socket.create_connection(
        ("127.0.0.1", guarded.server.http.base_url.port), timeout=PATIENCE_S
    ) as connection:
        connection.sendall("\r\n".join(head).encode())
        return connection.recv(100).decode().split()[1]


@pytest.mark.parametrize("path", ["/suggest-tags", "/upload-tokens"])
def test_who_may_not_is_told_before_the_body_is_read(path: str, guarded: Guarded) -> None:
    assert refused_unread(guarded, path) == "401"
    assert refused_unread(guarded, path, "Authorization: Bearer x") == "401"
    for _ in range(BURST["address"]):
        guarded.from_address("192.0.2.30")
    assert refused_unread(guarded, path, "X-Forwarded-For: 192.0.2.30") == "429"


def test_a_token_is_good_for_a_few_uploads_and_their_taggrams(guarded: Guarded) -> None:
    token = guarded.token(guarded.shop)

    uploaded = answer(guarded.upload(token))
    for _ in range(USES + 1):
        seen = guarded.ask("GET", uploaded["taggram_url"], token, headers={"Origin": ORIGIN})
        assert seen.status_code == 200
    for _ in range(USES - 1):
        answer(guarded.upload(token))
    problem = assert_problem(guarded.upload(token), 403, "forbidden")
    assert "used up" in problem["detail"]
    assert "POST /upload-tokens" in problem["detail"]


@pytest.mark.parametrize("origin", [None, "https://evil.example", f"{ORIGIN}.evil.example", "null"])
def test_a_token_is_for_one_page_and_a_refusal_costs_no_use(
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
"""What browsers say with a GET to where the page is from, through the proxy; no Origin."""


@pytest.mark.parametrize("host", ["signup.example", "signup.example:443", "SIGNUP.example"])
def test_a_token_is_good_on_a_page_that_is_served_from_our_own_origin(
    host: str, guarded: Guarded
) -> None:
    seen = guarded.ask(
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
def test_a_token_is_not_good_on_any_other_page(different: dict[str, str], guarded: Guarded) -> None:
    seen = guarded.ask("GET", UNKNOWN, guarded.token(guarded.shop), headers=OWN_PAGE | different)
    assert_problem(seen, 403, "forbidden")


def test_a_token_is_for_one_purpose(guarded: Guarded) -> None:
    token = guarded.token(guarded.boss)

    for path in ("/upload-tokens", "/models/reload"):
        response = guarded.ask("POST", path, token, headers={"Origin": ORIGIN})
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
def test_a_token_is_got_for_an_allowed_page_only(
    body: object, status: int, kind: str, guarded: Guarded
) -> None:
    response = guarded.ask("POST", "/upload-tokens", guarded.shop, content=json.dumps(body))

    assert_problem(response, status, kind)


def test_a_revocation_counts_at_once_for_the_key_and_its_tokens(guarded: Guarded) -> None:
    key = guarded.new_key("leaver")
    token = guarded.token(key)
    answer(guarded.upload(token))

    revoke_key(guarded.keys, "leaver")

    assert_problem(guarded.ask("GET", UNKNOWN, key), 401, "unauthorized")
    assert "revoked" in assert_problem(guarded.upload(token), 401, "unauthorized")["detail"]


def test_the_log_names_the_key_and_nothing_secret(guarded: Guarded) -> None:
    token = guarded.token(guarded.shop)

    for credential, client in (
        (guarded.shop, "key:shop"),
        (token, "token:shop"),
        ("wrong", "address"),
    ):
        response = guarded.ask("GET", UNKNOWN, credential)
        assert logged(guarded.server, response.headers["X-Request-ID"])["client"] == client
    log = guarded.server.log.read_text()
    assert guarded.shop not in log
    assert token not in log


def flood(guarded: Guarded, credential: str | None, address: str, calls: int) -> list[int]:
    headers = {"X-Forwarded-For": address}
    return [
        guarded.ask("GET", UNKNOWN, credential, headers=headers).status_code for _ in range(calls)
    ]


def test_an_address_has_its_rate_and_another_its_own(guarded: Guarded) -> None:
    statuses = flood(guarded, None, "192.0.2.1", BURST["address"] + 10)

    assert statuses.count(401) in {BURST["address"], BURST["address"] + 1}  # one may come back
    response = guarded.from_address("192.0.2.1")
    problem = assert_problem(response, 429, "rate_limited")
    assert 1 <= int(response.headers["Retry-After"]) <= 60 / PER_MINUTE["address"]
    assert "20 requests a minute from this address" in problem["detail"]
    assert guarded.from_address("192.0.2.2").status_code == 401
    assert guarded.ask("GET", UNKNOWN).status_code == 401  # nobody stands between: not counted


def test_an_ipv6_customer_is_one_caller(guarded: Guarded) -> None:
    statuses = [
        guarded.from_address(f"2001:db8:0:1::{index:x}").status_code
        for index in range(BURST["address"] + 10)
    ]

    assert statuses.count(429) >= 9
    assert guarded.from_address("2001:db8:0:2::1").status_code == 401


def test_a_key_has_a_rate_of_its_own_wherever_it_calls_from(guarded: Guarded) -> None:
    busy, calm = guarded.new_key("busy"), guarded.new_key("calm")

    statuses = flood(guarded, busy, "192.0.2.3", BURST["key"] + 10)

    assert set(statuses) == {404, 429}
    assert statuses.count(404) >= BURST["key"] > BURST["address"]
    assert guarded.ask("GET", UNKNOWN, busy).status_code == 429
    assert flood(guarded, calm, "192.0.2.3", 3) == [404] * 3
    assert guarded.from_address("192.0.2.3").status_code == 401


def test_who_guesses_keys_soon_has_to_wait(guarded: Guarded) -> None:
    guesses = flood(guarded, guarded.shop[:-1] + "x", "192.0.2.4", BURST["address"] + 5)

    assert guesses[-1] == 429


def test_health_and_metrics_are_never_limited(guarded: Guarded) -> None:
    paths = ("/health/live", "/health/ready", "/metrics")
    calls = BURST["address"] + 5

    statuses = [
        guarded.from_address("192.0.2.5", path).status_code for path in paths for _ in range(calls)
    ]

    assert set(statuses) == {200}


def test_while_one_client_floods_the_others_are_served(guarded: Guarded) -> None:
    polite = [guarded.new_key(f"polite-{index}") for index in range(2)]
    seconds, served = 2.0, []

    def rage(until: float) -> list[int]:
        with httpx.Client(base_url=guarded.server.http.base_url, trust_env=False) as client:
            statuses = []
            headers = {"X-Forwarded-For": "192.0.2.6"}
            body = multipart(b"x" * 1_000)
            while time.monotonic() < until:
                statuses.append(
                    client.post("/suggest-tags", headers=headers, content=body).status_code
                )
            return statuses

    with ThreadPoolExecutor(4) as pool:
        until = time.monotonic() + seconds
        raging = [pool.submit(rage, until) for _ in range(4)]
        while time.monotonic() < until:
            served += [guarded.ask("GET", UNKNOWN, key).status_code for key in polite]
            time.sleep(0.1)
    refused = [status for task in raging for status in task.result()]

    assert refused.count(429) > 0.9 * len(refused) > 50
    assert len(served) > 10
    assert served.count(404) >= 0.99 * len(served)


def test_a_page_of_an_allowed_origin_may_ask_and_read(guarded: Guarded) -> None:
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, x-request-id",
    }
    may = guarded.ask("OPTIONS", "/suggest-tags", headers=asked)
    assert may.status_code == 200
    assert may.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Access-Control-Allow-Credentials" not in may.headers

    for path in ("/models", UNKNOWN, "/nothing", "/taggram"):
        response = guarded.ask("GET", path, headers={"Origin": ORIGIN})
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN, path
        assert "Origin" in response.headers["Vary"]
        assert "Retry-After" in response.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://signup.example", f"{ORIGIN}:8443", "null"]
)
def test_a_page_of_another_origin_may_not(origin: str, guarded: Guarded) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    for response in (
        guarded.ask("OPTIONS", "/suggest-tags", headers=asked),
        guarded.ask("GET", "/models", headers={"Origin": origin}),
    ):
        assert "Access-Control-Allow-Origin" not in response.headers
        assert "Origin" in response.headers["Vary"]


def test_invented_names_make_no_new_series(guarded: Guarded) -> None:
    def ask(index: int) -> None:
        headers = {
            "X-Request-ID": f"invented-{index}",
            "X-Forwarded-For": f"198.51.{index % 100}.{index // 100}",
            "Authorization": f"Bearer taggram_{index:012x}_{index:064x}",
        }
        query = {"track_id": f"{index:064x}", "model": f"invented-{index}"}
        guarded.ask("GET", "/taggram", params=query, headers=headers)
        guarded.ask("GET", f"/invented-{index}", headers=headers)

    ask(0)
    series(guarded.server)  # which is a request, too
    before = set(series(guarded.server))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, range(1, 250)))

    assert set(series(guarded.server)) == before


def test_the_document_says_what_needs_a_key(guarded: Guarded, server: Server) -> None:
    def needs_key(document: dict[str, Any]) -> set[str]:
        paths = document["paths"].items()
        return {path for path, methods in paths for way in methods.values() if "security" in way}

    document = guarded.ask("GET", "/openapi.json").json()
    assert needs_key(document) == {
        "/suggest-tags",
        "/taggram",
        "/feedback",
        "/upload-tokens",
        "/models/reload",
    }
    (scheme,) = document["components"]["securitySchemes"].values()
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert not needs_key(server.http.get("/openapi.json").json())


def test_without_keys_there_are_no_tokens(server: Server) -> None:
    response = server.http.post("/upload-tokens", json={"origin": ORIGIN})

    assert "no API keys" in assert_problem(response, 403, "forbidden")["detail"]
