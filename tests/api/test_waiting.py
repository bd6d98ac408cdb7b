"""Work that a request waits for ends with the request, and its own errors stay its own."""

import asyncio
from types import SimpleNamespace

import pytest
from fastapi import Request

from app.api.upload import waiting
from app.errors import Kind, RequestError

DEADLINE_S = 0.01


@pytest.fixture
def request_() -> Request:
    """A request whose client stays."""

    async def receive() -> dict[str, str]:
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    return Request({"type": "http"}, receive)


@pytest.fixture
def dropped(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The reason why waiting ended."""
    services = SimpleNamespace(settings=SimpleNamespace(deadline_s=DEADLINE_S))
    monkeypatch.setattr(waiting, "services_of", lambda _: services)
    return []


def test_a_timeout_error_of_the_work_is_not_reported_as_the_deadline(
    request_: Request, dropped: list[str]
) -> None:
    async def work() -> None:
        raise TimeoutError("of a database")

    with pytest.raises(TimeoutError, match="of a database"):
        asyncio.run(waiting.run_while_connected(request_, work(), "too late", dropped.append))

    assert dropped == []


def test_work_past_the_deadline_is_cancelled(request_: Request, dropped: list[str]) -> None:
    async def work() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RequestError, match="too late") as refused:
        asyncio.run(waiting.run_while_connected(request_, work(), "too late", dropped.append))

    assert refused.value.kind is Kind.DEADLINE_EXCEEDED
    assert dropped == ["expired"]
