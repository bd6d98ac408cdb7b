"""Parses a multipart body as it arrives, for the files in it."""

from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.errors import Kind, RequestError

MEDIA_TYPE = b"multipart/form-data"
PART = "file"
HOW_TO = f"Send multipart/form-data with the audio file as its part `{PART}`."

MAX_FILES = 10
"""The most files of a form with several tracks."""

FRAMING_BYTES = 2**16
"""The most bytes besides the file: preamble, epilogue, headers of parts and other parts."""

IDENTITIES = {"", "7bit", "8bit", "binary"}
"""Transfer encodings that do not change the bytes of a part (RFC 2045, section 6.2)."""

NAME_CHARACTERS = 40
"""The most characters of a part's name that a message quotes."""


@dataclass(frozen=True)
class SizeLimits:
    """The limits of a form with files.

    Attributes:
        max_files: The most files.
        max_bytes: The most bytes of a file; one that is larger is not kept.
        max_total_bytes: The most bytes of all files together; a form with more is refused.
    """

    max_files: int
    max_bytes: int
    max_total_bytes: int


class FileParts:
    """Parses a body for its parts `file`.

    Attributes:
        sizes: The bytes of each file so far.
    """

    def __init__(self, content_type: str | None, limits: SizeLimits) -> None:
        """Read the boundary from the request's media type.

        Raises:
            RequestError: `unsupported_media_type` if it is not multipart/form-data;
                `malformed_request` if the boundary is missing or too long.
        """
        self.sizes: list[int] = []
        self._pending = [bytearray()]
        self._limits = limits
        self._body_bytes = 0
        self._file_bytes = 0
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

    def has(self, size: int) -> bool:
        """Return whether `take` would return this number of bytes, or the first ones of a file."""
        return len(self._pending) > 1 or len(self._pending[0]) >= size

    def take(self) -> list[bytes]:
        """Return the bytes since the last call: of the file so far, and of each that began since.

        Before the first file begins, "the file so far" is empty.
        """
        data = [bytes(pending) for pending in self._pending]
        self._pending = [bytearray()]
        return data

    def finish(self) -> None:
        """Check that the body is complete and holds a file.

        Raises:
            RequestError: `malformed_request`, or `invalid_parameter` if there is no file.
        """
        if not self._complete:
            raise _malformed("The multipart body is empty or incomplete.")
        if not self.sizes:
            raise self._no_file()
        if self._file_bytes == 0:
            raise empty()

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
        self.sizes.append(0)
        self._pending.append(bytearray())
        most = self._limits.max_files
        if len(self.sizes) > most:
            number = "one part" if most == 1 else f"{most} parts"
            raise _malformed(f"The body has more than {number} `{PART}`.")

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._file_bytes += end - start
            self.sizes[-1] += end - start
            if self._file_bytes > self._limits.max_total_bytes:
                raise too_large_form(self._limits)
            if self.sizes[-1] <= self._limits.max_bytes:
                self._pending[-1] += data[start:end]

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
        if not self.sizes:
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


def too_large_form(limits: SizeLimits) -> RequestError:
    """Return the error for a form whose files exceed the limit of their sum."""
    if limits.max_files == 1:
        return too_large(limits.max_total_bytes)
    return RequestError(
        Kind.PAYLOAD_TOO_LARGE,
        f"The files are larger than {limits.max_total_bytes / 2**20:g} MiB together. Send fewer "
        "files, or compressed ones, such as MP3.",
        {"max_bytes": limits.max_total_bytes},
    )


def empty() -> RequestError:
    """Return the error for a file without bytes."""
    return RequestError(Kind.INVALID_PARAMETER, f"The part `{PART}` is empty. {HOW_TO}")


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
