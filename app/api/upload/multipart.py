"""Parses a multipart body as it arrives, for the one file in it."""

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.errors import Kind, RequestError

MEDIA_TYPE = b"multipart/form-data"
PART = "file"
HOW_TO = f"Send multipart/form-data with the audio file as its part `{PART}`."

FRAMING_BYTES = 2**16
"""The most bytes besides the file: preamble, epilogue, headers of parts and other parts."""

IDENTITIES = {"", "7bit", "8bit", "binary"}
"""Transfer encodings that do not change the bytes of a part (RFC 2045, section 6.2)."""

NAME_CHARACTERS = 40
"""The most characters of a part's name that a message quotes."""


class FilePart:
    """Parses a body for its part `file`.

    Attributes:
        data: The bytes of the file since the last `take`.
    """

    def __init__(self, content_type: str | None, max_bytes: int) -> None:
        """Read the boundary from the request's media type.

        Raises:
            RequestError: `unsupported_media_type` if it is not multipart/form-data;
                `malformed_request` if the boundary is missing or too long.
        """
        self.data = bytearray()
        self._max_bytes = max_bytes
        self._body_bytes = 0
        self._file_bytes = 0
        self._files = 0
        self._other_name: str | None = None
        self._complete = False
        self._in_file = False
        self._field = bytearray()
        self._value = bytearray()
        self._headers: dict[bytes, bytes] = {}
        boundary = _boundary(content_type)
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._part_begins,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_ends,
                    "on_headers_finished": self._headers_end,
                    "on_part_data": self._part_data,
                    "on_end": self._body_ends,
                },
            )
        except FormParserError as error:
            raise _malformed("The boundary of the multipart body is too long.") from error
        # At the first boundary the parser accepts neither text before it nor spaces after it, which
        # RFC 2046 (section 5.1.1) allows; at later ones it accepts both. So we begin with a part
        # without headers: such text becomes its data, and the body's first boundary its end.
        self._parser.write(b"--" + boundary + b"\r\n\r\n\r\n")

    def feed(self, chunk: bytes) -> None:
        """Parse the next chunk.

        Raises:
            RequestError: `malformed_request`, `payload_too_large`, `unsupported_media_type`, or
                `invalid_parameter` if other parts exceed `FRAMING_BYTES`.
        """
        self._body_bytes += len(chunk)
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _malformed("The multipart body is malformed.") from error
        if self._body_bytes - self._file_bytes > FRAMING_BYTES:
            raise self._too_much()

    def take(self) -> bytes:
        """Return the file's bytes since the last call."""
        data = bytes(self.data)
        self.data.clear()
        return data

    def finish(self) -> None:
        """Check that the body is complete and holds a file.

        Raises:
            RequestError: `malformed_request`, or `invalid_parameter` if there is no file.
        """
        if not self._complete:
            raise _malformed("The multipart body is empty or incomplete.")
        if self._files == 0:
            raise self._no_file()
        if self._file_bytes == 0:
            raise RequestError(Kind.INVALID_PARAMETER, f"The part `{PART}` is empty. {HOW_TO}")

    def _part_begins(self) -> None:
        self._in_file = False
        self._headers.clear()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ends(self) -> None:
        self._headers[bytes(self._field.lower())] = bytes(self._value)
        self._field.clear()
        self._value.clear()

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        name = options.get(b"name")
        if name == PART.encode():
            _check_transfer_encoding(self._headers.get(b"content-transfer-encoding", b""))
            self._file_begins()
        elif name is not None and self._other_name is None:
            self._other_name = name.decode(errors="replace")[:NAME_CHARACTERS]

    def _file_begins(self) -> None:
        self._in_file = True
        self._files += 1
        if self._files > 1:
            raise _malformed(f"The body has more than one part `{PART}`.")

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._file_bytes += end - start
            if self._file_bytes > self._max_bytes:
                raise too_large(self._max_bytes)
            self.data += data[start:end]

    def _body_ends(self) -> None:
        self._complete = True

    def _no_file(self, where: str = "") -> RequestError:
        named = self._other_name
        first = "" if named is None else f"; the first part is named `{named}`"
        problem = f"The body has no part named `{PART}`{where}{first}."
        return RequestError(Kind.INVALID_PARAMETER, f"{problem} {HOW_TO}")

    def _too_much(self) -> RequestError:
        excess = f"The body has more than {FRAMING_BYTES} bytes besides the file"
        if self._other_name is None:
            return _malformed(f"{excess}.")
        if self._files == 0:
            return self._no_file(f" within the first {FRAMING_BYTES} bytes")
        problem = f"{excess}; another part is named `{self._other_name}`."
        return RequestError(Kind.INVALID_PARAMETER, f"{problem} {HOW_TO}")


def too_large(max_bytes: int) -> RequestError:
    """Return the error for a file that exceeds the size limit."""
    return RequestError(
        Kind.PAYLOAD_TOO_LARGE,
        f"The file is larger than {max_bytes / 2**20:g} MiB. Send a compressed file, such as MP3.",
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
        raise _malformed("The Content-Type has no boundary.")
    return boundary


def _check_transfer_encoding(value: bytes) -> None:
    encoding = value.decode(errors="replace").strip().lower()
    if encoding not in IDENTITIES:
        raise RequestError(
            Kind.UNSUPPORTED_MEDIA_TYPE,
            f"The part `{PART}` has the Content-Transfer-Encoding {encoding[:NAME_CHARACTERS]!r}, "
            "which is not supported. Send the bytes of the audio file unencoded, without this "
            "header.",
        )


def _malformed(problem: str) -> RequestError:
    return RequestError(Kind.MALFORMED_REQUEST, f"{problem} {HOW_TO}")
