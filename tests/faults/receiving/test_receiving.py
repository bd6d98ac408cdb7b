"""Whatever a client sends, however slowly: it gets an answer where it can take one, and an end."""

import http.client
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from testing.server import Server
from tests.api.asking import (
    BOUNDARY,
    MULTIPART,
    assert_problem,
    metric,
    multipart,
)
from tests.faults.receiving.conftest import HEADER_TIMEOUT_S, MAX_CONNECTIONS, MAX_UPLOAD_BYTES
from tests.faults.receiving.raw import (
    answer_on,
    chunk,
    connect,
    exchange,
    forget_peak,
    resident_mb,
    send_all,
)

GET = b"GET /health/live HTTP/1.1\r\nHost: here\r\n"
POST = b"POST /suggest-tags HTTP/1.1\r\nHost: here\r\nContent-Type: " + MULTIPART.encode() + b"\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
FILE_HEAD = multipart(b"").removesuffix(b"\r\n--" + BOUNDARY + b"--\r\n")

pytestmark = pytest.mark.usefixtures("unharmed")

NO_HTTP = {
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "one length twice": POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "length and chunks": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "a negative length": POST + b"Content-Length: -5\r\n\r\nhello",
    "a length in words": POST + b"Content-Length: five\r\n\r\nhello",
    "a list of lengths": POST + b"Content-Length: 5, 5\r\n\r\nhello",
    "a length beyond 2^64": POST + b"Content-Length: 100000000000000000000\r\n\r\nhello",
    "a length too low": POST + b"Content-Length: 60\r\n\r\n" + multipart(b"audio"),
    "another encoding": POST + b"Transfer-Encoding: identity\r\n\r\n" + multipart(b"audio"),
    "chunks that are not last": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "a chunk of 2^64 bytes": CHUNKED + b"10000000000000000\r\nhello\r\n0\r\n\r\n",
    "a chunk of -5 bytes": CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n",
    "a chunk longer than it says": CHUNKED + b"3\r\nhello\r\n0\r\n\r\n",
    "a chunk after a bare line feed": CHUNKED + b"5\nhello\r\n0\r\n\r\n",
    "an extension of 1 MB": CHUNKED + b"5;" + b"x" * 1_000_000 + b"\r\nhello\r\n0\r\n\r\n",
    "30,000 chunks of a byte": CHUNKED + chunk(FILE_HEAD) + chunk(b"x") * 30_000,
    "20,000 trailers": CHUNKED + chunk(multipart(b"audio")) + b"0\r\n" + b"A: b\r\n" * 20_000,
    "bare line feeds": b"GET /health/live HTTP/1.1\nHost: here\n\n",
    "a folded header": GET + b"X: a\r\n b\r\n\r\n",
    "a NUL in a header": GET + b"X: a\0b\r\n\r\n",
    "a space before the colon": GET + b"X : a\r\n\r\n",
    "a NUL in the address": b"GET /\0 HTTP/1.1\r\nHost: here\r\n\r\n",
    "no address": b"GET http:// HTTP/1.1\r\nHost: here\r\n\r\n",
    "no method": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a proxy's method": b"CONNECT here:443 HTTP/1.1\r\nHost: here\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}

LONG_HEADS = {
    "an address of 20 kB": (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n", 414, "uri_too_long"),
    "a header of 20 kB": (GET + b"X: " + b"x" * 20_000 + b"\r\n\r\n", 431, "headers_too_large"),
    "4,000 headers": (GET + b"X: yz\r\n" * 4_000 + b"\r\n", 431, "headers_too_large"),
}

SLOW_BODIES = {
    "nothing": ([], "too slowly"),
    "a head of a part, and nothing more": ([FILE_HEAD], "too slowly"),
    "ten bytes a second": ([FILE_HEAD] + 10 * [b"x"], "too slowly"),
    "enough a second, for ever": ([FILE_HEAD] + 30 * [b"x" * 1000], "too long"),
}


def slowly(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Ten a second."""
    for piece in pieces:
        yield piece
        time.sleep(0.1)


@pytest.mark.parametrize("what", NO_HTTP)
def test_what_is_not_http_is_refused_and_closed(impatient: Server, what: str) -> None:
    before = metric(impatient, "taggram_errors_total", kind="malformed_request")
    response = exchange(impatient, NO_HTTP[what])
    assert_problem(response, 400, "malformed_request")
    assert response.headers["Connection"] == "close"
    assert metric(impatient, "taggram_errors_total", kind="malformed_request") == before + 1


@pytest.mark.parametrize("what", LONG_HEADS)
def test_a_head_that_is_too_long_is_refused(impatient: Server, what: str) -> None:
    request, status, kind = LONG_HEADS[what]
    assert_problem(exchange(impatient, request), status, kind)


@pytest.mark.parametrize(
    ("beginning", "status", "kind"),
    [(GET + b"X: ", 431, "headers_too_large"), (b"GET /", 414, "uri_too_long")],
)
def test_a_head_without_end_costs_no_memory(
    impatient: Server, beginning: bytes, status: int, kind: str
) -> None:
    forget_peak(impatient)
    before = resident_mb(impatient)
    response = exchange(impatient, beginning, *50 * [b"x" * 1_000_000])
    assert_problem(response, status, kind)
    assert resident_mb(impatient, "VmHWM") < before + 15


def test_a_head_that_comes_in_drops_does_not_gain_time(impatient: Server) -> None:
    with connect(impatient) as connection:
        began = time.monotonic()
        send_all(connection, slowly([GET] + 20 * [b"X: y\r\n"]))
        assert_problem(answer_on(connection), 408, "request_timeout")
        assert time.monotonic() - began >= HEADER_TIMEOUT_S


def test_whoever_says_nothing_is_closed_without_a_word(impatient: Server) -> None:
    assert exchange(impatient) is None


@pytest.mark.parametrize("what", SLOW_BODIES)
def test_a_body_that_comes_too_slowly_is_given_up(impatient: Server, what: str) -> None:
    pieces, problem = SLOW_BODIES[what]
    with connect(impatient) as connection:
        connection.sendall(POST + b"Content-Length: 500000\r\n\r\n")
        send_all(connection, slowly(pieces))
        assert problem in assert_problem(answer_on(connection), 408, "request_timeout")["detail"]


def test_a_length_too_high_is_given_up(impatient: Server) -> None:
    request = POST + b"Content-Length: 5000\r\n\r\n" + multipart(b"audio")
    assert_problem(exchange(impatient, request), 408, "request_timeout")


def test_a_body_that_is_slow_enough_is_taken(impatient: Server) -> None:
    body = multipart(bytes(10_000))
    pieces = [body[start : start + 1000] for start in range(0, len(body), 1000)]
    head = POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    response = exchange(impatient, head, *slowly(pieces))
    assert_problem(response, 415, "unsupported_audio")


@pytest.mark.parametrize("expecting", [b"", b"Expect: 100-continue\r\n"])
def test_too_long_a_body_is_refused_unread(impatient: Server, expecting: bytes) -> None:
    request = POST + expecting + b"Content-Length: %d\r\n\r\n" % (2 * MAX_UPLOAD_BYTES)
    assert_problem(exchange(impatient, request), 413, "payload_too_large")


def test_a_form_of_another_kind_is_refused_unread(impatient: Server) -> None:
    request = POST.replace(MULTIPART.encode(), b"application/x-www-form-urlencoded")
    response = exchange(impatient, request + b"Content-Length: 30000000\r\n\r\n")
    assert_problem(response, 415, "unsupported_media_type")


def test_a_body_without_end_is_neither_kept_nor_swallowed(impatient: Server, disk: Path) -> None:
    largest = 0

    def endless() -> Iterator[bytes]:
        nonlocal largest
        yield CHUNKED + chunk(FILE_HEAD)
        for _ in range(1000):
            largest = max(largest, *kept_sizes(impatient, disk), 0)
            yield chunk(bytes(1_000_000))

    with connect(impatient) as connection:
        sent = send_all(connection, endless())
        assert_problem(answer_on(connection), 413, "payload_too_large")
    assert sent < 200_000_000
    assert largest <= MAX_UPLOAD_BYTES + 2**20


def kept_sizes(server: Server, folder: Path) -> list[int]:
    """Of the uploads that the server holds."""
    sizes = []
    for descriptor in Path(f"/proc/{server.process.pid}/fd").iterdir():
        try:
            if str(descriptor.readlink()).startswith(f"{folder}/"):
                sizes.append(descriptor.stat().st_size)
        except FileNotFoundError:
            pass
    return sizes


def test_who_sends_on_after_the_answer_is_heard_out_for_a_while(impatient: Server) -> None:
    pieces = 100 * [b"x" * 10_000]
    with connect(impatient) as connection:
        connection.sendall(POST + b"Content-Length: 900000000\r\n\r\n")
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert response.status == httpx.codes.REQUEST_ENTITY_TOO_LARGE
        sent = send_all(connection, slowly(pieces))
    assert 5 * len(pieces[0]) < sent < sum(map(len, pieces))


def test_a_connection_lives_on_after_a_whole_request(impatient: Server) -> None:
    body = multipart(b"text")
    upload = POST + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with connect(impatient) as connection:
        for request, status in ((upload, 415), (GET + b"\r\n", 200), (upload, 415)):
            connection.sendall(request)
            response = http.client.HTTPResponse(connection)
            response.begin()
            response.read()
            assert response.status == status
            assert response.headers["Connection"] is None


def test_a_request_before_the_answer_to_the_last_is_not_heard(impatient: Server) -> None:
    response = exchange(impatient, (GET + b"\r\n") * 3)
    assert response.status_code == httpx.codes.OK
    assert response.headers["Connection"] == "close"
    assert response.json() == {"status": "alive"}


def test_what_follows_an_answer_to_half_a_request_is_no_request(impatient: Server) -> None:
    half = GET + b"Content-Length: 10\r\n\r\n"
    with connect(impatient) as connection:
        connection.sendall(half)
        time.sleep(0.2)
        send_all(connection, [b"0123456789" + GET + b"\r\n"])
        response = answer_on(connection)
    assert response.json() == {"status": "alive"}


def test_the_newest_takes_the_place_of_the_idlest(impatient: Server) -> None:
    with ExitStack() as stack:
        oldest = stack.enter_context(connect(impatient))
        for _ in range(MAX_CONNECTIONS):
            stack.enter_context(connect(impatient))
        newest = stack.enter_context(connect(impatient))
        newest.sendall(GET + b"Connection: close\r\n\r\n")
        assert answer_on(newest).status_code == httpx.codes.OK
        began = time.monotonic()
        assert answer_on(oldest) is None
        assert time.monotonic() - began < HEADER_TIMEOUT_S / 2
