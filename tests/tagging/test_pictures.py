"""Pictures are drawn one at a time, each once, for waiting callers, in turns by client."""

import asyncio
import threading

import pytest

from app.errors import Kind, RequestError
from app.tagging.pictures import CACHE_BYTES, MAX_WAITING, MAX_WAITING_PER_CLIENT, Pictures

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """As the service runs."""
    return "asyncio"


PATIENCE_S = 60


class Desk:
    """Draws when the test lets it, and records the pictures.

    Attributes:
        drawn: The names of pictures, in the order of drawing.
    """

    def __init__(self) -> None:
        self.drawn: list[str] = []
        self.pictures = Pictures()
        self._allowed = threading.Semaphore(0)

    def start(self, client: str, name: str) -> "asyncio.Task[bytes]":
        def draw() -> bytes:
            self.drawn.append(name)
            assert self._allowed.acquire(timeout=PATIENCE_S)
            return name.encode()

        return asyncio.create_task(self.pictures.picture(client, name, draw))

    def allow(self, count: int) -> None:
        self._allowed.release(count)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_clients_take_turns() -> None:
    desk = Desk()
    pending = [desk.start("a", f"a{number}") for number in range(4)]
    await settled()
    pending.append(desk.start("b", "b0"))
    await settled()

    desk.allow(5)
    assert await asyncio.gather(*pending) == [b"a0", b"a1", b"a2", b"a3", b"b0"]

    assert desk.drawn == ["a0", "b0", "a1", "a2", "a3"]
    await desk.pictures.close()


async def test_a_picture_whose_callers_left_is_not_drawn() -> None:
    desk = Desk()
    pending = [desk.start("a", f"a{number}") for number in range(5)]
    await settled()
    for leaving in pending[1:4]:
        leaving.cancel()
    await settled()

    desk.allow(2)
    await pending[0]
    await pending[4]

    assert desk.drawn == ["a0", "a4"]
    await desk.pictures.close()


async def test_a_client_that_leaves_while_its_picture_is_drawn_blocks_no_other() -> None:
    desk = Desk()
    leaving = desk.start("a", "a0")
    await settled()
    leaving.cancel()
    staying = desk.start("b", "b0")
    desk.allow(2)

    assert await staying == b"b0"
    await desk.pictures.close()


async def test_a_picture_is_drawn_once_for_all_callers() -> None:
    desk = Desk()
    pending = [desk.start(client, "same") for client in "abc"]
    desk.allow(1)

    assert await asyncio.gather(*pending) == [b"same"] * 3
    assert await desk.start("d", "same") == b"same"

    assert desk.drawn == ["same"]
    await desk.pictures.close()


async def test_the_waiting_pictures_of_one_client_are_bounded_and_keep_no_other_out() -> None:
    desk = Desk()
    asked = [desk.start("a", f"a{number}") for number in range(1 + MAX_WAITING_PER_CLIENT)]
    await settled()

    with pytest.raises(RequestError) as refused:
        await desk.start("a", "one more")
    other = desk.start("b", "b0")
    await settled()

    assert refused.value.kind is Kind.OVERLOADED
    assert (refused.value.retry_after_s or 0) > 0
    desk.allow(len(asked) + 1)
    assert await other == b"b0"
    await asyncio.gather(*asked)
    assert "one more" not in desk.drawn
    await desk.pictures.close()


async def test_the_waiting_pictures_of_all_clients_are_bounded() -> None:
    desk = Desk()
    pending = [desk.start(f"client {number}", f"{number}") for number in range(1 + MAX_WAITING)]
    await settled()

    with pytest.raises(RequestError) as refused:
        await desk.start("another", "one more")

    assert refused.value.kind is Kind.OVERLOADED
    desk.allow(len(pending))
    await asyncio.gather(*pending)
    await desk.pictures.close()


async def test_cached_pictures_take_bounded_memory() -> None:
    pictures, drawn = Pictures(), []

    async def start(name: str) -> None:
        def draw() -> bytes:
            drawn.append(name)
            return bytes(CACHE_BYTES // 3)

        await pictures.picture("a", name, draw)

    for name in ("1", "2", "3", "1", "4", "1", "2"):
        await start(name)

    assert drawn == ["1", "2", "3", "4", "2"]
    await pictures.close()


async def test_a_picture_that_cannot_be_drawn_fails_its_caller_and_no_other() -> None:
    desk = Desk()

    def fail() -> bytes:
        raise ArithmeticError("of the picture")

    with pytest.raises(ArithmeticError):
        await desk.pictures.picture("a", "a0", fail)
    desk.allow(1)

    assert await desk.start("a", "a0") == b"a0"
    await desk.pictures.close()
