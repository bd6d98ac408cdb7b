"""Decoders that a file has taken over: they may tell lies, and harm nobody but their own file."""

import asyncio
import logging
import pickle
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.audio import child
from app.audio.processes import Decoder
from app.domain import Waveform
from app.errors import Kind, RequestError
from testing.decoder_processes import decoders_of
from testing.sounds import (
    LIMITS,
    crashing_vorbis,
    decoded,
    gluttonous_vorbis,
)
from tests.audio import hostile
from tests.audio.asking import PATIENCE_S, decode, decoding, until

DECODE_S = 60

RUBBISH = {
    "no JSON": b"{",
    "no UTF-8": b'{"samples": 16000, "complete": true, "\xff": 1}',
    "more than a message holds": b" " * 5_000 + b"{}",
    "brackets without end": b"[" * 4_000,
    "a list": b"[]",
    "a number": b"5",
    "null": b"null",
    "a word": b'"kind"',
    "nothing in it": b"{}",
    "no end": b'{"samples": 16000}',
    "no count": b'{"complete": true}',
    "an end that is neither": b'{"samples": 16000, "complete": "perhaps"}',
    "a negative count": b'{"samples": -5, "complete": true}',
    "more than there is room for": b'{"samples": 1000000000000, "complete": true}',
    "a count of a thousand digits": b'{"samples": 1%s, "complete": true}' % (b"0" * 1_000),
    "a count with a point": b'{"samples": 16000.0, "complete": true}',
    "a count that is none": b'{"samples": NaN, "complete": true}',
    "a count in words": b'{"samples": "all", "complete": true}',
    "a count of null": b'{"samples": null, "complete": true}',
    "an unknown kind": b'{"kind": "spam", "detail": "Buy!", "extra": {}}',
    "a kind without a detail": b'{"kind": "silent_audio"}',
    "a detail that is no text": b'{"kind": "silent_audio", "detail": 5, "extra": {}}',
    "an error of the service": b'{"kind": "internal_error", "detail": "", "extra": {}}',
    "a caller that is refused": b'{"kind": "unauthorized", "detail": "", "extra": {}}',
    "a detail of pages": b'{"kind": "silent_audio", "detail": "%s", "extra": {}}' % (b"x" * 600),
    "a status of its own": b'{"kind": "silent_audio", "detail": "", "extra": {"status": 200}}',
    "an extra that is no number": b'{"kind": "silent_audio", "detail": "", '
    b'"extra": {"duration_s": NaN}}',
    "extras that are no object": b'{"kind": "silent_audio", "detail": "", "extra": [1]}',
}


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.mkdir, (self.folder,)


@pytest.fixture
def bad_file(tmp_path: Path) -> Path:
    path = tmp_path / "bad"
    path.write_bytes(b"bad")
    return path


def decoder(workers: int = 1, timeout_s: float = DECODE_S) -> Decoder:
    return Decoder(LIMITS, workers, timeout_s)


def decoded_by(main: Callable[..., None], path: Path, good_file: Path) -> Waveform | Exception:
    """What comes of a file where this runs in the decode process, and that the next one works."""

    async def scenario() -> Waveform | Exception:
        shared = decoder()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(child, "main", main)
            [answer] = await asyncio.gather(decode(shared, path), return_exceptions=True)
        after = await decode(shared, good_file)
        np.testing.assert_array_equal(after.samples, decoded(good_file))
        return answer

    return asyncio.run(scenario())


def assert_undecodable(answer: Waveform | Exception) -> None:
    assert isinstance(answer, RequestError), repr(answer)
    assert answer.kind is Kind.UNDECODABLE_AUDIO


def test_what_a_decoder_says_in_the_agreed_form_is_believed(bad_file: Path, good_file: Path):
    said = [b'{"samples": 9000, "complete": false}', b'{"samples": 16000, "complete": true}']
    bad_file.write_bytes(hostile.BREAK.join(said))

    answer = decoded_by(hostile.says_its_file, bad_file, good_file)

    assert isinstance(answer, Waveform), "else the tests below prove nothing"
    assert len(answer.samples) == 16_000


@pytest.mark.parametrize("said", RUBBISH.values(), ids=RUBBISH)
def test_a_decoder_that_says_rubbish_makes_its_file_undecodable_and_no_other(
    said: bytes, bad_file: Path, good_file: Path
):
    bad_file.write_bytes(said)

    assert_undecodable(decoded_by(hostile.says_its_file, bad_file, good_file))


def test_a_decoder_that_ends_well_without_its_last_word_makes_its_file_undecodable(
    bad_file: Path, good_file: Path
):
    bad_file.write_bytes(b'{"samples": 16000, "complete": false}')

    assert_undecodable(decoded_by(hostile.says_its_file, bad_file, good_file))


def test_nothing_that_a_decoder_says_is_run(bad_file: Path, good_file: Path, tmp_path: Path):
    trap = tmp_path / "trap"
    bad_file.write_bytes(pickle.dumps(Trap(trap)))

    answer = decoded_by(hostile.says_its_file, bad_file, good_file)

    assert isinstance(answer, Exception)
    assert not trap.exists()
    pickle.loads(bad_file.read_bytes())
    assert trap.exists(), "else it was no trap"


def test_a_decoder_that_ends_before_it_took_its_file_makes_that_undecodable(
    bad_file: Path, good_file: Path
):
    assert_undecodable(decoded_by(hostile.leaves_at_once, bad_file, good_file))


def test_how_a_decoder_ended_is_for_the_operator_to_read(
    bad_file: Path, good_file: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)

    assert_undecodable(decoded_by(hostile.fails, bad_file, good_file))
    assert "exit code 77" in caplog.text


def test_memory_that_a_decoder_tries_to_pull_away_stays(bad_file: Path, good_file: Path):
    answer = decoded_by(hostile.pulls_the_memory_away, bad_file, good_file)

    assert isinstance(answer, Waveform)
    assert not np.any(answer.samples)


@pytest.mark.parametrize("sample", ["nan", "inf", "-inf", "1e30", "-1e30", "10001"])
def test_samples_of_a_decoder_that_did_not_check_them_reach_nobody(
    sample: str, bad_file: Path, good_file: Path
):
    bad_file.write_text(sample)

    assert_undecodable(decoded_by(hostile.says_that_all_is_well_of, bad_file, good_file))


def test_samples_within_the_bounds_are_not_suspected(bad_file: Path, good_file: Path):
    bad_file.write_text("-9999")

    answer = decoded_by(hostile.says_that_all_is_well_of, bad_file, good_file)

    assert isinstance(answer, Waveform)
    assert answer.samples[9_000] == -9999


def test_samples_that_were_taken_can_be_changed_by_nobody(
    bad_file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(child, "main", hostile.changes_its_samples)

    async def scenario() -> list[np.ndarray]:
        taken = []
        async with decoding(decoder(), bad_file) as running:
            async for samples in running.progress():
                taken.append(samples)
                with bad_file.open("ab") as file:
                    file.write(b"more")
        return taken

    for samples in asyncio.run(scenario()):
        np.testing.assert_array_equal(samples, np.full(16_000, 0.5, np.float32))


def test_a_decoder_may_do_nothing_but_decode_and_all_else_is_refused_without_its_end(
    bad_file: Path, good_file: Path
):
    answer = decoded_by(hostile.tries_all_it_must_not, bad_file, good_file)

    assert isinstance(answer, RequestError), repr(answer)
    assert answer.detail == "all refused"


@pytest.mark.parametrize(
    ("bomb", "end"),
    [(crashing_vorbis, f"exit code -{int(signal.SIGSEGV)}"), (gluttonous_vorbis, "exit code")],
)
def test_a_file_that_crashes_libsndfile_is_undecodable_and_the_next_one_works(
    bomb: Callable[[], bytes],
    end: str,
    bad_file: Path,
    good_file: Path,
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level(logging.INFO)
    bad_file.write_bytes(bomb())

    assert_undecodable(decoded_by(hostile.believes_all_codebooks, bad_file, good_file))
    assert end in caplog.text, "else nothing crashed"


def test_a_decoder_that_talks_without_end_keeps_nobody_waiting_and_is_ended(
    bad_file: Path, good_file: Path, monkeypatch: pytest.MonkeyPatch
):
    async def scenario() -> None:
        shared = decoder(workers=2, timeout_s=1.0)
        monkeypatch.setattr(child, "main", hostile.talks_without_end)
        talking = asyncio.create_task(decode(shared, bad_file))
        await until(lambda: decoders_of(bad_file))
        monkeypatch.undo()
        await decode(decoder(), good_file)
        assert not talking.done()
        async with asyncio.timeout(PATIENCE_S):
            [answer] = await asyncio.gather(talking, return_exceptions=True)
        assert_undecodable(answer)

    asyncio.run(scenario())


def test_a_decoder_that_only_ever_says_that_it_goes_on_takes_too_long(
    bad_file: Path, monkeypatch: pytest.MonkeyPatch
):
    async def scenario() -> None:
        monkeypatch.setattr(child, "main", hostile.dawdles)
        async with asyncio.timeout(PATIENCE_S):
            await decode(decoder(timeout_s=1.0), bad_file)

    with pytest.raises(RequestError, match="too long"):
        asyncio.run(scenario())
