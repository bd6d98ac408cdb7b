"""Decoders that a file has taken over cannot affect other files."""

import asyncio
import logging
import pickle
import signal
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.audio.limits import AudioLimits
from app.audio.worker import decoder_process
from app.audio.worker.processes import Decoder
from app.audio.worker.progress import Decoding
from app.domain import Decoders, Waveform
from app.errors import Kind, RequestError
from testing.decoder_processes import decoders_of
from testing.sounds import LIMITS, Sound, decoded
from testing.vorbis import crashing_vorbis, oversized_vorbis
from testing.waiting import wait_for_async
from tests.audio import hostile
from tests.audio.decode_helpers import decode, decoding

pytestmark = pytest.mark.anyio

DECODE_S = 300
SECOND = LIMITS.sample_rate

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
    "an unknown reason": b'{"reason": "spam", "numbers": {}, "codec": null}',
    "words for the uploader": b'{"kind": "silent_audio", "detail": "Buy!", "extra": {}}',
    "a reason alone": b'{"reason": "silent"}',
    "a reason that is not text": b'{"reason": 5, "numbers": {}, "codec": null}',
    "an error of the service": b'{"reason": "internal_error", "numbers": {}, "codec": null}',
    "words of its own": b'{"reason": "silent", "numbers": {}, "codec": null, "detail": "Buy!"}',
    "a reason without its numbers": b'{"reason": "cut", "numbers": {}, "codec": null}',
    "a number of its own": b'{"reason": "silent", "numbers": {"status": 200}, "codec": null}',
    "a number that is none": b'{"reason": "silent", "numbers": {"channels": NaN}, "codec": null}',
    "a number out of any range": b'{"reason": "silent", "numbers": {"channels": 1e10}, '
    b'"codec": null}',
    "an announced length of nothing": b'{"samples": 16000, "complete": true, "announced_s": 0}',
    "an announced length that is none": b'{"samples": 16000, "complete": true, "announced_s": NaN}',
    "an announced length of ages": b'{"samples": 16000, "complete": true, "announced_s": 1e10}',
    "an announced length in words": b'{"samples": 16000, "complete": true, "announced_s": "1"}',
    "numbers that are not an object": b'{"reason": "silent", "numbers": [1], "codec": null}',
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


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What the operator reads, down to how decoders end."""
    caplog.set_level(logging.INFO)
    return caplog


def decoder(workers: int = 1, timeout_s: float = DECODE_S, limits: AudioLimits = LIMITS) -> Decoder:
    return Decoder(limits, workers, timeout_s)


async def taken(*messages: bytes, sample: float = 0.0) -> Sound:
    """What the service takes of a decoder that sends these messages and ends.

    One of its samples, of a second, is `sample`.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    samples = np.zeros(10 * SECOND, np.float32)
    samples[9_000] = sample
    with ours:
        ours.setblocking(False)
        with theirs:
            for message in messages:
                theirs.send(message)
        running = Decoding(ours, samples, DECODE_S)
        return [part.copy() async for part in running.progress()][-1]


async def decoded_by(
    main: Callable[..., None], path: Path, good_file: Path, limits: AudioLimits = LIMITS
) -> Waveform:
    """Return the outcome of a file whose decoder runs this; check that the next one works."""
    shared = decoder(limits=limits)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder_process, "main", main)
        [answer] = await asyncio.gather(decode(shared, path), return_exceptions=True)
    after = await decode(shared, good_file)
    np.testing.assert_array_equal(after.samples, decoded(good_file))
    if isinstance(answer, Exception):
        raise answer
    return answer


async def assert_undecodable(
    main: Callable[..., None], path: Path, good_file: Path, limits: AudioLimits = LIMITS
) -> None:
    with pytest.raises(RequestError) as refused:
        await decoded_by(main, path, good_file, limits)
    assert refused.value.kind is Kind.UNDECODABLE_AUDIO


GOOD = b'{"samples": 16000, "complete": true}'


async def test_valid_messages_of_a_decoder_are_accepted():
    assert len(await taken(b'{"samples": 9000, "complete": false}', GOOD)) == SECOND


@pytest.mark.parametrize("sent", RUBBISH.values(), ids=RUBBISH)
async def test_an_invalid_message_of_a_decoder_makes_its_file_undecodable(sent: bytes):
    with pytest.raises(RequestError) as refused:
        await taken(sent)

    assert refused.value.kind is Kind.UNDECODABLE_AUDIO


@pytest.mark.parametrize(("codec", "named"), [("dca", "dca"), ("Buy!", "of this file")])
async def test_codecs_are_named_by_the_service(codec: str, named: str):
    with pytest.raises(RequestError, match=f"We can't decode the codec {named}. Send MP3, WAV,"):
        await taken(b'{"reason": "codec", "numbers": {}, "codec": "%s"}' % codec.encode())


async def test_a_decoder_that_ends_without_its_last_message_makes_its_file_undecodable():
    with pytest.raises(RequestError) as refused:
        await taken(b'{"samples": 16000, "complete": false}')

    assert refused.value.kind is Kind.UNDECODABLE_AUDIO


@pytest.mark.parametrize("sample", [np.nan, np.inf, -np.inf, 1e30, -1e30, 10_001])
async def test_samples_are_checked_again_by_the_service(sample: float):
    with pytest.raises(RequestError) as refused:
        await taken(GOOD, sample=sample)

    assert refused.value.kind is Kind.UNDECODABLE_AUDIO


async def test_samples_within_the_bounds_are_accepted():
    assert (await taken(GOOD, sample=-9_999))[9_000] == -9_999


async def test_no_message_of_a_decoder_is_executed(bad_file: Path, good_file: Path, tmp_path: Path):
    trap = tmp_path / "trap"
    bad_file.write_bytes(pickle.dumps(Trap(trap)))

    await assert_undecodable(hostile.sends_its_file, bad_file, good_file)

    assert not trap.exists()
    pickle.loads(bad_file.read_bytes())
    assert trap.exists(), "else it was no trap"


async def test_a_decoder_that_ends_before_it_received_its_file_makes_it_undecodable(
    bad_file: Path, good_file: Path
):
    await assert_undecodable(hostile.leaves_at_once, bad_file, good_file)


async def test_the_log_says_how_a_decoder_ended(
    bad_file: Path, good_file: Path, log: pytest.LogCaptureFixture
):
    await assert_undecodable(hostile.fails, bad_file, good_file)

    assert "exit code 77" in log.text


async def test_a_decoder_cannot_shrink_the_shared_memory(bad_file: Path, good_file: Path):
    waveform = await decoded_by(hostile.pulls_the_memory_away, bad_file, good_file)

    assert not np.any(waveform.samples)


async def test_a_decoder_cannot_change_samples_already_copied(
    bad_file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(decoder_process, "main", hostile.changes_its_samples)
    parts = []

    async with decoding(decoder(), bad_file) as running:
        async for samples in running.progress():
            parts.append(samples)
            with bad_file.open("ab") as file:
                file.write(b"more")

    assert parts
    for samples in parts:
        np.testing.assert_array_equal(samples, np.full(SECOND, 0.5, np.float32))


async def test_a_decoder_may_only_decode_and_other_system_calls_fail(
    bad_file: Path, good_file: Path
):
    waveform = await decoded_by(hostile.tries_all_it_must_not, bad_file, good_file)

    done = zip(hostile.ATTEMPTS, waveform.samples, strict=True)
    assert not [name for name, is_done in done if is_done]


@pytest.mark.parametrize(
    ("bomb", "end"),
    [(crashing_vorbis, f"exit code -{int(signal.SIGSEGV)}"), (oversized_vorbis, "exit code")],
)
async def test_a_file_that_crashes_libsndfile_is_undecodable_and_the_next_one_works(
    bomb: Callable[[], bytes],
    end: str,
    bad_file: Path,
    good_file: Path,
    log: pytest.LogCaptureFixture,
):
    bad_file.write_bytes(bomb())

    alone = replace(LIMITS, decoders=Decoders.SOUNDFILE)
    await assert_undecodable(hostile.has_a_usual_stack, bad_file, good_file, alone)

    assert end in log.text, "else nothing crashed"


async def test_a_decoder_that_sends_endless_messages_delays_no_other(
    bad_file: Path, good_file: Path, monkeypatch: pytest.MonkeyPatch
):
    shared = decoder(workers=2)
    monkeypatch.setattr(decoder_process, "main", hostile.talks_without_end)
    talking = asyncio.create_task(decode(shared, bad_file))
    await wait_for_async(lambda: decoders_of(bad_file), "a decoder with the file")
    monkeypatch.undo()

    await decode(shared, good_file)

    assert not talking.done()
    talking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await talking


@pytest.mark.parametrize(
    "main",
    [
        hostile.dawdles,
        pytest.param(hostile.talks_without_end, marks=pytest.mark.thorough),  # for a second of CPU
    ],
)
async def test_a_decoder_that_never_ends_is_killed(
    main: Callable[..., None], bad_file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(decoder_process, "main", main)

    with pytest.raises(RequestError) as refused:
        await decode(decoder(timeout_s=0.5), bad_file)

    assert refused.value.kind is Kind.UNDECODABLE_AUDIO
