"""The parser of forms, fed in pieces of any size."""

import pytest

from app.api.upload.multipart import FileParts, SizeLimits
from app.errors import RequestError
from testing.multipart import BOUNDARY, CONTENT_TYPE, part_start

FILES = [b"first \r\n--a-boundary", b"", b"third" * 10, b"\r\n"]
OTHER = part_start(b'form-data; name="other"') + b"ignored\r\n"
BODY = (
    OTHER + b"\r\n".join(part_start() + data for data in FILES) + b"\r\n--" + BOUNDARY + b"--\r\n"
)


def parsed(size: int, limits: SizeLimits) -> list[bytes]:
    """The files of the body, fed in pieces of this size."""
    parts = FileParts(CONTENT_TYPE, limits)
    files = [b""]
    for start in range(0, len(BODY), size):
        parts.feed(BODY[start : start + size])
        last, *begun = parts.take()
        files[-1] += last
        files += begun
    parts.finish()
    assert parts.sizes == [len(data) for data in FILES]
    before, *received = files
    assert not before
    return received


@pytest.mark.parametrize("size", [1, 2, 7, 64, len(BODY)])
def test_files_are_the_same_in_pieces_of_any_size(size: int) -> None:
    assert parsed(size, SizeLimits(4, 1_000, 1_000)) == FILES


@pytest.mark.parametrize("size", [1, 7, len(BODY)])
def test_of_a_file_that_is_too_large_only_the_beginning_is_kept(size: int) -> None:
    first, empty, third, last = parsed(size, SizeLimits(4, 30, 1_000))
    assert (first, empty, last) == (FILES[0], FILES[1], FILES[3])
    assert len(third) <= 30
    assert FILES[2].startswith(third)


@pytest.mark.parametrize("limits", [SizeLimits(3, 1_000, 1_000), SizeLimits(4, 1_000, 70)])
def test_too_many_files_or_bytes_are_refused(limits: SizeLimits) -> None:
    with pytest.raises(RequestError):
        parsed(7, limits)
