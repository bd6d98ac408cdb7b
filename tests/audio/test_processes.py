import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from app.audio.decoding import decode
from app.audio.processes import Decoder
from app.domain import Waveform
from app.errors import Kind, RequestError
from tests.audio.sounds import LIMITS, crashing_vorbis, encoded, gluttonous_vorbis, noise, tone

T = TypeVar("T")

PATIENCE_S = 20
"""For what is bound to happen soon: only a defect takes longer."""
DECODE_S = 60
"""Longer, so that a decoder's own limit does not do what a test waits for."""


@pytest.fixture(autouse=True)
def no_decoder_is_left_over() -> Iterator[None]:
    yield
    left = decoders()
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert not left


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What the operator reads, down to how decoders end."""
    caplog.set_level(logging.INFO)
    return caplog


@pytest.fixture
def good_file(tmp_path: Path) -> Path:
    path = tmp_path / "good"
    path.write_bytes(encoded(tone(44_100), 44_100))
    return path


@pytest.fixture
def stuck_file(tmp_path: Path) -> Path:
    """A named pipe that nobody writes to: who opens it waits for ever, without using the CPU."""
    path = tmp_path / "stuck"
    os.mkfifo(path)
    return path


@pytest.fixture
def long_file(tmp_path: Path) -> Path:
    """Ten minutes at 192 kHz, which take seconds to decode; small, as most of it is silence."""
    path = tmp_path / "long"
    with soundfile.SoundFile(path, "w", 192_000, 1, "PCM_16", format="FLAC") as file:
        for _ in range(600):
            file.write(np.zeros(192_000, np.float32))
    return path


def children(parent: int) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            # After the name, which may hold anything: the state and the parent.
            state, its_parent = (process / "stat").read_text().rpartition(")")[2].split()[:2]
            if int(its_parent) == parent and state != "Z":
                found.append(int(process.name))
    return found


def fork_server() -> int | None:
    for pid in children(os.getpid()):
        with suppress(FileNotFoundError, ProcessLookupError):
            if b"multiprocessing.forkserver" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
    return None


def decoders() -> list[int]:
    server = fork_server()
    return children(server) if server else []


def holds_tensorflow(pid: int) -> bool:
    return "tensorflow" in Path(f"/proc/{pid}/maps").read_text()


def writer_of(pipe: Path) -> int | None:
    """A descriptor to write to the pipe, once somebody reads it."""
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


async def until(found: Callable[[], T | None]) -> T:
    async with asyncio.timeout(PATIENCE_S):
        result = found()
        while not result:
            await asyncio.sleep(0.01)
            result = found()
    return result


async def refusal(decoding: Awaitable[Waveform]) -> RequestError:
    with pytest.raises(RequestError) as refused:
        await decoding
    return refused.value


async def cancel(decoding: asyncio.Task[Waveform]) -> None:
    decoding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await decoding


def decoder(workers: int = 2, timeout_s: float = DECODE_S) -> Decoder:
    return Decoder(LIMITS, workers, timeout_s)


def test_a_file_decodes_in_another_process_to_the_same_samples(good_file: Path):
    waveform = asyncio.run(decoder().decode(good_file))

    assert waveform.sample_rate == LIMITS.sample_rate
    np.testing.assert_array_equal(waveform.samples, decode(good_file, LIMITS))


def test_files_decoded_at_the_same_time_are_not_mixed_up(tmp_path: Path):
    paths = [tmp_path / str(seed) for seed in range(6)]
    for seed, path in enumerate(paths):
        path.write_bytes(encoded(noise(16_000 + seed, seed), 16_000))

    async def scenario() -> list[Waveform]:
        shared = decoder(workers=3)
        return await asyncio.gather(*(shared.decode(path) for path in paths))

    for path, waveform in zip(paths, asyncio.run(scenario()), strict=True):
        np.testing.assert_array_equal(waveform.samples, decode(path, LIMITS))


def test_a_refusal_arrives_with_all_that_it_says(tmp_path: Path):
    path = tmp_path / "short"
    path.write_bytes(encoded(tone(44_100, 0.1), 44_100))

    error = asyncio.run(refusal(decoder().decode(path)))

    assert error.kind is Kind.AUDIO_TOO_SHORT
    assert "0.10 s" in error.detail
    assert error.extra == {"duration_s": 0.1, "min_duration_s": 0.5}


def test_decoders_and_their_fork_server_hold_no_tensorflow(stuck_file: Path):
    async def scenario() -> list[int]:
        decoding = asyncio.create_task(decoder().decode(stuck_file))
        writer = await until(lambda: writer_of(stuck_file))  # it has all of its imports by now
        found = [pid for pid in (fork_server(), *decoders()) if holds_tensorflow(pid)]
        assert len(decoders()) == 1
        await cancel(decoding)
        os.close(writer)
        return found

    assert tf.__version__
    assert holds_tensorflow(os.getpid()), "else this test proves nothing"
    assert asyncio.run(scenario()) == []


def test_the_commands_main_module_which_every_decoder_imports_is_next_to_empty():
    heavy = "{'tensorflow', 'keras', 'fastapi', 'typer', 'matplotlib'} & sys.modules.keys()"

    subprocess.run([sys.executable, "-c", f"import app.cli, sys; assert not {heavy}"], check=True)


def test_a_decoder_killed_in_the_middle_makes_its_file_undecodable_and_no_other(
    good_file: Path, long_file: Path, log: pytest.LogCaptureFixture
):
    async def scenario() -> RequestError:
        shared = Decoder(replace(LIMITS, max_duration_s=3600.0), 2, DECODE_S)
        decoding = asyncio.create_task(shared.decode(long_file))
        [pid] = await until(decoders)
        os.kill(pid, signal.SIGKILL)
        error = await refusal(decoding)
        assert len((await shared.decode(good_file)).samples) == 2 * LIMITS.sample_rate
        return error

    assert asyncio.run(scenario()).kind is Kind.UNDECODABLE_AUDIO
    assert "exit code -9" in log.text


def test_a_file_that_crashes_libsndfile_is_undecodable_and_the_next_one_works(
    good_file: Path, tmp_path: Path, log: pytest.LogCaptureFixture
):
    crasher = tmp_path / "crasher"
    crasher.write_bytes(crashing_vorbis())

    async def scenario() -> RequestError:
        shared = decoder(workers=1)
        error = await refusal(shared.decode(crasher))
        assert len((await shared.decode(good_file)).samples) == 2 * LIMITS.sample_rate
        return error

    assert asyncio.run(scenario()).kind is Kind.UNDECODABLE_AUDIO
    assert f"exit code -{int(signal.SIGSEGV)}" in log.text, "else nothing crashed"


def test_a_small_file_that_asks_for_gigabytes_does_not_get_them(
    tmp_path: Path, log: pytest.LogCaptureFixture
):
    glutton = tmp_path / "glutton"
    glutton.write_bytes(gluttonous_vorbis())

    error = asyncio.run(refusal(decoder().decode(glutton)))

    assert error.kind is Kind.UNDECODABLE_AUDIO
    assert "exit code" in log.text, "else it got them and was merely found too short"


def test_a_decoder_that_takes_too_long_is_ended_and_the_next_file_works(
    good_file: Path, stuck_file: Path
):
    async def scenario() -> RequestError:
        shared = decoder(workers=1, timeout_s=2.0)
        async with asyncio.timeout(PATIENCE_S):
            error = await refusal(shared.decode(stuck_file))
        assert not decoders()
        assert len((await shared.decode(good_file)).samples) == 2 * LIMITS.sample_rate
        return error

    error = asyncio.run(scenario())
    assert error.kind is Kind.UNDECODABLE_AUDIO
    assert "too long" in error.detail


def test_a_caller_who_leaves_takes_its_decoder_along(stuck_file: Path):
    async def scenario() -> None:
        decoding = asyncio.create_task(decoder().decode(stuck_file))
        writer = await until(lambda: writer_of(stuck_file))
        await cancel(decoding)
        await until(lambda: not decoders())
        os.close(writer)

    asyncio.run(scenario())


def test_a_caller_who_leaves_while_its_decoder_starts_takes_it_along_too(
    good_file: Path, stuck_file: Path
):
    async def scenario() -> None:
        shared = decoder(workers=1)
        decoding = asyncio.create_task(shared.decode(stuck_file))
        await asyncio.sleep(0)  # it is being started in a thread now
        await cancel(decoding)
        await shared.decode(good_file)  # by then the first has long started
        await until(lambda: not decoders())

    asyncio.run(scenario())


def test_a_caller_who_leaves_makes_room_for_the_next(good_file: Path, stuck_file: Path):
    async def scenario() -> Waveform:
        shared = decoder(workers=1)
        stuck = asyncio.create_task(shared.decode(stuck_file))
        writer = await until(lambda: writer_of(stuck_file))
        waiting = asyncio.create_task(shared.decode(good_file))
        await asyncio.wait({waiting}, timeout=0.5)
        assert not waiting.done(), "one at a time was asked for"
        await cancel(stuck)
        os.close(writer)
        return await waiting

    assert len(asyncio.run(scenario()).samples) == 2 * LIMITS.sample_rate


def test_a_killed_fork_server_is_replaced(good_file: Path):
    async def scenario() -> Waveform:
        shared = decoder()
        await shared.decode(good_file)
        server = await until(fork_server)
        os.kill(server, signal.SIGKILL)
        # Wait for its end, and leave it to multiprocessing to collect it.
        await asyncio.to_thread(os.waitid, os.P_PID, server, os.WEXITED | os.WNOWAIT)
        return await shared.decode(good_file)

    assert len(asyncio.run(scenario()).samples) == 2 * LIMITS.sample_rate
