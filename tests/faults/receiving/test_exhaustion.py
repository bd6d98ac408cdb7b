"""No disk or no descriptors left: uploads are asked to come again, and soon are welcome again."""

import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from testing.server import Server
from tests.faults.receiving.conftest import DESCRIPTORS, GOOD
from tests.support.client import assert_problem, logged, post
from tests.support.raw_http import CHUNKED, FILE_HEAD, answer_on, chunk, connect

pytestmark = pytest.mark.usefixtures("unharmed")


def errors_logged(server: Server) -> list[str]:
    """What the operator has to look at."""
    return [line for line in server.log.read_text().splitlines() if '"ERROR"' in line]


def test_uploads_to_a_full_disk_are_answered_503(impatient: Server, disk: Path) -> None:
    if not disk.is_mount():
        pytest.skip("only root may make a small disk, and not everywhere")
    filler = disk / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(disk).free))
    before = len(errors_logged(impatient))
    response = post(impatient, GOOD)
    filler.unlink()
    assert_problem(response, 503, "overloaded")
    assert int(response.headers["Retry-After"]) > 0
    logged(impatient, response.headers["X-Request-ID"])
    (error,) = errors_logged(impatient)[before:]
    assert "No space left on device" in error
    assert str(disk) not in error


def test_a_flood_of_connections_is_survived(impatient: Server) -> None:
    with ExitStack() as stack:
        for _ in range(3 * DESCRIPTORS):
            stack.enter_context(connect(impatient)).sendall(b"GET / HTTP/1.1\r\n")
    # `unharmed` looks whether the service answers now that they left.


def test_a_flood_of_uploads_is_shed(impatient: Server) -> None:
    with ExitStack() as stack:
        uploads = [stack.enter_context(connect(impatient)) for _ in range(DESCRIPTORS // 2)]
        for connection in uploads:
            connection.sendall(CHUNKED + chunk(FILE_HEAD))
        answers = [response for response in map(answer_on, uploads) if response]
    shed = [response for response in answers if response.status_code == 503]
    assert {response.status_code for response in answers} == {408, 503}
    assert int(shed[-1].headers["Retry-After"]) > 0
    logged(impatient, shed[-1].headers["X-Request-ID"])
    assert "Too many open files" in errors_logged(impatient)[-1]
