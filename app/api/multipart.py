"""The one file in a multipart body, picked out chunk by chunk as the body arrives."""

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.errors import Kind, RequestError

MEDIA_TYPE = b"multipart/form-data"
PART = "file"
HOW_TO = f"Send multipart/form-data with the audio file as its part `{PART}`."

FRAMING_BYTES = 2**16
"""What may lie beside the file: what comes before and after, headers of parts, other parts."""


class FilePart:
    """Parses a body for its part `file`.

    Attributes:
        data: What came of the file since `take`.
    """

    def __init__(self, content_type: str | None, max_bytes: int) -> None:
        """Read the boundary from the request's media type.

        Raises:
            RequestError: `unsupported_media_type` or `malformed_request`.
        """
        self.data = bytearray()
        self._max_bytes = max_bytes
        self._body_bytes = 0
        self._file_bytes = 0
        self._files = 0
        self._complete = False
        self._in_file = False
        self._field = bytearray()
        self._value = bytearray()
        try:
            self._parser = MultipartParser(
                _boundary(content_type),
                {
                    "on_part_begin": self._part_begins,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_ends,
                    "on_part_data": self._part_data,
                    "on_end": self._body_ends,
                },
            )
        except FormParserError as error:
            raise _malformed("The boundary of the multipart body is too long.") from error

    def feed(self, chunk: bytes) -> None:
        """Parse the next chunk.

        Raises:
            RequestError: `malformed_request` or `payload_too_large`.
        """
        self._body_bytes += len(chunk)
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _malformed("The multipart body is malformed.") from error
        if self._body_bytes - self._file_bytes > FRAMING_BYTES:
            raise _malformed(f"More than {FRAMING_BYTES} bytes lie beside the file.")

    def take(self) -> bytes:
        """The file's bytes since the last call."""
        data = bytes(self.data)
        self.data.clear()
        return data

    def finish(self) -> None:
        """Hold the whole body against what is wanted.

        Raises:
            RequestError: `malformed_request`, or `invalid_parameter` where there is no file.
        """
        if not self._complete:
            raise _malformed("The multipart body is empty or breaks off.")
        if self._files == 0:
            raise RequestError(Kind.INVALID_PARAMETER, f"There is no part `{PART}`. {HOW_TO}")
        if self._file_bytes == 0:
            raise RequestError(Kind.INVALID_PARAMETER, f"The part `{PART}` is empty. {HOW_TO}")

    def _part_begins(self) -> None:
        self._in_file = False

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ends(self) -> None:
        if self._field.lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            if options.get(b"name") == PART.encode():
                self._file_begins()
        self._field.clear()
        self._value.clear()

    def _file_begins(self) -> None:
        self._in_file = True
        self._files += 1
        if self._files > 1:
            raise _malformed(f"There is more than one part `{PART}`.")

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._file_bytes += end - start
            if self._file_bytes > self._max_bytes:
                raise too_large(self._max_bytes)
            self.data += data[start:end]

    def _body_ends(self) -> None:
        self._complete = True


def too_large(max_bytes: int) -> RequestError:
    """What to answer to a file that passes the limit."""
    return RequestError(
        Kind.PAYLOAD_TOO_LARGE,
        f"The file is larger than {max_bytes / 2**20:g} MiB. Send a compressed one, such as MP3.",
        {"max_bytes": max_bytes},
    )


def _boundary(content_type: str | None) -> bytes:
    media_type, options = parse_options_header(content_type)
    if media_type != MEDIA_TYPE:
        raise RequestError(
            Kind.UNSUPPORTED_MEDIA_TYPE, f"The body is not multipart/form-data. {HOW_TO}"
        )
    boundary = options.get(b"boundary")
    if not boundary:
        raise _malformed("The Content-Type names no boundary.")
    return boundary


def _malformed(problem: str) -> RequestError:
    return RequestError(Kind.MALFORMED_REQUEST, f"{problem} {HOW_TO}")
