"""Requests as clients, frameworks and monitors really send them."""

import pytest

from testing.multipart import BOUNDARY, multipart, part_start
from testing.server import Server
from tests.support.client import answer, assert_problem, logged, noise_file, post_body
from tests.support.raw_http import POST, answer_on, chunk, connect

GOOD = noise_file(4, seed=81)
LARGE = noise_file(60, seed=82)
FORM = multipart(GOOD)
DELIMITER = b"--" + BOUNDARY

OFFERS = {
    "curl --http2": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n",
    "Java's HttpClient": b"Connection: Upgrade, HTTP2-Settings\r\n"
    b"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\nUpgrade: h2c\r\n",
    "another protocol": b"Connection: upgrade\r\nUpgrade: TLS/1.0, websocket\r\n",
}

VALID_FORMS = {
    "text before the first boundary": b"This is a multipart message.\r\n" + FORM,
    "text with dashes before it": b"-- see --below\r\n--a-bound\r\n-\r\n" + FORM,
    "an empty line before it": b"\r\n" + FORM,
    "spaces behind the first boundary": FORM.replace(DELIMITER + b"\r\n", DELIMITER + b" \t \r\n"),
    "spaces behind another boundary": multipart(b"1", b'form-data; name="a"').replace(
        DELIMITER + b"--\r\n", DELIMITER + b" \t \r\n"
    )
    + FORM.removeprefix(DELIMITER + b"\r\n"),
    "spaces behind the last boundary": FORM.removesuffix(b"\r\n") + b" \t \r\n",
    "text behind the last boundary": FORM + b"This was a multipart message.\r\n",
    "no line break at its end": FORM.removesuffix(b"\r\n"),
}

MONITORED = ["/", "/web/tag-suggest.js", "/health/live", "/health/ready", "/limits", "/models"]
MONITORED += ["/vocabularies", "/docs", "/openapi.json"]


def encoded_part(encoding: bytes) -> bytes:
    header = b"\r\nContent-Transfer-Encoding: " + encoding
    return multipart(GOOD, b'form-data; name="file"; filename="a"' + header)


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("client", OFFERS)
def test_an_upload_that_offers_another_protocol_is_read(
    stub: Server, client: str, is_chunked: bool
) -> None:
    body = multipart(LARGE)
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    request_id = b"X-Request-ID: offers-another-protocol\r\n"
    before = len(stub.log.read_text())
    with connect(stub) as connection:
        head = POST + OFFERS[client] + request_id
        connection.sendall(head + (b"Transfer-Encoding: chunked\r\n\r\n" if is_chunked else length))
        pieces = (body[start : start + 100_000] for start in range(0, len(body), 100_000))
        for piece in pieces:
            connection.sendall(chunk(piece) if is_chunked else piece)
        if is_chunked:
            connection.sendall(b"0\r\n\r\n")
        response = answer_on(connection)
    assert response is not None
    assert answer(response)["duration_s"] == 60
    logged(stub, "offers-another-protocol")
    assert "WARNING" not in stub.log.read_text()[before:]


@pytest.mark.parametrize("form", VALID_FORMS)
def test_a_form_that_rfc_2046_allows_is_read(stub: Server, form: str) -> None:
    assert answer(post_body(stub, VALID_FORMS[form]))["duration_s"] == 4


@pytest.mark.parametrize("size", [0, 5_000, len(GOOD), 1_000_000])
@pytest.mark.parametrize("name", ["file[]", "File", "audio", "fi\u1e3ee"])
def test_a_part_with_another_name_is_reported_at_any_size(
    stub: Server, name: str, size: int
) -> None:
    disposition = f'form-data; name="{name}"; filename="song.mp3"'.encode()
    response = post_body(stub, multipart(bytes(size), disposition))
    detail = assert_problem(response, 422, "invalid_parameter")["detail"]
    assert "no part named `file`" in detail
    assert f"named `{name}`" in detail


@pytest.mark.parametrize("is_first", [False, True])
def test_a_large_additional_part_is_reported(stub: Server, is_first: bool) -> None:
    other = part_start(b'form-data; name="cover"') + bytes(100_000) + b"\r\n"
    last = DELIMITER + b"--\r\n"
    body = other + FORM if is_first else FORM.removesuffix(last) + other + last
    detail = assert_problem(post_body(stub, body), 422, "invalid_parameter")["detail"]
    assert "65536 bytes" in detail
    assert "named `cover`" in detail


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "br", "deflate, gzip"])
def test_a_compressed_body_is_refused_with_its_encoding(stub: Server, coding: str) -> None:
    files, headers = {"file": GOOD}, {"Content-Encoding": coding}
    response = stub.http.post("/suggest-tags", files=files, headers=headers)
    problem = assert_problem(response, 415, "unsupported_media_type")
    assert f"Content-Encoding '{coding.lower()}'" in problem["detail"]


@pytest.mark.parametrize("coding", ["", "identity"])
def test_a_body_with_identity_encoding_is_accepted(stub: Server, coding: str) -> None:
    files, headers = {"file": GOOD}, {"Content-Encoding": coding}
    assert answer(stub.http.post("/suggest-tags", files=files, headers=headers))


@pytest.mark.parametrize("encoding", [b"base64", b"Quoted-Printable", b"x-uuencode"])
def test_a_part_with_a_transfer_encoding_is_refused_with_that_encoding(
    stub: Server, encoding: bytes
) -> None:
    problem = assert_problem(post_body(stub, encoded_part(encoding)), 415, "unsupported_media_type")
    assert f"Content-Transfer-Encoding '{encoding.decode().lower()}'" in problem["detail"]


@pytest.mark.parametrize("encoding", [b"binary", b"8BIT", b"7bit"])
def test_a_part_with_binary_transfer_encoding_is_accepted(stub: Server, encoding: bytes) -> None:
    assert answer(post_body(stub, encoded_part(encoding)))["duration_s"] == 4


@pytest.mark.parametrize("path", MONITORED)
def test_head_is_answered_like_get_without_a_body(stub: Server, path: str) -> None:
    plain = {"Accept-Encoding": "identity"}
    head, get = (stub.http.request(method, path, headers=plain) for method in ("HEAD", "GET"))
    assert head.content == b""
    assert head.status_code == get.status_code
    for name in ("Content-Type", "Content-Length", "Cache-Control", "Content-Security-Policy"):
        assert head.headers.get(name) == get.headers.get(name)


def test_head_of_a_taggram_and_of_metrics(stub: Server) -> None:
    url = answer(post_body(stub, FORM))["taggram_url"]
    for path in (url, "/metrics"):
        head = stub.http.head(path)
        assert (head.status_code, head.content) == (200, b"")
    assert stub.http.head(url).headers["ETag"] == stub.http.get(url).headers["ETag"]


def test_head_is_not_a_separate_operation_in_openapi(stub: Server) -> None:
    paths = stub.http.get("/openapi.json").json()["paths"].values()
    assert not any("head" in operations for operations in paths)
