"""`docker/nginx/nginx.conf` in Debian's nginx, before a server."""

import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from app.access.addresses import identify_caller
from app.api.problems import STATUS, TITLE
from app.errors import Kind
from testing.packages.nginx import NGINX
from testing.proxy import CONFIGURATION, run_nginx
from testing.server import Server, free_port
from tests.support.client import assert_problem, logged, metric, noise_file
from tests.support.raw_http import (
    CHUNKED,
    FILE_HEAD,
    GET,
    PATIENCE_S,
    POST,
    answer_on,
    chunk,
    connect,
    exchange,
)

MALFORMED = {
    "an address of 20 kB": b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n",
    "a header of 20 kB": GET + b"X: " + b"x" * 20_000 + b"\r\n\r\n",
    "two hosts": GET + b"Host: there\r\n\r\n",
    "a length and chunks": POST + b"Content-Length: 5\r\n" + CHUNKED[len(POST) :] + b"0\r\n\r\n",
    "an extension of 1 MB": CHUNKED + b"5;" + b"x" * 1_000_000 + b"\r\nhello\r\n0\r\n\r\n",
}


UNLIMITED = {"rate=10r/s": "rate=10000r/s", "rate=5r/s": "rate=10000r/s"}


@contextmanager
def nginx(
    folder: Path, service_port: int, changed: dict[str, str] | None = None
) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    """nginx before a port of this machine."""
    if not NGINX.is_file():
        pytest.skip(f"nginx is not at {NGINX}; see `make test`")
    timeouts = ("client_header_timeout", "client_body_timeout")
    shorter = {f"{name} 10s;": f"{name} 1s;" for name in timeouts}
    with (
        run_nginx(folder, service_port, changed={**shorter, **(changed or {})}) as (port, process),
        httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S, trust_env=False
        ) as client,
    ):
        yield client, process


@pytest.fixture(scope="module")
def proxied(impatient: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server as it is seen through nginx, whose rates no test reaches."""
    folder, port = tmp_path_factory.mktemp("nginx"), impatient.http.base_url.port
    with nginx(folder, port, UNLIMITED) as (client, process):
        yield Server(client, process, impatient.log)


def test_an_upload_goes_through(proxied: Server) -> None:
    response = proxied.http.post("/suggest-tags", files={"file": noise_file(4)})
    assert response.status_code == httpx.codes.OK
    assert response.json()["suggestions"] is not None
    assert logged(proxied, response.headers["X-Request-ID"])["status"] == httpx.codes.OK


def test_several_tracks_together_may_be_larger_than_one(proxied: Server, impatient: Server) -> None:
    parts = [("file", noise_file(4)), *[("file", bytes(9 * 2**20))] * 4]
    response = proxied.http.post("/suggest-tags/pooled", files=parts)
    assert response.status_code == httpx.codes.OK
    assert response.json()["tracks_read"] == 1
    before = metric(impatient, "taggram_errors_total", kind="payload_too_large")
    post = b"POST /suggest-tags/pooled HTTP/1.1\r\nHost: localhost\r\n"
    request = post + b"Content-Length: %d\r\n\r\n" % (130 * 2**20)
    assert_problem(exchange(proxied, request), 413, "payload_too_large")
    assert metric(impatient, "taggram_errors_total", kind="payload_too_large") == before


def test_refusals_of_the_service_go_through(proxied: Server) -> None:
    response = proxied.http.post("/suggest-tags", files={"file": b"text"})
    assert_problem(response, 415, "unsupported_audio")


def test_an_oversized_upload_never_reaches_the_service(proxied: Server, impatient: Server) -> None:
    before = metric(impatient, "taggram_errors_total", kind="payload_too_large")
    request = POST + b"Content-Length: %d\r\n\r\n" % (34 * 2**20)
    assert_problem(exchange(proxied, request), 413, "payload_too_large")
    assert metric(impatient, "taggram_errors_total", kind="payload_too_large") == before


@pytest.mark.parametrize("what", MALFORMED)
def test_refusals_of_nginx_look_like_those_of_the_service(proxied: Server, what: str) -> None:
    assert_problem(exchange(proxied, MALFORMED[what]), 400, "malformed_request")


@pytest.mark.parametrize("path", ["/metrics", "/docs", "/openapi.json", "/models/reload"])
def test_operator_routes_are_not_proxied(proxied: Server, path: str) -> None:
    assert_problem(proxied.http.get(path), 404, "not_found")


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/models", "/vocabularies"])
def test_other_routes_are_proxied(proxied: Server, path: str) -> None:
    assert proxied.http.get(path).status_code == httpx.codes.OK


def test_a_body_that_stalls_is_closed_and_never_reaches_the_service(
    proxied: Server, impatient: Server
) -> None:
    before = metric(impatient, "taggram_errors_total", kind="request_timeout")
    assert exchange(proxied, POST + b"Content-Length: 5000\r\n\r\n" + FILE_HEAD) is None
    assert metric(impatient, "taggram_errors_total", kind="request_timeout") == before


def test_unfinished_headers_are_closed_while_others_are_served(proxied: Server) -> None:
    with ExitStack() as stack:
        connections = [stack.enter_context(connect(proxied)) for _ in range(300)]
        for connection in connections:
            connection.sendall(GET)
        assert proxied.http.get("/health/live").status_code == httpx.codes.OK
        assert [answer_on(connection) for connection in connections] == 300 * [None]


def test_a_client_may_have_eight_concurrent_requests(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as service,
        nginx(tmp_path, service.getsockname()[1]) as (client, process),
        ExitStack() as stack,
    ):
        for _ in range(8):
            connection = stack.enter_context(connect(Server(client, process, tmp_path)))
            connection.sendall(b"GET /models HTTP/1.1\r\nHost: localhost\r\n\r\n")
            service.settimeout(300)
            stack.enter_context(service.accept()[0])
        assert_problem(client.get("/models"), 429, "rate_limited")


def test_an_upload_that_nginx_cannot_buffer_is_answered_503(tmp_path: Path) -> None:
    with nginx(tmp_path, free_port()) as (client, _):
        shutil.rmtree(tmp_path / "body")
        response = client.post("/suggest-tags", files={"file": bytes(100_000)})
    assert_problem(response, 503, "not_ready")
    assert int(response.headers["Retry-After"]) > 0


def test_a_flood_from_one_address_is_limited(impatient: Server, tmp_path: Path) -> None:
    with nginx(tmp_path, impatient.http.base_url.port) as (client, _):
        responses = [client.get("/nothing") for _ in range(60)]
        limited = [response for response in responses if response.status_code == 429]
        assert_problem(limited[-1], 429, "rate_limited")
        assert int(limited[-1].headers["Retry-After"]) > 0
        assert client.get("/health/live").status_code == httpx.codes.OK


CLIENTS = [
    ("192.0.2.1", "192.0.2.2", False),
    ("192.0.2.1", "::ffff:192.0.2.1", True),
    ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
    ("2001:db8::1", "2001:db8:0:0:ffff:ffff:ffff:ffff", True),
    ("2001:db8::1", "2001:db8:0:1::1", False),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", True),
    ("2001:db8:1:2::", "2001:db8:1:3::", False),
    ("2001:db8:1:0:5:6:7:8", "2001:db8:1::9", True),
    ("2001:0:0:4:5:6:7:8", "2001:0:0:4::a0a:a0a", True),
    ("::1", "::a0a:a0a:0:0", True),
    ("::ffff:192.0.2.1", "::fffe:192.0.2.1", False),
]


@pytest.mark.parametrize(("one", "other", "is_same"), CLIENTS)
def test_nginx_and_the_service_agree_on_clients(
    one: str, other: str, is_same: bool, tmp_path: Path
) -> None:
    assert (identify_caller(one) == identify_caller(other)) is is_same, (
        "the service counts otherwise"
    )
    changed = {
        "server_tokens off;": "set_real_ip_from 127.0.0.1; real_ip_header X-Client;",
        "rate=10r/s": "rate=1r/m",
    }
    with nginx(tmp_path, free_port(), changed) as (client, _):
        for _ in range(22):
            first = client.get("/models", headers={"X-Client": one})
        second = client.get("/models", headers={"X-Client": other})
    assert first.status_code == httpx.codes.TOO_MANY_REQUESTS
    assert (second.status_code == httpx.codes.TOO_MANY_REQUESTS) is is_same


@pytest.mark.parametrize("path", ["/health/live", "/limits", "/feedback", "/metrics"])
def test_only_an_upload_may_be_large(proxied: Server, path: str) -> None:
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n"
    assert_problem(exchange(proxied, head.encode()), 413, "payload_too_large")


def test_health_takes_no_bodies_and_no_other_methods(proxied: Server) -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        response = proxied.http.request(method, "/health/live", content=b"x" * 100)
        assert_problem(response, 405, "method_not_allowed")
        assert response.headers["Allow"] == "GET, HEAD"
    chunked = b"Host: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(bytes(100_000))
    response = exchange(proxied, b"GET /health/live HTTP/1.1\r\n" + chunked + b"0\r\n\r\n")
    assert_problem(response, 413, "payload_too_large")
    assert proxied.http.head("/health/live").status_code == httpx.codes.OK


def test_health_has_its_own_limit(tmp_path: Path) -> None:
    changed = {"rate=5r/s": "rate=1r/m"}
    with nginx(tmp_path, free_port(), changed) as (client, _):
        responses = [client.get("/health/live") for _ in range(12)]
        assert_problem(responses[-1], 429, "rate_limited")
        assert client.get("/models").status_code == httpx.codes.SERVICE_UNAVAILABLE


def test_forwarding_headers_of_callers_are_dropped(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        ThreadPoolExecutor() as pool,
        nginx(tmp_path, listener.getsockname()[1]) as (client, _),
    ):
        claims = {"X-Forwarded-For": "203.0.113.7", "X-Request-ID": "theirs"}
        answering = pool.submit(client.get, "/models", headers=claims)
        request = received_by(listener)
        assert answering.result().status_code == httpx.codes.NO_CONTENT
    assert re.findall(r"X-Forwarded-For: (.*)\r", request) == ["127.0.0.1"]
    assert "theirs" not in request


def received_by(listener: socket.socket) -> str:
    """A request, answered without looking."""
    listener.settimeout(300)
    connection, _ = listener.accept()
    with connection:
        request = connection.recv(2**16).decode()
        connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
    return request


def test_requests_while_the_service_is_down_are_answered_503(tmp_path: Path) -> None:
    with nginx(tmp_path, free_port()) as (client, _):
        response = client.get("/models")
    assert_problem(response, 503, "not_ready")
    assert int(response.headers["Retry-After"]) > 0


def test_the_problems_of_nginx_are_json_that_the_service_could_have_sent() -> None:
    problems = re.findall(r"^ +(default|\d+) '(\"/problems/.*)';$", CONFIGURATION, re.MULTILINE)
    assert len(problems) == 7
    for status, members in problems:
        problem = json.loads('{"type":' + members + "}")
        kind = Kind(problem["type"].removeprefix("/problems/"))
        assert problem["title"] == TITLE[kind]
        assert status in {"default", str(STATUS[kind])}
        assert problem["detail"]
