"""`GET /docs`: Swagger UI, which loads files of this server only."""

import hashlib
import re
from base64 import b64encode

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

from app.api.middleware.page_headers import POLICY

router = APIRouter(include_in_schema=False)

SCRIPTS = "/static-offline-docs"
"""The path under which fastapi-offline serves Swagger UI."""

INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


@router.head("/docs", include_in_schema=False)
@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """Show the OpenAPI document in Swagger UI."""
    root = request.scope.get("root_path", "")
    page = get_swagger_ui_html(
        openapi_url=f"{root}{request.app.openapi_url}",
        title=request.app.title,
        swagger_js_url=f"{root}{SCRIPTS}/swagger-ui-bundle.js",
        swagger_css_url=f"{root}{SCRIPTS}/swagger-ui.css",
        swagger_favicon_url=f"{root}{SCRIPTS}/favicon.png",
        # By default the page sends the document to a validator on another server.
        swagger_ui_parameters={"validatorUrl": None},
    )
    page.headers[POLICY] = _policy(bytes(page.body))
    return page


def _policy(page: bytes) -> str:
    """Return a policy that allows files of this server and the page's current inline scripts."""
    hashes = [
        f"'sha256-{b64encode(hashlib.sha256(script).digest()).decode()}'"
        for script in INLINE_SCRIPT.findall(page)
    ]
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'self' {' '.join(hashes)}",
            "style-src 'self'",
            "img-src 'self' data: blob:",  # icons, and pictures in responses
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )
