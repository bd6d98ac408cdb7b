"""Answers of the connection itself, to what never became a request for the application."""

import json
import logging
import uuid
from http import HTTPStatus

from app.api.page_headers import HEADERS
from app.api.problems import MEDIA_TYPE, STATUS, document, retry_header
from app.errors import RequestError
from app.metrics import Metrics

log = logging.getLogger(__name__)


def plain_answer(error: RequestError, metrics: Metrics) -> bytes:
    """An error as it goes over the wire, like those of the application; counted and logged."""
    metrics.error(error.kind)
    request_id = uuid.uuid4().hex
    status = HTTPStatus(STATUS[error.kind])
    log.info(
        "request refused", extra={"request_id": request_id, "status": status, "error": error.kind}
    )
    body = json.dumps(document(error, request_id)).encode()
    headers = {
        "Content-Type": MEDIA_TYPE,
        "Content-Length": str(len(body)),
        "X-Request-ID": request_id,
        "Connection": "close",
        **retry_header(error),
        **HEADERS,
    }
    lines = [f"HTTP/1.1 {status} {status.phrase}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
