"""How much of a request has come, and how fast: held against what is allowed, chunk by chunk."""

from collections.abc import Iterable

from httptools import HttpParserCallbackError, HttpParserError

from app.errors import Kind, RequestError
from app.settings import Settings

HEAD_BYTES = 2**14
"""Request line and headers. What frames the chunks of a body may be so much more than they hold."""


class Arrival:
    """One request on its way in.

    Attributes:
        framing_bytes: What came of it that is no body.
    """

    def __init__(self, settings: Settings) -> None:
        self.framing_bytes = 0
        self._settings = settings
        self._body_bytes = 0
        self._window_bytes = 0
        self._was_paused = False
        self._deadline_s = 0.0

    def head_came(self, url: bytes, headers: Iterable[tuple[bytes, bytes]], now_s: float) -> None:
        """The body begins.

        Raises:
            RequestError: `uri_too_long` or `headers_too_large`.
        """
        if len(url) + sum(len(name) + len(value) + 4 for name, value in headers) > HEAD_BYTES:
            raise too_long_a_head(url)
        self._deadline_s = now_s + self._settings.body_timeout_s

    def chunk_came(self, size: int) -> None:
        """So many bytes came."""
        self.framing_bytes += size

    def body_came(self, size: int, *, is_paused: bool) -> None:
        """So many of them are body; whether the service could not take more for now."""
        self.framing_bytes -= size
        self._body_bytes += size
        self._window_bytes += size
        self._was_paused |= is_paused

    @property
    def is_mostly_framing(self) -> bool:
        """Whether it is too long around too little."""
        return self.framing_bytes > HEAD_BYTES + self._body_bytes

    def next_look_s(self, now_s: float, *, is_paused: bool) -> float:
        """Begin a window of time to measure the rate in; how long it is."""
        self._window_bytes = 0
        self._was_paused = is_paused
        return min(self._settings.stall_timeout_s, self._deadline_s - now_s)

    def check_pace(self, now_s: float) -> None:
        """At the end of a window; one in which the service had to be waited for does not count.

        Raises:
            RequestError: `request_timeout`.
        """
        wanted = self._settings.min_upload_rate * self._settings.stall_timeout_s
        if now_s >= self._deadline_s:
            problem = "The body took too long."
        elif self._window_bytes < wanted and not self._was_paused:
            problem = "The body came too slowly."
        else:
            return
        advice = "Send a smaller file, or over a faster connection."
        raise RequestError(Kind.REQUEST_TIMEOUT, f"{problem} {advice}")


def too_long_a_head(url: bytes) -> RequestError:
    """What to answer where the head of a request is too long."""
    if len(url) > HEAD_BYTES // 2:
        return RequestError(Kind.URI_TOO_LONG, "The address is too long. See /docs.")
    return RequestError(
        Kind.HEADERS_TOO_LARGE, f"Address and headers may have {HEAD_BYTES} bytes. Send fewer."
    )


def too_late_a_head() -> RequestError:
    """What to answer where the head of a request does not end."""
    return RequestError(Kind.REQUEST_TIMEOUT, "The headers took too long. Send them at once.")


def refusal(error: HttpParserError) -> RequestError:
    """What to answer to what can't be parsed, or what we refused while it was parsed."""
    cause = error.__context__
    if isinstance(cause, RequestError):
        return cause
    return malformed("no such address" if isinstance(error, HttpParserCallbackError) else error)


def malformed(problem: object) -> RequestError:
    """What to answer to what is not HTTP."""
    return RequestError(
        Kind.MALFORMED_REQUEST, f"This is not HTTP/1.1: {problem}. Use a library that speaks it."
    )
