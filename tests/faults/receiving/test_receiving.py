"""Any input of a client gets an answer if it can receive one, and affects no other."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from testing.multipart import CONTENT_TYPE, multipart
from testing.server import Server
from tests.faults.receiving.conftest import MAX_UPLOAD_BYTES
from tests.support.client import assert_problem
from tests.support.raw_http import (
    CHUNKED,
    FILE_HEAD,
    GET,
    POST,
    answer_on,
    chunk,
    connect,
    exchange,
    forget_peak,
    resident_mb,
    send_all,
)

pytestmark = pytest.mark.usefixtures("unharmed")

NO_HTTP = {
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "a negative length": POST + b"Content-Length: -5\r\n\r\nhello",
    "a length beyond 2^64": POST + b"Content-Length: 100000000000000000000\r\n\r\nhello",
    "a length of 5,000 digits": POST + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\nhello",
    "another encoding": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + multipart(b"audio"),
    "a chunk of -5 bytes": CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n",
    "a chunk longer than announced": CHUNKED + b"3\r\nhello\r\n0\r\n\r\n",
    "a chunk size of 1 MB": CHUNKED + b"5;" + b"x" * 1_000_000 + b"\r\nhello\r\n0\r\n\r\n",
    "a NUL in a header": GET + b"X: a\0b\r\n\r\n",
    "a NUL in the address": b"GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}

UNUSUAL = {
    "a length and chunks": POST
    + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a length too low": POST + b"Content-Length: 60\r\n\r\n" + multipart(b"audio"),
    "30,000 chunks of a byte": CHUNKED + chunk(FILE_HEAD) + chunk(b"x") * 30_000,
    "20,000 trailers": CHUNKED + chunk(multipart(b"audio")) + b"0\r\n" + b"A: b\r\n" * 20_000,
    "a folded header": GET + b"X: a\r\n b\r\n\r\n",
    "no address": b"GET http:// HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "an address of 20 kB": b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a proxy's method": b"CONNECT here:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


@pytest.mark.parametrize("what", NO_HTTP)
def test_malformed_http_is_refused_and_closed(impatient: Server, what: str) -> None:
    response = exchange(impatient, NO_HTTP[what])
    assert response is None or response.status_code == httpx.codes.BAD_REQUEST
    assert response is None or response.headers["Connection"] == "close"


@pytest.mark.parametrize("what", UNUSUAL)
def test_odd_requests_break_nothing(impatient: Server, what: str) -> None:
    with connect(impatient) as connection:
        connection.sendall(UNUSUAL[what])
        response = answer_on(connection)
    assert response is not None
    assert not response.is_server_error


@pytest.mark.parametrize("beginning", [b"GET /", GET + b"X: "])
def test_endless_headers_take_no_memory(impatient: Server, beginning: bytes) -> None:
    forget_peak(impatient)
    before = resident_mb(impatient)
    response = exchange(impatient, beginning, *50 * [b"x" * 1_000_000])
    assert response is None or response.status_code == httpx.codes.BAD_REQUEST
    assert resident_mb(impatient, "VmHWM") < before + 15


@pytest.mark.parametrize("sent", [b"", FILE_HEAD, multipart(b"audio")])
def test_a_stalled_body_times_out(impatient: Server, sent: bytes) -> None:
    response = exchange(impatient, POST + b"Content-Length: 5000\r\n\r\n", sent)
    assert "too slowly" in assert_problem(response, 408, "request_timeout")["detail"]


@pytest.mark.parametrize("expecting", [b"", b"Expect: 100-continue\r\n"])
def test_an_oversized_body_is_refused_unread(impatient: Server, expecting: bytes) -> None:
    request = POST + expecting + b"Content-Length: %d\r\n\r\n" % (2 * MAX_UPLOAD_BYTES)
    assert_problem(exchange(impatient, request), 413, "payload_too_large")


def test_a_form_of_another_kind_is_refused_unread(impatient: Server) -> None:
    request = POST.replace(CONTENT_TYPE.encode(), b"application/x-www-form-urlencoded")
    response = exchange(impatient, request + b"Content-Length: 30000000\r\n\r\n")
    assert_problem(response, 415, "unsupported_media_type")


def test_a_client_that_keeps_sending_after_its_answer_is_not_cut_off(impatient: Server) -> None:
    body = bytes(10 * MAX_UPLOAD_BYTES)
    with connect(impatient) as connection:
        connection.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(body))
        response = answer_on(connection)
        assert_problem(response, 413, "payload_too_large")
        assert response.headers["Connection"] == "close"
        connection.sendall(body)
        assert connection.recv(1) == b""


def test_an_endless_body_is_neither_stored_nor_read(impatient: Server, disk: Path) -> None:
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


def test_a_connection_stays_open_after_a_complete_request(impatient: Server) -> None:
    body = multipart(b"text")
    upload = POST + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with connect(impatient) as connection:
        for request, status in ((upload, 415), (GET + b"\r\n", 200), (upload, 415)):
            connection.sendall(request)
            response = answer_on(connection)
            assert response.status_code == status
            assert "Connection" not in response.headers


def test_bytes_after_the_answer_to_an_incomplete_request_are_not_a_request(
    impatient: Server,
) -> None:
    with connect(impatient) as connection:
        connection.sendall(GET + b"Content-Length: 10\r\n\r\n")
        assert answer_on(connection).json() == {"status": "alive"}
        send_all(connection, [b"0123456789" + GET + b"\r\n"])
        assert answer_on(connection) is None


@pytest.mark.parametrize("is_answered", [False, True])
def test_malformed_http_is_not_quoted_in_the_log(impatient: Server, is_answered: bool) -> None:
    before = impatient.log.stat().st_size
    with connect(impatient) as connection:
        malformed = b"not-for-the-log\r\n"
        refused = CHUNKED.replace(CONTENT_TYPE.encode(), b"text/plain")
        if is_answered:
            connection.sendall(refused)
            assert_problem(answer_on(connection), 415, "unsupported_media_type")
            connection.sendall(malformed)
        else:
            connection.sendall(refused + malformed)
            assert answer_on(connection).status_code == httpx.codes.BAD_REQUEST
        assert answer_on(connection) is None
    log = impatient.log.read_bytes()[before:]
    assert b"not-for-the-log" not in log
    assert b"Traceback" not in log
