"""A page of an allowed origin can read every refusal, and no other page can."""

import json
from collections.abc import Callable, Iterator

import httpx
import pytest

from testing.multipart import multipart
from testing.server import STUB, Server, serving
from tests.api.conftest import ORIGIN, Narrow
from tests.support.client import assert_problem, noise_file, response_to, upload, wait_for_uploads

MAX_UPLOAD_BYTES = 300_000
PER_MINUTE = 10
STALL_S = 1
BODY = multipart(noise_file(4))


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with low limits on size, speed and rate, which allows one page."""
    settings = {
        "TAGGRAM_MODELS": '["msd-musicnn"]',
        "TAGGRAM_ALLOWED_ORIGINS": json.dumps([ORIGIN]),
        "TAGGRAM_MAX_UPLOAD_BYTES": str(MAX_UPLOAD_BYTES),
        "TAGGRAM_STALL_TIMEOUT_S": str(STALL_S),
        "TAGGRAM_ADDRESS_REQUESTS_PER_MINUTE": str(PER_MINUTE),
    }
    with serving(tmp_path_factory.mktemp("strict") / "log", settings, STUB) as server:
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
    return sent(server, origin, BODY[:100], size=len(BODY))


def no_audio(server: Server, origin: str) -> httpx.Response:
    body = multipart(b"no audio" * 9)
    return sent(server, origin, body, size=len(body))


def too_short(server: Server, origin: str) -> httpx.Response:
    body = multipart(noise_file(0.1))
    return sent(server, origin, body, size=len(body))


def too_often(server: Server, origin: str) -> httpx.Response:
    headers = {"Origin": origin, "X-Forwarded-For": "192.0.2.1"}
    responses = (server.http.get("/limits", headers=headers) for _ in range(10 * PER_MINUTE))
    return next(each for each in responses if each.status_code == httpx.codes.TOO_MANY_REQUESTS)


REFUSALS = [
    (too_large, 413, "payload_too_large"),
    (too_large_in_the_end, 413, "payload_too_large"),
    (too_slow, 408, "request_timeout"),
    (no_audio, 415, "unsupported_audio"),
    (too_short, 422, "audio_too_short"),
    (too_often, 429, "rate_limited"),
]


def assert_readable(response: httpx.Response) -> None:
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    exposed = response.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"Retry-After", "X-Request-ID"} <= set(exposed)


@pytest.mark.parametrize(("refused", "status", "kind"), REFUSALS)
def test_the_page_can_read_a_refusal(
    strict: Server, refused: Callable[[Server, str], httpx.Response], status: int, kind: str
) -> None:
    response = refused(strict, ORIGIN)
    assert_problem(response, status, kind)
    assert_readable(response)


def test_the_page_can_read_an_overload(narrow: Narrow) -> None:
    with upload(narrow.server, Content_Length=str(len(BODY))) as holding:
        holding.send(BODY[:100])
        wait_for_uploads(narrow.server, 1)
        response = sent(narrow.server, ORIGIN, size=len(BODY))
    wait_for_uploads(narrow.server, 0)
    assert_problem(response, 503, "overloaded")
    assert_readable(response)


@pytest.mark.parametrize("refused", [too_large, too_slow, no_audio])
def test_no_other_page_can_read_it(
    strict: Server, refused: Callable[[Server, str], httpx.Response]
) -> None:
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
def test_the_page_may_send_everything_that_the_element_sends(
    strict: Server, method: str, path: str
) -> None:
    preflight = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "accept,authorization,content-type",
    }
    response = strict.http.options(path, headers=preflight)
    assert response.status_code == httpx.codes.OK, response.text
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN


def test_an_allowed_page_gets_one_header_and_others_the_files_alone(narrow: Narrow) -> None:
    def allowed(path: str, origin: str) -> list[str]:
        headers = narrow.server.http.get(path, headers={"Origin": origin}).headers
        return headers.get_list("Access-Control-Allow-Origin")

    assert allowed("/web/dom.js", ORIGIN) == [ORIGIN]
    assert allowed("/web/dom.js", "https://other.example") == ["*"]
    assert allowed("/limits", ORIGIN) == [ORIGIN]
    assert allowed("/limits", "https://other.example") == []
