"""What a file costs is known before it is decoded, bounded, and shared out between clients."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app import turns
from app.audio.decoders.track_reader import TrackReader
from app.audio.limits import SAMPLES_A_SECOND
from app.audio.worker import decoder_process
from app.audio.worker.processes import Decoder
from app.audio.worker.work import Work
from app.domain import Waveform
from app.errors import Kind, RequestError
from app.stages import StageClock
from testing.decoder_processes import decoders, decoders_of
from testing.flac import constant_flac
from testing.sounds import LIMITS, decoded, encoded, noise, opened
from testing.waiting import wait_for_async
from tests.audio import hostile
from tests.audio.decode_helpers import refusal

pytestmark = pytest.mark.anyio

DECODE_S = 300
RATE, CHANNELS = 384_000, 8
LONGEST_S = LIMITS.max_duration_s * SAMPLES_A_SECOND / (RATE * CHANNELS)
"""What is read of such a file."""


@pytest.fixture
def stuck_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A named pipe without a writer, which is decoded without end."""
    monkeypatch.setattr(decoder_process, "main", hostile.waits_for_its_file)
    path = tmp_path / "stuck"
    os.mkfifo(path)
    return path


@asynccontextmanager
async def stuck(shared: Decoder, path: Path, client: str) -> AsyncIterator[None]:
    """A decoding without end of a client, with a process by now."""
    running = asyncio.create_task(decode(shared, path, Work(client)))
    await wait_for_async(lambda: decoders_of(path), "a decoder with the file")
    yield
    running.cancel()
    await asyncio.wait([running])


async def decode(shared: Decoder, path: Path, work: Work) -> Waveform:
    with path.open("r+b", buffering=0) as file:
        async with shared.decoding(file, StageClock(), work) as running:
            parts = [samples async for samples in running.progress()]
    return Waveform(parts[-1].copy(), shared.limits.sample_rate)


# before it is decoded


def test_a_header_that_announces_too_long_a_track_is_refused_before_decoding() -> None:
    whole = constant_flac(603)
    header = whole[: whole.index(b"\xff\xf8")]

    error = refusal(header, replace(LIMITS, max_duration_s=600.0))

    assert error.kind is Kind.AUDIO_TOO_LONG
    assert error.extra == {"duration_s": 603, "max_duration_s": 600}


def test_a_header_that_announces_too_many_samples_is_refused_before_decoding() -> None:
    whole = constant_flac(9, RATE, CHANNELS)
    header = whole[: whole.index(b"\xff\xf8")]

    error = refusal(header)

    assert error.kind is Kind.UNSUPPORTED_AUDIO
    assert f"{CHANNELS} channels at {RATE} Hz" in error.detail
    assert "48 kHz stereo" in error.detail


def test_a_header_that_announces_slightly_too_much_is_accepted() -> None:
    file = constant_flac(9, 48_000, 1, announced_s=LIMITS.max_duration_s + 0.5)

    assert len(decoded(file)) == pytest.approx(9.56 * LIMITS.sample_rate, rel=0.01)


# whatever it announces


@pytest.mark.parametrize("announced_s", [1.0, 0.0])
def test_a_file_that_announces_too_little_is_cut_at_the_sample_limit(
    announced_s: float,
) -> None:
    pieces: list[int] = []
    with opened(constant_flac(9, RATE, CHANNELS, announced_s)) as file:
        samples = TrackReader(file, LIMITS).samples()
        with pytest.raises(RequestError) as refused:
            pieces.extend(len(piece) for piece in samples)

    assert refused.value.kind is Kind.UNSUPPORTED_AUDIO
    assert "48 kHz stereo" in refused.value.detail
    assert 0 < sum(pieces) <= LONGEST_S * LIMITS.sample_rate


def test_the_bound_counts_all_containers() -> None:
    loud = np.stack([noise(round(1.5 * RATE))] * CHANNELS, axis=1)

    assert refusal(encoded(loud, RATE)).kind is Kind.UNSUPPORTED_AUDIO


@pytest.mark.parametrize(("rate", "channels"), [(192_000, 2), (96_000, 2), (48_000, 8)])
def test_studio_formats_are_read_up_to_the_longest_track(rate: int, channels: int) -> None:
    assert len(decoded(constant_flac(9.5, rate, channels))) > 9 * LIMITS.sample_rate


# while it waits


async def test_the_cost_of_a_file_follows_from_its_header(good_file: Path) -> None:
    work = Work("a", audio_s=1_000.0)

    await decode(Decoder(LIMITS, 1, DECODE_S), good_file, work)

    assert work.audio_s == pytest.approx(2)
    assert work.load == 1


async def test_more_channels_and_a_higher_rate_cost_more(tmp_path: Path) -> None:
    path, work = tmp_path / "large", Work("a")
    path.write_bytes(constant_flac(1, RATE, CHANNELS))

    await decode(Decoder(LIMITS, 1, DECODE_S), path, work)

    assert work.load > 2


async def test_the_cost_of_a_waiting_file_is_known_before_its_turn(
    stuck_file: Path, good_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = Decoder(LIMITS, 1, DECODE_S)
    async with stuck(shared, stuck_file, "a"):
        monkeypatch.undo()
        work = Work("a")
        waiting = asyncio.create_task(decode(shared, good_file, work))
        await wait_for_async(lambda: work.audio_s, "the header")
        assert not waiting.done()
    await waiting


async def test_a_waiting_file_that_announces_too_much_is_refused_before_its_turn(
    stuck_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "long"
    path.write_bytes(constant_flac(20, 48_000, 1))
    shared = Decoder(LIMITS, 1, DECODE_S)
    async with stuck(shared, stuck_file, "a"):
        monkeypatch.undo()
        with pytest.raises(RequestError) as refused:
            await decode(shared, path, Work("a"))

    assert refused.value.kind is Kind.AUDIO_TOO_LONG


# shared out


async def test_a_file_that_decodes_endlessly_delays_no_other_client(
    stuck_file: Path, good_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = Decoder(LIMITS, 1, DECODE_S)
    async with stuck(shared, stuck_file, "a"):
        monkeypatch.undo()
        for _ in range(2):
            waveform = await decode(shared, good_file, Work("b"))
            np.testing.assert_array_equal(waveform.samples, decoded(good_file))
        assert len(decoders()) == 1, "the long one is still there"


async def test_repeatedly_paused_decoders_give_the_same_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "TIME_SLICE_S", 0.001)
    limits = replace(LIMITS, max_duration_s=60.0)
    paths = {client: tmp_path / client for client in "abc"}
    for seed, path in enumerate(paths.values()):
        path.write_bytes(encoded(noise(20 * 44_100, seed), 44_100, "FLAC"))
    shared = Decoder(limits, 1, DECODE_S)

    waveforms = await asyncio.gather(
        *(decode(shared, path, Work(client)) for client, path in paths.items())
    )

    for path, waveform in zip(paths.values(), waveforms, strict=True):
        np.testing.assert_array_equal(waveform.samples, decoded(path, limits))
