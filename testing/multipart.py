"""Multipart forms, byte for byte as they are sent, with one file in them."""

BOUNDARY = b"a-boundary-that-no-audio-has"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY.decode()}"
DISPOSITION = b'form-data; name="file"; filename="a"'


def multipart(data: bytes, disposition: bytes = DISPOSITION) -> bytes:
    """A body with one part."""
    return part_start(disposition) + data + b"\r\n--" + BOUNDARY + b"--\r\n"


def part_start(disposition: bytes = DISPOSITION) -> bytes:
    """What stands before the data of a part."""
    return b"--" + BOUNDARY + b"\r\nContent-Disposition: " + disposition + b"\r\n\r\n"
