"""Everything that can go wrong, named by the step of the data path where it does.

      request ──> caller                 unknown_host, cross_site, unauthorized, forbidden,
                                         rate_limited
    upload ──> temp file + digest        malformed_request, request_timeout, invalid_parameter,
                                         unsupported_media_type, payload_too_large
      digest ──> cache                   (a cache never fails a request)
      temp file ──> decode process       unsupported_audio, undecodable_audio, audio_too_short,
                                         audio_too_long, silent_audio
      waveform ──> inference queue       overloaded, not_ready, deadline_exceeded, engine_failed
      taggram ──> suggestions            unknown_track, unknown_model, unknown_vocabulary

A `RequestError` is one caller's: it says what to do, and the next request works. A `SetupError` is
the operator's: the service does not start until it is mended. This module knows no web library;
`app.api.problems` turns kinds into statuses.
"""

from enum import StrEnum

from app.masking import mask


class Kind(StrEnum):
    """The machine-readable name of a caller's problem, stable across releases."""

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
    UNKNOWN_TRACK = "unknown_track"
    UNKNOWN_MODEL = "unknown_model"
    UNKNOWN_VOCABULARY = "unknown_vocabulary"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    OVERLOADED = "overloaded"
    NOT_READY = "not_ready"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    ENGINE_FAILED = "engine_failed"
    RELOAD_REFUSED = "reload_refused"
    INTERNAL_ERROR = "internal_error"


class TaggramError(Exception):
    """Root of all errors that Taggram raises on purpose."""


class RequestError(TaggramError):
    """One request can't be answered.

    Attributes:
        kind: What sort of problem it is.
        detail: What is wrong and what to do, in words for the caller.
        extra: Further members for the answer, such as the limit that was passed.
        retry_after_s: When to come again; none where the caller has to change something, or where
            nothing better is known than the usual time.
    """

    def __init__(
        self,
        kind: Kind,
        detail: str,
        extra: dict[str, object] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(kind, detail, extra, retry_after_s)  # all, so that it survives a pickle
        self.kind = kind
        self.detail = detail
        self.extra = extra or {}
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"


class SetupError(TaggramError):
    """The service can't start, or a command can't run, until the operator mends something."""


class ManifestError(SetupError):
    """A model's manifest is missing, unreadable or contradicts itself."""


class WeightsError(SetupError):
    """A model's weights are missing, not the ones its manifest names, or score differently."""


class VocabularyError(SetupError):
    """A vocabulary file is wrong; the message names the file and the line."""


def describe(error: BaseException) -> str:
    """Describe an error in one line: what it says, and the type of one that a library raised."""
    said = mask(" ".join(str(error).split()))
    return said if isinstance(error, TaggramError) else f"{type(error).__name__}: {said}"
