"""A server that holds as many uploads as it may refuses further ones at once, and serves on."""

import hashlib
import http.client
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from testing.multipart import multipart
from tests.api.conftest import Narrow
from tests.support.client import answer, assert_problem, post, response_to, upload, wait_for_uploads


@dataclass(frozen=True)
class HalfSent:
    """An upload that takes the only place.

    Attributes:
        connection: On which it comes.
        rest: What is still to be sent.
    """

    connection: http.client.HTTPConnection
    rest: bytes


@pytest.fixture
def half_sent(narrow: Narrow) -> Iterator[HalfSent]:
    """See `HalfSent`."""
    body = multipart(narrow.good)
    half = len(body) // 2
    wait_for_uploads(narrow.server, 0)
    with upload(narrow.server, Content_Length=str(len(body))) as connection:
        connection.send(body[:half])
        wait_for_uploads(narrow.server, 1)
        yield HalfSent(connection, body[half:])
    wait_for_uploads(narrow.server, 0)


@pytest.mark.usefixtures("half_sent")
def test_an_upload_over_the_limit_is_answered_503(narrow: Narrow) -> None:
    response = post(narrow.server, narrow.good)
    assert_problem(response, 503, "overloaded")
    assert int(response.headers["Retry-After"]) > 0


@pytest.mark.usefixtures("half_sent")
def test_it_is_refused_before_its_body_is_sent(narrow: Narrow) -> None:
    with upload(narrow.server, Content_Length="500000") as connection:
        assert_problem(response_to(connection), 503, "overloaded")


@pytest.mark.usefixtures("half_sent")
@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics", "/vocabularies"])
def test_requests_that_need_no_permit_are_answered(narrow: Narrow, path: str) -> None:
    assert narrow.server.http.get(path).status_code == httpx.codes.OK


@pytest.mark.usefixtures("half_sent")
def test_the_taggram_of_a_known_track_is_answered(narrow: Narrow) -> None:
    track_id = hashlib.sha256(narrow.good).hexdigest()
    assert answer(narrow.server.http.get("/taggram", params={"track_id": track_id}))["tags"]


def test_the_upload_that_holds_the_permit_is_answered_and_releases_it(
    narrow: Narrow, half_sent: HalfSent
) -> None:
    assert_problem(post(narrow.server, narrow.good), 503, "overloaded")
    half_sent.connection.send(half_sent.rest)
    assert answer(response_to(half_sent.connection))["cached"]
    assert answer(post(narrow.server, narrow.good))["cached"]


def test_a_refusal_takes_no_permit(narrow: Narrow) -> None:
    for _ in range(3):
        assert_problem(post(narrow.server, b"text"), 415, "unsupported_audio")
    assert answer(post(narrow.server, narrow.good))["cached"]
