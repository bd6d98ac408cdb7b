"""Internal errors are readable by pages too."""

import asyncio
from pathlib import Path

import httpx

from app.main import create_app
from app.services import Services
from app.settings import Settings

ORIGIN = "https://signup.example"


def test_the_page_can_read_an_internal_error(store: Path) -> None:
    def breaks() -> None:
        raise RuntimeError("broken on purpose")

    async def run() -> httpx.Response:
        services = Services(Settings(models=("msd-musicnn",), allowed_origins=(ORIGIN,)))
        app = create_app(services)
        app.add_api_route("/breaks", breaks)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://localhost",
            headers={"Origin": ORIGIN},
        ) as client:
            response = await client.get("/breaks")
        await services.close()
        return response

    response = asyncio.run(run())
    assert response.status_code == 500
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert response.json()["type"] == "/problems/internal_error"
