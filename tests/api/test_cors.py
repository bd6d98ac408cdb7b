"""A page of an allowed origin can read every refusal, and no other page can."""

import json
from collections.abc import Callable, Iterator

import httpx
import pytest

from testing.server import Server, serving
from tests.api.asking import (
    assert_problem,
    encoded,
    multipart,
    noise,
    response_to,
    upload,
    wait_for_uploads,
)

ORIGIN = "https://signup.example"
MAX_UPLOAD_BYTES = 300_000
PER_MINUTE = 10
STALL_S = 1
BUSY = multipart(encoded(noise(4)))


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that refuses soon, and lets one page in."""
    settings = {
        "TAGGRAM_MODELS": '["msd-musicnn"]',
        "TAGGRAM_ALLOWED_ORIGINS": json.dumps([ORIGIN]),
        "TAGGRAM_MAX_UPLOAD_BYTES": str(MAX_UPLOAD_BYTES),
        "TAGGRAM_MAX_IN_FLIGHT": "1",
        "TAGGRAM_STALL_TIMEOUT_S": str(STALL_S),
        "TAGGRAM_ADDRESS_REQUESTS_PER_MINUTE": str(PER_MINUTE),
    }
    with serving(tmp_path_factory.mktemp("strict") / "log", settings) as server:
        yield server


def sent(server: Server, origin: str, *pieces: bytes, size: int) -> httpx.Response:
    """The answer to an upload that announces a size and sends some of it."""
    with upload(server, Origin=origin, Content_Length=str(size)) as connection:
        for piece in pieces:
            connection.send(piece)
        return response_to(connection)


def too_large(server: Server, origin: str) -> httpx.Response:
    return sent(server, origin, size=2 * MAX_UPLOAD_BYTES)


def too_large_in_the_end(server: Server, origin: str) -> httpx.Response:
    chunk = multipart(bytes(MAX_UPLOAD_BYTES + 1))
    with upload(server, Origin=origin, Transfer_Encoding="chunked") as connection:
        connection.send(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        return response_to(connection)


def too_slow(server: Server, origin: str) -> httpx.Response:
    return sent(server, origin, BUSY[:100], size=len(BUSY))


def no_audio(server: Server, origin: str) -> httpx.Response:
    body = multipart(b"no audio" * 9)
    return sent(server, origin, body, size=len(body))


def too_short(server: Server, origin: str) -> httpx.Response:
    body = multipart(encoded(noise(0.1)))
    return sent(server, origin, body, size=len(body))


def too_many(server: Server, origin: str) -> httpx.Response:
    with upload(server, Content_Length=str(len(BUSY))) as holding:
        holding.send(BUSY[:100])
        wait_for_uploads(server, 1)
        return sent(server, origin, size=len(BUSY))


def too_often(server: Server, origin: str) -> httpx.Response:
    headers = {"Origin": origin, "X-Forwarded-For": "192.0.2.1"}
    return [server.http.get("/limits", headers=headers) for _ in range(PER_MINUTE)][-1]


REFUSALS = [
    (too_large, 413, "payload_too_large"),
    (too_large_in_the_end, 413, "payload_too_large"),
    (too_slow, 408, "request_timeout"),
    (no_audio, 415, "unsupported_audio"),
    (too_short, 422, "audio_too_short"),
    (too_many, 503, "overloaded"),
    (too_often, 429, "rate_limited"),
]


@pytest.mark.parametrize(("refused", "status", "kind"), REFUSALS)
def test_a_refusal_can_be_read_by_the_page(
    strict: Server, refused: Callable[[Server, str], httpx.Response], status: int, kind: str
) -> None:
    wait_for_uploads(strict, 0)
    response = refused(strict, ORIGIN)
    assert_problem(response, status, kind)
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    exposed = response.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"Retry-After", "X-Request-ID"} <= set(exposed)


@pytest.mark.parametrize("refused", [too_large, too_slow, no_audio])
def test_it_can_be_read_by_no_other_page(
    strict: Server, refused: Callable[[Server, str], httpx.Response]
) -> None:
    wait_for_uploads(strict, 0)
    response = refused(strict, "https://evil.example")
    assert response.is_client_error
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/suggest-tags"),
        ("GET", "/taggram"),
        ("POST", "/feedback"),
    ],
)
def test_the_page_may_send_all_that_the_element_sends(
    strict: Server, method: str, path: str
) -> None:
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "accept,authorization,content-type",
    }
    response = strict.http.options(path, headers=asked)
    assert response.status_code == httpx.codes.OK, response.text
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
