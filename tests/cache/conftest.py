"""A real Redis for each test that wants one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.redis_server import RedisServer


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()
