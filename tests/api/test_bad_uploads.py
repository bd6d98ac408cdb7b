"""An invalid upload is refused with the reason, and the next valid one is answered."""

from collections.abc import Iterator

import numpy as np
import pytest

from testing.multipart import BOUNDARY, CONTENT_TYPE, multipart, part_start
from testing.server import Server
from testing.sounds import encoded, noise
from testing.waiting import wait_for
from tests.api.conftest import MAX_DURATION_S, MAX_UPLOAD_BYTES, Narrow
from tests.support.client import (
    answer,
    assert_problem,
    kept_uploads,
    logged,
    metric,
    noise_file,
    post,
    post_body,
    response_to,
    upload,
    wait_for_uploads,
)

RATE = 16_000
LAST_BOUNDARY = b"--" + BOUNDARY + b"--\r\n"
FILE_HEAD = part_start()
PART = FILE_HEAD + b"audio\r\n"
OVER_THE_CAP = bytes(MAX_UPLOAD_BYTES + 1)

AUDIO = {
    "text that is called music": (b"Not a song, whatever its name says.", 415, "unsupported_audio"),
    "a PDF": (b"%PDF-1.7\n" + bytes(1000), 415, "unsupported_audio"),
    "one byte": (b"R", 415, "unsupported_audio"),
    "a FLAC of which little is left": (noise_file(8)[:20_000], 422, "undecodable_audio"),
    "a FLAC of garbage": (b"fLaC" + noise(RATE).tobytes(), 422, "undecodable_audio"),
    "a WAV without samples": (encoded(noise(0), RATE), 422, "audio_too_short"),
    "a click": (noise_file(0.1), 422, "audio_too_short"),
    "a track too long": (noise_file(MAX_DURATION_S + 0.1), 422, "audio_too_long"),
    "silence": (encoded(np.zeros(2 * RATE, np.float32), RATE), 422, "silent_audio"),
    "channels that cancel each other out": (
        encoded(np.outer(noise(2 * RATE), [1, -1]), RATE),
        422,
        "silent_audio",
    ),
}

MALFORMED_BODIES = {
    "nothing": b"",
    "garbage": bytes(100),
    "another boundary": multipart(b"audio").replace(BOUNDARY, b"another"),
    "a part with a header of 100 kB": multipart(b"audio", b"x" * 100_000),
    "a part with 100,000 headers": multipart(b"audio", b"x\r\n" + b"X: y\r\n" * 100_000),
    "a part with a broken header": multipart(b"audio", b'form-data; name="file"\rX: y'),
    "two files": PART + multipart(b"audio"),
    "10,000 parts without names": PART.replace(b"name=", b"n=") * 10_000 + multipart(b"audio"),
    "100 kB before the parts": b"\r\n" * 50_000 + multipart(b"audio"),
    "100 kB after the parts": multipart(b"audio") + bytes(100_000),
    "a body that breaks off in the audio": multipart(bytes(1000))[:600],
    "a body without its last boundary": FILE_HEAD + b"audio",
}

BODIES_WITHOUT_AUDIO = {
    "no part": LAST_BOUNDARY,
    "10,000 parts": PART.replace(b"file", b"part") * 10_000 + multipart(b"audio"),
    "another part of 100 kB": multipart(bytes(100_000), b'form-data; name="other"'),
    "a part of another name": multipart(b"audio", b'form-data; name="song"; filename="a"'),
    "a part without headers": b"--" + BOUNDARY + b"\r\n\r\naudio\r\n--" + BOUNDARY + b"--\r\n",
    "an empty part": multipart(b""),
}

CONTENT_TYPES = {
    "audio/flac": (415, "unsupported_media_type"),
    "application/x-www-form-urlencoded": (415, "unsupported_media_type"),
    "/;;=": (415, "unsupported_media_type"),
    "multipart/form-data": (400, "malformed_request"),
    "multipart/form-data; boundary=": (400, "malformed_request"),
    f"multipart/form-data; boundary={'x' * 300}": (400, "malformed_request"),
    "multipart/form-data; boundary=another": (400, "malformed_request"),
}

PARAMETERS = [
    *[("top_k", value) for value in ("0", "21", "many")],
    *[("threshold", value) for value in ("2", "-0.1", "nan")],
    ("pooling", "median"),
    ("topk", "3"),
]

FILE_NAMES = {
    "a path": b"../../etc/passwd",
    "another system's path": rb"C:\Music\song.mp3",
    "the type of another decoder": b"song.raw",
    "a header, encoded": b"a%0D%0AX-Injected: yes",
    "a terminal's colours": b"\x1b[31mred\x1b[0m.mp3",
    "bytes of no encoding": b"\xff\xfe\x80.mp3",
    "4 kB": b"x" * 4000,
    "nothing": b"",
}


@pytest.fixture(autouse=True)
def unharmed(narrow: Narrow) -> Iterator[None]:
    """Afterwards no upload is left, there was no internal error, and a valid one is answered."""
    yield
    wait_for_uploads(narrow.server, 0)
    assert not kept_uploads(narrow.server, narrow.temporary_files)
    assert metric(narrow.server, "taggram_errors_total", kind="internal_error") == 0
    assert answer(post(narrow.server, narrow.good))["cached"]


@pytest.mark.parametrize("what", AUDIO)
def test_audio_that_cannot_be_tagged_is_refused_by_its_kind(narrow: Narrow, what: str) -> None:
    audio, status, kind = AUDIO[what]
    files = {"file": ("song.mp3", audio, "audio/mpeg")}
    for _ in range(2):  # the refusal is not cached as an answer
        assert_problem(narrow.server.http.post("/suggest-tags", files=files), status, kind)


def test_the_limits_that_were_passed_are_named(narrow: Narrow) -> None:
    short = assert_problem(post(narrow.server, noise_file(0.1)), 422, "audio_too_short")
    assert (short["duration_s"], short["min_duration_s"]) == (0.1, 0.5)
    too_long = noise_file(MAX_DURATION_S + 1)
    problem = assert_problem(post(narrow.server, too_long), 422, "audio_too_long")
    assert problem["max_duration_s"] == MAX_DURATION_S


def test_eleven_minutes_are_too_long_by_default(stub: Server) -> None:
    eleven_minutes = encoded(np.tile(noise(8_000), 11 * 60), 8_000, "FLAC")
    problem = assert_problem(post(stub, eleven_minutes), 422, "audio_too_long")
    assert problem["max_duration_s"] == 600


@pytest.mark.parametrize("what", MALFORMED_BODIES | BODIES_WITHOUT_AUDIO)
def test_a_malformed_body_is_refused(narrow: Narrow, what: str) -> None:
    response = post_body(narrow.server, (MALFORMED_BODIES | BODIES_WITHOUT_AUDIO)[what])
    is_whole = what in BODIES_WITHOUT_AUDIO
    refusal = (422, "invalid_parameter") if is_whole else (400, "malformed_request")
    assert "`file`" in assert_problem(response, *refusal)["detail"]


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
def test_a_body_of_another_type_is_refused(narrow: Narrow, content_type: str) -> None:
    response = post_body(narrow.server, multipart(narrow.good), content_type)
    problem = assert_problem(response, *CONTENT_TYPES[content_type])
    assert "multipart/form-data" in problem["detail"]


def test_a_request_without_any_body_is_refused(narrow: Narrow) -> None:
    assert_problem(narrow.server.http.post("/suggest-tags"), 415, "unsupported_media_type")


def test_other_parts_of_the_form_are_ignored(narrow: Narrow) -> None:
    other = multipart(bytes(60_000), b'form-data; name="other"').removesuffix(LAST_BOUNDARY)
    assert answer(post_body(narrow.server, b"\r\n" + other + multipart(narrow.good)))["cached"]


@pytest.mark.parametrize(("parameter", "value"), PARAMETERS)
def test_a_wrong_parameter_is_named(narrow: Narrow, parameter: str, value: str) -> None:
    response = post(narrow.server, narrow.good, **{parameter: value})
    problem = assert_problem(response, 422, "invalid_parameter")
    assert [error["parameter"] for error in problem["errors"]] == [parameter]


@pytest.mark.parametrize("name", ["polka", "Genres", "", "../genres", "\0"])
def test_an_unknown_vocabulary_is_refused_with_a_list_of_the_known_ones(
    narrow: Narrow, name: str
) -> None:
    response = post(narrow.server, narrow.good, vocabulary=name)
    problem = assert_problem(response, 404, "unknown_vocabulary")
    assert {"genres", "subgenres", "raw"} <= set(problem["vocabularies"])


@pytest.mark.parametrize(
    "name", ["polka", "", "mtt-vgg", "../msd-vgg", "/etc/passwd", "\0", "http://localhost/model"]
)
def test_an_unknown_model_is_refused_with_a_list_of_the_loaded_ones(
    narrow: Narrow, name: str
) -> None:
    problem = assert_problem(post(narrow.server, narrow.good, model=name), 404, "unknown_model")
    assert problem["models"] == ["msd-musicnn"]


@pytest.mark.parametrize("what", FILE_NAMES)
def test_the_file_name_has_no_effect(narrow: Narrow, what: str) -> None:
    disposition = b'form-data; name="file"; filename="' + FILE_NAMES[what] + b'"'
    response = post_body(narrow.server, multipart(narrow.good, disposition))
    assert answer(response)["cached"]
    assert "X-Injected" not in response.headers


def test_file_names_are_not_logged(narrow: Narrow) -> None:
    named = b'form-data; name="file"; filename="\x1b[31m-not-for-the-log"'
    response = post_body(narrow.server, multipart(b"text", named))
    assert logged(narrow.server, response.headers["X-Request-ID"])["status"] == 415
    log = narrow.server.log.read_bytes()
    assert b"\x1b" not in log
    assert b"not-for-the-log" not in log


def test_a_file_as_large_as_the_limit_is_accepted_and_one_byte_more_is_not(narrow: Narrow) -> None:
    largest = bytes(MAX_UPLOAD_BYTES)
    assert_problem(post(narrow.server, largest), 415, "unsupported_audio")
    problem = assert_problem(post(narrow.server, largest + b"."), 413, "payload_too_large")
    assert problem["max_bytes"] == MAX_UPLOAD_BYTES


@pytest.mark.parametrize("is_chunked", [False, True])
def test_an_oversized_upload_is_refused_before_all_of_it_was_sent(
    narrow: Narrow, is_chunked: bool
) -> None:
    data, headers = FILE_HEAD + OVER_THE_CAP, {"Content_Length": str(10 * MAX_UPLOAD_BYTES)}
    if is_chunked:
        data, headers = b"%x\r\n%b\r\n" % (len(data), data), {"Transfer_Encoding": "chunked"}
    with upload(narrow.server, **headers) as connection:
        connection.send(data)
        assert_problem(response_to(connection), 413, "payload_too_large")


def test_skipped_parts_count_towards_the_limit(narrow: Narrow) -> None:
    other = {"other": bytes(2 * MAX_UPLOAD_BYTES), "file": narrow.good}
    response = narrow.server.http.post("/suggest-tags", files=other)
    assert_problem(response, 413, "payload_too_large")


def test_a_client_that_keeps_sending_after_the_refusal_can_read_it(narrow: Narrow) -> None:
    def endless() -> Iterator[bytes]:
        yield FILE_HEAD
        for _ in range(20):
            yield OVER_THE_CAP

    headers = {"Content-Type": CONTENT_TYPE}
    response = narrow.server.http.post("/suggest-tags", content=endless(), headers=headers)
    assert_problem(response, 413, "payload_too_large")


def test_a_chunked_upload_is_accepted(narrow: Narrow) -> None:
    body = multipart(narrow.good)
    chunks = (body[start : start + 10_000] for start in range(0, len(body), 10_000))
    headers = {"Content-Type": CONTENT_TYPE}
    response = narrow.server.http.post("/suggest-tags", content=chunks, headers=headers)
    assert answer(response)["cached"]


def test_a_partial_upload_of_a_disconnected_client_is_not_kept(narrow: Narrow) -> None:
    gone = {"method": "POST", "route": "/suggest-tags", "status": "499"}
    before = metric(narrow.server, "taggram_request_seconds_count", **gone)
    with upload(narrow.server, Content_Length="500000") as connection:
        connection.send(FILE_HEAD + narrow.good[:1000])
        wait_for_uploads(narrow.server, 1)
        wait_for(lambda: kept_uploads(narrow.server, narrow.temporary_files), "a kept upload")
    wait_for_uploads(narrow.server, 0)
    assert not kept_uploads(narrow.server, narrow.temporary_files)
    wait_for(
        lambda: metric(narrow.server, "taggram_request_seconds_count", **gone) == before + 1,
        "a request counted as 499",
    )
