"""Pictures over HTTP: a flood of them is bounded, and who leaves makes room."""

import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from app.tagging.pictures import MAX_WAITING_PER_CLIENT
from testing.server import Server
from testing.waiting import wait_for
from tests.support.client import answer, assert_problem, noise_file, post

PNG = {"Accept": "image/png"}


@pytest.fixture(scope="module")
def url(stub: Server) -> str:
    """Of a taggram of the stub's."""
    return str(answer(post(stub, noise_file(30, seed=71), vocabulary="raw"))["taggram_url"])


@pytest.mark.thorough
def test_a_flood_of_pictures_from_one_client_is_asked_to_come_again(stub: Server, url: str) -> None:
    def ask(top: int) -> httpx.Response:
        return stub.http.get(f"{url}&top={top}", headers=PNG)

    count = 4 * MAX_WAITING_PER_CLIENT
    with ThreadPoolExecutor(count) as threads:
        responses = list(threads.map(ask, range(1, count + 1)))

    statuses = Counter(response.status_code for response in responses)
    assert statuses.keys() == {200, 503}
    refused = next(response for response in responses if response.status_code == 503)
    assert_problem(refused, 503, "overloaded")
    assert int(refused.headers["Retry-After"]) > 0
    assert ask(1).status_code == 200


@pytest.mark.thorough
def test_clients_who_leave_make_room_for_others(stub: Server, url: str) -> None:
    address = (stub.http.base_url.host, stub.http.base_url.port)
    leaving = [socket.create_connection(address) for _ in range(MAX_WAITING_PER_CLIENT + 1)]
    for number, connection in enumerate(leaving):
        target = f"{url}&top=20&start_s={3 * number}"
        connection.sendall(
            f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: image/png\r\n\r\n".encode()
        )
    for connection in leaving:
        connection.close()

    def drawn() -> bool:
        return stub.http.get(f"{url}&top=49", headers=PNG).status_code == 200

    assert wait_for(drawn, "room for a picture")
