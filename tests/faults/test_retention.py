"""Retention: uploads are gone once they are answered, taggrams after their time."""

import time

import httpx

from tests.api.asking import (
    PATIENCE_S,
    answer,
    encoded,
    multipart,
    noise,
    post,
    response_to,
    upload,
    wait_for_uploads,
)
from tests.faults.conftest import Marked


def test_an_upload_is_gone_once_it_is_answered(marked: Marked) -> None:
    body = multipart(encoded(noise(4, seed=52)))
    before = set(marked.temporary_files.iterdir())
    with upload(marked.server, Content_Length=str(len(body))) as connection:
        connection.send(body[:10_000])
        wait_for_uploads(marked.server, 1)
        assert marked.held_files()
        connection.send(body[10_000:])
        answer(response_to(connection))
    deadline = time.monotonic() + PATIENCE_S
    while marked.held_files():
        assert time.monotonic() < deadline, "it was never let go"
        time.sleep(0.02)
    assert set(marked.temporary_files.iterdir()) == before


def test_a_taggram_is_gone_after_its_time(marked: Marked) -> None:
    audio = encoded(noise(4, seed=53))
    url = answer(post(marked.server, audio))["taggram_url"]
    assert marked.server.http.get(url).status_code == httpx.codes.OK
    deadline = time.monotonic() + PATIENCE_S
    while marked.server.http.get(url).status_code != httpx.codes.NOT_FOUND:
        assert time.monotonic() < deadline, "it was never forgotten"
        time.sleep(0.1)
    assert not answer(post(marked.server, audio))["cached"]
