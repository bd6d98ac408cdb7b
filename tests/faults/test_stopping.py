"""Clients that leave and processes that end: accepted uploads are answered, nothing is left."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest

from app.headroom import Headroom, find_headroom
from testing.multipart import multipart
from testing.server import STOP_S, STUB, Server, serving
from testing.sounds import encoded, noise
from testing.waiting import wait_for
from tests.support.client import (
    answer,
    assert_problem,
    inferred_s,
    metric,
    noise_file,
    post,
    response_to,
    upload,
    wait_for_uploads,
)

MODEL = "msd-musicnn"
STALLED = 20


@contextmanager
def started(
    folder: Path, command: Sequence[str | Path] = STUB, **settings: str
) -> Iterator[tuple[Server, Path]]:
    """A server that decodes one file at a time, and its folder for received files."""
    # In no folder of the test's own: the path of the decoders' socket may have 108 bytes.
    temporary_files = Path(tempfile.mkdtemp(prefix="taggram-"))
    given = {
        "TMPDIR": str(temporary_files),
        "TAGGRAM_MODELS": f'["{MODEL}"]',
        "TAGGRAM_DECODE_WORKERS": "1",
        "TAGGRAM_MAX_BACKLOG_S": "100",
        "TAGGRAM_MAX_IN_FLIGHT": "100",
        **settings,
    }
    try:
        with serving(folder / "log", given, command) as server:
            # The first one waits until the fork server is ready, which starts other processes.
            wait_for(lambda: post(server, noise_file(1)).is_success, "an upload that is answered")
            yield server, temporary_files
    finally:
        shutil.rmtree(temporary_files)


@pytest.fixture(scope="module")
def memory_group() -> Iterator[Headroom | None]:
    """A control group for memory, without a limit at first; none where we may not make one."""
    own = find_headroom()
    group = replace(own, folder=own.folder / f"taggram-test-{os.getpid()}")
    try:
        group.folder.mkdir()
        set_limit(group, 2**40)
    except OSError:
        yield None
        return
    yield group
    wait_for(
        lambda: not (group.folder / "cgroup.procs").read_text(), "the processes of the group to end"
    )
    group.folder.rmdir()


def set_limit(group: Headroom, limit: int) -> None:
    (group.folder / group.names.limit).write_text(str(limit))


@pytest.fixture(scope="module")
def sequential(
    memory_group: Headroom | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """See `started`; in `memory_group`, if there is one."""
    command = STUB
    if memory_group:
        joining = f'echo $$ > {memory_group.folder}/cgroup.procs && exec "$0" "$@"'
        command = ("sh", "-c", joining, *STUB)
    with started(tmp_path_factory.mktemp("stopping"), command) as (running, _):
        yield running


@pytest.fixture(scope="module")
def long_track() -> bytes:
    """It takes a while to decode."""
    return encoded(np.tile(noise(10 * 48_000), 59), 48_000, "WAV", "PCM_U8")


def decoders(server: Server) -> list[psutil.Process]:
    """Those at work: children of the fork server, which is a child of the service."""
    return [
        decoder
        for child in psutil.Process(server.process.pid).children()
        for decoder in child.children()
        if decoder.status() != psutil.STATUS_ZOMBIE
    ]


@contextmanager
def in_mid_decode(server: Server, track: bytes) -> Iterator[psutil.Process]:
    """An upload whose decoder is halted until the test releases it."""
    body = multipart(track)
    with upload(server, Content_Length=str(len(body))) as connection:
        connection.send(body)
        decoder = halted_decoder(server)
        wait_for_uploads(server, 1)
        yield decoder


def halted_decoder(server: Server) -> psutil.Process:
    """The first one that is caught at work."""

    def halted() -> psutil.Process | None:
        with suppress(psutil.NoSuchProcess):
            for decoder in decoders(server):
                decoder.suspend()
                return decoder
        return None

    decoder = wait_for(halted, "a decoder at work")
    assert decoder is not None
    return decoder


def left_behind(temporary_files: Path) -> list[Path]:
    """What is not multiprocessing's own socket."""
    return [path for path in temporary_files.iterdir() if not path.name.startswith("pymp-")]


def dropped(server: Server, reason: str) -> float:
    return metric(server, "taggram_uploads_dropped_total", reason=reason)


def test_an_upload_whose_client_leaves_is_not_inferred(
    sequential: Server, long_track: bytes
) -> None:
    body = multipart(noise_file(4))
    before_s, before = inferred_s(sequential, MODEL), dropped(sequential, "left")
    with in_mid_decode(sequential, long_track) as decoder:
        with upload(sequential, Content_Length=str(len(body))) as waiting:
            waiting.send(body)
            wait_for_uploads(sequential, 2)
        wait_for_uploads(sequential, 1)
        assert dropped(sequential, "left") == before + 1
        assert decoder.is_running()
    wait_for(
        lambda: not decoder.is_running() or decoder.status() == psutil.STATUS_ZOMBIE,
        "the decoder to end",
    )
    wait_for_uploads(sequential, 0)
    assert dropped(sequential, "left") == before + 2
    assert inferred_s(sequential, MODEL) == before_s


def test_an_upload_past_its_deadline_is_not_inferred(tmp_path: Path, long_track: bytes) -> None:
    with started(tmp_path, TAGGRAM_DEADLINE_S="10") as (server, _):
        before_s = inferred_s(server, MODEL)
        with in_mid_decode(server, long_track) as decoder:
            fork_server = decoder.parent()
            assert fork_server is not None
            fork_server.suspend()  # or the other's turn would come when this one's time is over
            assert_problem(post(server, noise_file(4)), 504, "deadline_exceeded")
            fork_server.resume()
            wait_for(lambda: dropped(server, "expired") == 2, "both uploads to be dropped")
        wait_for_uploads(server, 0)
        assert not decoders(server)
        assert inferred_s(server, MODEL) == before_s
        wait_for(lambda: post(server, noise_file(4)).is_success, "an upload that is answered")


def test_a_service_killed_during_an_upload_leaves_nothing_behind(
    tmp_path: Path, long_track: bytes
) -> None:
    body = multipart(noise_file(4))
    with started(tmp_path) as (server, temporary_files):
        family = psutil.Process(server.process.pid).children(recursive=True)
        with in_mid_decode(server, long_track) as decoder, upload(server) as connection:
            connection.send(body[:1000])
            decoder.resume()
            server.process.kill()
            server.process.wait(300)
        wait_for(
            lambda: not any(process.is_running() for process in (*family, decoder)),
            "all processes to end",
        )
        assert not left_behind(temporary_files)


def test_fifty_identical_uploads_at_once_are_inferred_once(sequential: Server) -> None:
    track, before_s = noise_file(10, seed=50), inferred_s(sequential, MODEL)
    with ThreadPoolExecutor(50) as together:
        answers = [answer(a) for a in together.map(lambda _: post(sequential, track), range(50))]
    assert inferred_s(sequential, MODEL) == before_s + 10
    assert all(given["suggestions"] == answers[0]["suggestions"] for given in answers)


def test_uploads_are_answered_503_before_memory_runs_out(
    sequential: Server, memory_group: Headroom | None
) -> None:
    if memory_group is None:
        pytest.skip("no control group for memory can be made here")
    track = noise_file(4, seed=9)
    free = memory_group.free_bytes()
    assert free is not None
    set_limit(memory_group, 2**40 - free + 128 * 2**20)
    assert_problem(post(sequential, track), 503, "overloaded")
    assert sequential.http.get("/health/ready").status_code == httpx.codes.OK
    set_limit(memory_group, 2**40)
    assert answer(post(sequential, track))["suggestions"]


def test_at_sigterm_accepted_uploads_are_answered_and_others_refused(
    tmp_path: Path,
) -> None:
    body = multipart(noise_file(4, seed=1))
    tracks = [noise_file(30, seed=seed) for seed in range(2, 6)]
    with (
        started(tmp_path, TAGGRAM_STALL_TIMEOUT_S="60") as (server, temporary_files),
        ExitStack() as held,
        ThreadPoolExecutor() as together,
    ):
        for _ in range(STALLED):
            held.enter_context(upload(server, Content_Length=str(len(body))))
        half_sent = held.enter_context(upload(server, Content_Length=str(len(body))))
        half_sent.send(body[:1000])
        wait_for(
            lambda: metric(server, "taggram_uploads_in_flight") >= STALLED + 1,
            "the stalled uploads to be accepted",
        )
        whole = [together.submit(post, server, track) for track in tracks]
        server.process.send_signal(signal.SIGTERM)

        wait_for(
            lambda: server.http.get("/health/ready").status_code != httpx.codes.OK,
            "the service to refuse",
        )
        assert_problem(server.http.get("/health/ready"), 503, "not_ready")
        refused = post(server, noise_file(4))
        assert_problem(refused, 503, "not_ready")
        assert int(refused.headers["Retry-After"]) > 0
        assert server.http.get("/health/live").status_code == httpx.codes.OK

        half_sent.send(body[1000:])
        assert answer(response_to(half_sent))["suggestions"]
        for one in whole:
            response = one.result()
            assert response.status_code in (httpx.codes.OK, httpx.codes.SERVICE_UNAVAILABLE)
        held.close()
        assert server.process.wait(STOP_S) == 0
        assert "Traceback" not in server.log.read_text()
        assert not left_behind(temporary_files)


def test_sigterm_ends_a_start(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*STUB, "serve"],
            env={**os.environ, "HOST": "127.0.0.1", "PORT": "0"},
            stdout=output,
            stderr=output,
        )
    try:
        wait_for(lambda: "Started server process" in log.read_text(), "the server to start")
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_S) in {0, -signal.SIGTERM}
    finally:
        process.kill()
