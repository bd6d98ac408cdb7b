"""A signup page's backend that gets upload tokens from Taggram with its API key.

Settings: `TAGGRAM_URL`, where Taggram is; `TAGGRAM_KEY`, from `taggram keys create`; and
`PAGE_ORIGIN`, the origin of the signup page. The page has
`<tag-suggest token-url="/taggram-token">`.
"""

import os

import httpx
from fastapi import FastAPI, HTTPException, Response

TAGGRAM_URL = os.environ.get("TAGGRAM_URL", "http://127.0.0.1:8000")
PAGE_ORIGIN = os.environ.get("PAGE_ORIGIN", "http://127.0.0.1:5501")
TIMEOUT_S = 10.0

app = FastAPI()


@app.get("/taggram-token")
async def taggram_token(response: Response) -> dict[str, object]:
    """Get a token for one visitor; check here that the visitor may sign up."""
    headers = {"Authorization": f"Bearer {os.environ['TAGGRAM_KEY']}"}
    try:
        async with httpx.AsyncClient(base_url=TAGGRAM_URL, timeout=TIMEOUT_S) as taggram:
            answer = await taggram.post(
                "/upload-tokens", json={"origin": PAGE_ORIGIN}, headers=headers
            )
            answer.raise_for_status()
    except httpx.HTTPError as error:
        raise HTTPException(502, "Tag suggestions are not available at the moment.") from error
    response.headers["Cache-Control"] = "no-store"  # each visitor gets a token of their own
    token: dict[str, object] = answer.json()
    return token
