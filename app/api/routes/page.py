"""`GET /` and `GET /web/...`: the demo page, and the element that other pages embed."""

from pathlib import Path, PurePosixPath

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.staticfiles import StaticFiles

from app.api.middleware.page_headers import POLICY, RESOURCE_POLICY

router = APIRouter(include_in_schema=False)

FOLDER = "/web/"

FILES = StaticFiles(directory=Path(__file__).resolve().parents[2] / "web")

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""Fixed here, as the machine's table may differ and browsers reject scripts of another type."""

FOR_EVERY_PAGE = {
    "Access-Control-Allow-Origin": "*",
    RESOURCE_POLICY: "cross-origin",
}
"""Browsers load modules with CORS. The API that these modules call has its own checks."""

PAGE_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "media-src blob:",  # the artist's file
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)


@router.api_route("/", methods=["GET", "HEAD"])
async def page(request: Request) -> Response:
    """Show the demo page: the signup form of an example platform that uses the element."""
    response = await _file("index.html", request)
    response.headers[POLICY] = PAGE_POLICY
    return response


@router.api_route(FOLDER + "{name}", methods=["GET", "HEAD"])
async def web(name: str, request: Request) -> Response:
    """Return a file of the element or the demo page; both are in one folder."""
    response = await _file(name, request)
    response.headers.update(FOR_EVERY_PAGE)
    return response


async def _file(name: str, request: Request) -> Response:
    """Return a file that browsers must revalidate: modules of two releases are not compatible."""
    response = await FILES.get_response(name, request.scope)
    response.headers["Content-Type"] = MEDIA_TYPES[PurePosixPath(name).suffix]
    response.headers["Cache-Control"] = "no-cache"
    return response
