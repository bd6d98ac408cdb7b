"""Retention: an upload is gone once it is answered, a taggram after its time."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from testing.multipart import multipart
from testing.processes import below, opened
from testing.server import STUB, Server, serving
from testing.waiting import wait_for
from tests.support.client import answer, new_track, post, response_to, upload, wait_for_uploads

TTL_S = 1


@pytest.fixture(scope="module")
def temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `forgetful` keeps uploads."""
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory, temporary_files: Path) -> Iterator[Server]:
    """A server that keeps taggrams for a second."""
    settings = {
        "TMPDIR": str(temporary_files),
        "TAGGRAM_MODELS": '["msd-musicnn"]',
        "TAGGRAM_CACHE_TTL_S": str(TTL_S),
    }
    with serving(tmp_path_factory.mktemp("forgetful") / "log", settings, STUB) as server:
        yield server


def held_files(server: Server, folder: Path) -> list[str]:
    """Which files of the folder the service and its decoders have open."""
    service = server.process.pid
    pids = (service, *(child.pid for child in below(service)))
    return [path for pid in pids for path in opened(pid) if path.startswith(str(folder))]


def test_an_upload_is_deleted_once_it_is_answered(forgetful: Server, temporary_files: Path) -> None:
    body = multipart(new_track())
    before = set(temporary_files.iterdir())
    with upload(forgetful, Content_Length=str(len(body))) as connection:
        connection.send(body[:10_000])
        wait_for_uploads(forgetful, 1)
        wait_for(lambda: held_files(forgetful, temporary_files), "an upload in a file")
        connection.send(body[10_000:])
        answer(response_to(connection))
    wait_for(lambda: not held_files(forgetful, temporary_files), "the upload's file to be closed")
    assert set(temporary_files.iterdir()) == before


def test_a_taggram_expires(forgetful: Server) -> None:
    track = new_track()
    url = answer(post(forgetful, track))["taggram_url"]
    wait_for(
        lambda: forgetful.http.get(url).status_code == httpx.codes.NOT_FOUND, "an unknown track"
    )
    assert not answer(post(forgetful, track))["cached"]
