"""Broken requests, each given by a seed and a number."""

import random
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise

from testing.sounds import encoded, tone

RIGHT = 0.7
"""Of the pieces of a request: if all are wrong, only the first is reported."""

BOUNDARY = b"fuzz"
END = b"--" + BOUNDARY + b"--\r\n"
CHUNKED = (
    *(b"POST /suggest-tags HTTP/1.1", b"Host: localhost", b"Transfer-Encoding: chunked"),
    b"Content-Type: multipart/form-data; boundary=" + BOUNDARY,
)
METHODS = (b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"TRACE", b"CONNECT", b"get", b"PRI", b"")
PATHS = (
    *(b"/suggest-tags", b"/taggram?track_id=0", b"/vocabularies", b"/models", b"/health/live"),
    *(b"/metrics", b"/docs", b"*", b"//", b"/%00", b"/../../etc/passwd", b"http://a:99999/", b""),
    *(b"/taggram?track_id=" + b"0" * 64, b"/" + b"a" * 9_000, b"/suggest-tags?top_k=\xff&pooling="),
)
VERSIONS = (b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/9999.1", b"http/1.1", b"")
HEADERS = (
    *(b"Content-Length: -1", b"Content-Length: 0", b"Content-Length: 99999999999999999999"),
    *(b"Content-Length: 0x10", b"Content-Length: +5", b"Content-Length: 5, 6", b"Content-Length:"),
    *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: x"),
    *(b"Transfer-Encoding : chunked", b" folded: yes", b"No colon", b": no name", b"X: \0"),
    *(b"X-Long: " + b"a" * 70_000, b"Expect: 100-continue", b"Expect: nothing"),
    *(b"Upgrade: h2c", b"Upgrade: websocket", b"Connection: close, keep-alive, upgrade"),
    *(b"Host: a b", b"Host: [::1", b"Origin: null", b"Accept: */*;q=x", b"Accept: image/png;;,,"),
    *(b"Authorization: Bearer " + b"\xff" * 40, b"Authorization: Basic =", b"Cookie: " + b";" * 99),
    *(b"Content-Type: multipart/form-data", b"Content-Type: multipart/form-data; boundary="),
    *(b"Content-Type: text/plain", b"Content-Type: ;;;=", b"X-Forwarded-For: 1, 2, x\xff"),
    *(
        b"Content-Encoding: gzip",
        b"If-None-Match: *",
        b"Range: bytes=9-1",
        b"X-Request-ID: \x1b[2J",
    ),
)
CHUNK_SIZES = (
    b"0",
    b"5",
    b"-1",
    b"zz",
    b"ffffffffffffffff",
    b"5;a=b",
    b"5 ",
    b"",
    b"0x5",
)
FILE_PART = b'Content-Disposition: form-data; name="file"'
PART_HEADERS = (
    FILE_PART,
    b"Content-Disposition: form-data; name=file",
    b'Content-Disposition: form-data; name="file"; filename="../../x\0.raw"',
    b"Content-Disposition",
    *(b"Content-Disposition: attachment", b"X: " + b"y" * 9_000, b"\xff\xfe: z", b"", b"\0"),
)

Broken = Callable[[random.Random], bytes]


def request(seed: int, number: int) -> bytes:
    """The bytes that are sent; no server may want more of them."""
    chance = random.Random(f"{seed} {number}")
    sent = bytearray(chance.choice(KINDS)(chance))
    for _ in range(chance.choice((0, 0, 0, 1, 4))):
        place = chance.randrange(len(sent) + 1)
        sent[place : place + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 4))
    return bytes(sent[: chance.randrange(len(sent) + 1)] if chance.random() < 0.1 else sent)


@cache
def _audio() -> bytes:
    return encoded(tone(8_000, 0.6), 8_000)


def _part(chance: random.Random, headers: bytes) -> bytes:
    data = chance.choice((_audio(), b"no audio", b"", bytes(2_000)))
    return b"--" + BOUNDARY + b"\r\n" + headers + b"\r\n\r\n" + data + b"\r\n"


def _upload(head: bytes, body: bytes, length: object = None) -> bytes:
    length_header = len(body) if length is None else length
    kind = b"Content-Type: multipart/form-data; boundary=" + BOUNDARY
    lines = (head, b"Host: localhost", kind, b"Content-Length: %s" % str(length_header).encode())
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _request_line(chance: random.Random) -> bytes:
    line = chance.choice((b" ", b" ", b" ", b"  ", b"\t", b"")).join(
        (
            _mostly(chance, b"GET", METHODS),
            chance.choice(PATHS),
            _mostly(chance, b"HTTP/1.1", VERSIONS),
        )
    )
    return line + _mostly(chance, b"\r\n", (b"\n", b"\r")) + b"Host: localhost\r\n\r\n"


def _headers(chance: random.Random) -> bytes:
    line = chance.choice((b"GET ", b"POST ")) + chance.choice(PATHS) + b" HTTP/1.1"
    lines = [line, b"Host: localhost", *chance.choices(HEADERS, k=chance.choice((1, 1, 1, 2, 9)))]
    head = _mostly(chance, b"\r\n", (b"\n",)).join(lines) + b"\r\n\r\n"
    return head + b"5\r\nhello\r\n0\r\n\r\n"


def _chunks(chance: random.Random) -> bytes:
    """A sound upload in chunks, of which one may be framed wrong."""
    body = _part(chance, FILE_PART) + END
    places = sorted(chance.choices(range(len(body)), k=chance.randint(1, 4)))
    pieces = [body[start:end] for start, end in pairwise((0, *places, len(body)))]
    chunks = [_chunk(b"%x" % len(piece), piece) for piece in pieces if piece]
    wrong = chance.randrange(len(chunks))
    chunks[wrong] = _mostly(
        chance,
        chunks[wrong],
        [_chunk(size, b"hello") for size in CHUNK_SIZES],
    )
    return b"\r\n".join(CHUNKED) + b"\r\n\r\n" + b"".join(chunks) + b"0\r\n\r\n"


def _chunk(size: bytes, piece: bytes) -> bytes:
    return size + b"\r\n" + piece + b"\r\n"


def _multipart(chance: random.Random) -> bytes:
    parts = [_part(chance, FILE_PART)]
    if chance.random() < 0.6:
        headers = chance.choices(PART_HEADERS, k=chance.randint(1, 3))
        parts *= chance.choice((0, 1))
        parts += [_part(chance, b"\r\n".join(headers))] * chance.choice((1, 1, 30))
    chance.shuffle(parts)
    end = _mostly(chance, END, (b"--" + BOUNDARY, b"", b"--else--"))
    return _upload(b"POST /suggest-tags HTTP/1.1", b"".join(parts) + end)


def _mostly(chance: random.Random, right: bytes, wrong: Sequence[bytes]) -> bytes:
    return right if chance.random() < RIGHT else chance.choice(wrong)


def _length(chance: random.Random) -> bytes:
    body = _part(chance, FILE_PART) + END
    length = len(body) + chance.choice((-10, -1, 1, 1_000, 2**31, 2**63))
    return _upload(b"POST /suggest-tags HTTP/1.1", body, length) + b"GET / HTTP/1.1\r\n\r\n"


def _noise(chance: random.Random) -> bytes:
    return chance.choice(
        (b"", b"\x16\x03\x01", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    ) + chance.randbytes(chance.randint(1, 3_000))


KINDS: tuple[Broken, ...] = (_request_line, _headers, _chunks, _multipart, _length, _noise)
