"""Errors, with a kind for each, by the step of the data path in which they occur.

      request ──> caller                 unknown_host, cross_site, unauthorized, forbidden,
                                         rate_limited
    upload ──> temp file + digest        malformed_request, request_timeout, invalid_parameter,
                                         unsupported_media_type, payload_too_large
      digest ──> cache                   (a cache never fails a request)
      temp file ──> decode process       unsupported_audio, undecodable_audio, audio_too_short,
                                         audio_too_long, silent_audio,
                                         no_readable_track
      waveform ──> inference queue       overloaded, not_ready, deadline_exceeded, engine_failed
      taggram ──> suggestions            unknown_track, unknown_model, unknown_vocabulary
      vectors ──> recommendations        no_recommender, unknown_track

A `RequestError` concerns one request: its message says what the caller can do. A `SetupError`
concerns the operator: the service does not start until the problem is fixed. `app.api.problems`
maps kinds to HTTP statuses; this module does not depend on a web library.
"""

from enum import StrEnum

from app.masking import mask


class Kind(StrEnum):
    """The machine-readable name of an error, stable across releases."""

    MALFORMED_REQUEST = "malformed_request"
    REQUEST_TIMEOUT = "request_timeout"
    UNKNOWN_HOST = "unknown_host"
    CROSS_SITE = "cross_site"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    INVALID_PARAMETER = "invalid_parameter"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    UNSUPPORTED_AUDIO = "unsupported_audio"
    UNDECODABLE_AUDIO = "undecodable_audio"
    AUDIO_TOO_SHORT = "audio_too_short"
    AUDIO_TOO_LONG = "audio_too_long"
    SILENT_AUDIO = "silent_audio"
    NO_READABLE_TRACK = "no_readable_track"
    UNKNOWN_TRACK = "unknown_track"
    UNKNOWN_MODEL = "unknown_model"
    UNKNOWN_VOCABULARY = "unknown_vocabulary"
    NO_RECOMMENDER = "no_recommender"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    OVERLOADED = "overloaded"
    NOT_READY = "not_ready"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    ENGINE_FAILED = "engine_failed"
    RELOAD_REFUSED = "reload_refused"
    INTERNAL_ERROR = "internal_error"


class TaggramError(Exception):
    """Base class of all errors that Taggram raises itself."""


class RequestError(TaggramError):
    """A request can't be answered.

    Attributes:
        kind: The kind of the error.
        detail: What is wrong and what to do, for the caller.
        extra: Further members of the response, such as the limit that was exceeded.
        retry_after_s: Seconds after which to retry; None for the default, or if the caller has to
            change the request.
    """

    def __init__(
        self,
        kind: Kind,
        detail: str,
        extra: dict[str, object] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(kind, detail, extra, retry_after_s)  # all of them, for pickling
        self.kind = kind
        self.detail = detail
        self.extra = extra or {}
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"


class SetupError(TaggramError):
    """The service can't start, or a command can't run, until the operator fixes something."""


class ManifestError(SetupError):
    """A model's manifest is missing, unreadable or inconsistent."""


class WeightsError(SetupError):
    """A model's weights are missing, differ from the manifest's hash, or compute other scores."""


class VocabularyError(SetupError):
    """A vocabulary file is invalid; the message names the file and the line."""


def describe(error: BaseException) -> str:
    """Return an error's message in one line, without secrets, and its type if it is a library's."""
    message = mask(" ".join(str(error).split()))
    return message if isinstance(error, TaggramError) else f"{type(error).__name__}: {message}"
