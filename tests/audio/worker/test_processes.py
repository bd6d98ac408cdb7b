import asyncio
import gc
import logging
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from app.audio.limits import AudioLimits
from app.audio.worker import decoder_process
from app.audio.worker.processes import Decoder
from app.audio.worker.progress import BrokenDecoderError
from app.audio.worker.sandbox import MEMORY_BYTES
from app.domain import Waveform
from app.errors import Kind, RequestError
from app.stages import Stage, StageClock
from app.turns import Turns
from testing.decoder_processes import decoders, decoders_of, fork_server
from testing.processes import opened
from testing.sounds import LIMITS, Sound, decoded, encoded, noise, tone
from testing.waiting import wait_for_async
from tests.audio import hostile
from tests.audio.decode_helpers import decode, decoding

pytestmark = pytest.mark.anyio

RATE = LIMITS.sample_rate
DECODE_S = 300
"""So long that a decoder's own limit does not interfere with a test."""

LONG = replace(LIMITS, max_duration_s=600.0)
LONG_S = 30
"""A decoder sends three messages on the way."""


@pytest.fixture(autouse=True)
def no_decoder_is_left_over() -> Iterator[None]:
    yield
    left = decoders()
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert not left


@pytest.fixture(autouse=True)
def no_memory_is_left_over() -> Iterator[None]:
    yield
    if shared_memory():
        gc.collect()  # pytest and asyncio hold on to an error in circles
    assert not shared_memory()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What the operator reads, down to how decoders end."""
    caplog.set_level(logging.INFO)
    return caplog


@pytest.fixture
def stuck_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A named pipe without a writer: reading it takes for ever, and no CPU."""
    monkeypatch.setattr(decoder_process, "main", hostile.waits_for_its_file)
    path = tmp_path / "stuck"
    os.mkfifo(path)
    return path


@pytest.fixture
def long_file(tmp_path: Path) -> Path:
    """Half a minute, no part of which is like another."""
    path = tmp_path / "long"
    path.write_bytes(encoded(noise(LONG_S * RATE), RATE, "FLAC"))
    return path


@pytest.fixture
def short_file(tmp_path: Path) -> Path:
    """A file that is refused."""
    path = tmp_path / "short"
    path.write_bytes(encoded(tone(44_100, 0.1), 44_100))
    return path


@pytest.fixture
def pausing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoders stop after each message until they are continued."""
    monkeypatch.setattr(decoder_process, "main", hostile.pauses)


def decoder(limits: AudioLimits = LIMITS, workers: int = 1, timeout_s: float = DECODE_S) -> Decoder:
    return Decoder(limits, workers, timeout_s)


def descriptors() -> Counter[str]:
    """How many this process has open, by the kind of thing behind them."""
    gc.collect()  # garbage of earlier tests
    return Counter(path.partition(":")[0] for path in opened(os.getpid()))


def shared_memory() -> list[str]:
    """The samples that this process could still reach by a descriptor."""
    return [path for path in opened(os.getpid()) if "taggram-samples" in path]


async def decoder_of(path: Path) -> int:
    """Wait for the decoder that has a file open."""
    [pid] = await wait_for_async(lambda: decoders_of(path), "a decoder with the file")
    return pid


async def paused_decoder() -> psutil.Process:
    """Wait until the only decoder has stopped itself."""
    [pid] = decoders()
    process = psutil.Process(pid)
    await wait_for_async(lambda: process.status() == psutil.STATUS_STOPPED, "a pause")
    return process


async def no_decoders() -> None:
    await wait_for_async(lambda: not decoders(), "the end of all decoders")


async def refusal(decoding: Awaitable[object]) -> RequestError:
    with pytest.raises(RequestError) as refused:
        await decoding
    return refused.value


async def cancel(task: asyncio.Task[Waveform]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@asynccontextmanager
async def stuck(shared: Decoder, path: Path) -> AsyncIterator[int]:
    """A decoding without end, as the id of its decoder, until its caller leaves."""
    running = asyncio.create_task(decode(shared, path))
    yield await decoder_of(path)
    await cancel(running)


def resume(process: psutil.Process) -> None:
    process.send_signal(signal.SIGCONT)


async def decode_in_steps(
    path: Path, step: Callable[[psutil.Process], None], shared: Decoder | None = None
) -> list[Sound]:
    """All that comes of a long file, with a step taken each time its decoder pauses."""
    parts = []
    async with decoding(shared or decoder(LONG), path) as running:
        async for samples in running.progress():
            parts.append(samples.copy())
            if not running.complete:
                step(await paused_decoder())
    return parts


# one file


async def test_a_file_decodes_in_another_process_to_the_same_samples(good_file: Path):
    waveform = await decode(decoder(), good_file)

    assert waveform.sample_rate == RATE
    np.testing.assert_array_equal(waveform.samples, decoded(good_file))


async def test_a_deleted_file_decodes_as_long_as_it_is_open(good_file: Path):
    expected = decoded(good_file)

    with good_file.open("rb") as file:
        good_file.unlink()
        async with decoder().decoding(file, StageClock()) as running:
            parts = [samples.copy() async for samples in running.progress()]

    np.testing.assert_array_equal(parts[-1], expected)


async def test_a_limit_of_many_hours_reserves_no_memory_for_a_short_file(good_file: Path):
    waveform = await decode(decoder(replace(LIMITS, max_duration_s=86_400.0)), good_file)

    np.testing.assert_array_equal(waveform.samples, decoded(good_file))


async def test_concurrently_decoded_files_are_not_mixed_up(tmp_path: Path):
    paths = [tmp_path / str(seed) for seed in range(6)]
    for seed, path in enumerate(paths):
        path.write_bytes(encoded(noise(16_000 + seed, seed), 16_000))
    shared = decoder(workers=3)

    waveforms = await asyncio.gather(*(decode(shared, path) for path in paths))

    for path, waveform in zip(paths, waveforms, strict=True):
        np.testing.assert_array_equal(waveform.samples, decoded(path))


async def test_a_refusal_arrives_with_all_its_fields(short_file: Path):
    error = await refusal(decode(decoder(), short_file))

    assert error.kind is Kind.AUDIO_TOO_SHORT
    assert "0.10 s" in error.detail
    assert error.extra == {"duration_s": 0.1, "min_duration_s": 0.5}


async def test_waiting_and_decoding_are_timed(good_file: Path):
    clock = StageClock()

    async with decoding(decoder(), good_file, clock) as running:
        assert set(clock.seconds) == {Stage.QUEUE}
        async for _ in running.progress():
            pass

    assert set(clock.seconds) == {Stage.QUEUE, Stage.DECODE}


# samples as they come


@pytest.mark.usefixtures("pausing")
async def test_samples_arrive_during_decoding(long_file: Path):
    parts = await decode_in_steps(long_file, resume)

    whole = decoded(long_file, LONG)
    assert len(parts) == 5
    for part, longer in zip(parts, [*parts[1:], whole], strict=True):
        np.testing.assert_array_equal(part, longer[: len(part)])
    assert len(set(map(len, parts))) == 5
    assert len(parts[-1]) == len(whole)


async def test_samples_not_yet_read_arrive_together(long_file: Path):
    async with decoding(decoder(LONG), long_file) as running:
        await no_decoders()
        [samples] = [samples.copy() async for samples in running.progress()]

    np.testing.assert_array_equal(samples, decoded(long_file, LONG))


async def test_messages_that_do_not_fit_the_pipe_lose_no_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(decoder_process, "main", hostile.has_little_room)
    path = tmp_path / "very long"
    path.write_bytes(encoded(noise(200 * RATE), RATE, codec="PCM_U8"))
    size = path.stat().st_size

    with path.open("rb") as file:
        async with decoder(LONG).decoding(file, StageClock()) as running:
            await wait_for_async(
                lambda: os.lseek(file.fileno(), 0, os.SEEK_CUR) == size, "the end of the file"
            )
            parts = [part.copy() async for part in running.progress()]

    np.testing.assert_array_equal(parts[-1], decoded(path, LONG))


@pytest.mark.usefixtures("pausing")
async def test_a_slow_reader_does_not_use_up_the_decoder_s_timeout(
    long_file: Path,
):
    clock = SimpleNamespace(now=0.0)
    shared = decoder(LONG)
    shared._turns = Turns(1, lambda: clock.now)

    def be_slow(process: psutil.Process) -> None:
        clock.now += 2 * DECODE_S
        resume(process)

    parts = await decode_in_steps(long_file, be_slow, shared)

    assert len(parts[-1]) == LONG_S * RATE


@pytest.mark.usefixtures("pausing")
async def test_a_refusal_comes_after_samples_that_were_taken_before(tmp_path: Path):
    silence = tmp_path / "silence"
    silence.write_bytes(encoded(np.zeros(LONG_S * RATE, np.float32), RATE))
    pauses = []

    def count(process: psutil.Process) -> None:
        pauses.append(process.pid)
        resume(process)

    error = await refusal(decode_in_steps(silence, count))

    assert error.kind is Kind.SILENT_AUDIO
    assert len(pauses) == 4


async def test_samples_stay_valid_after_decoding(good_file: Path):
    async with decoding(decoder(), good_file) as running:
        parts = [samples async for samples in running.progress()]

    np.testing.assert_array_equal(parts[-1], decoded(good_file))


# the limit of a decoder


async def test_decoders_and_their_fork_server_load_libsndfile_and_not_tensorflow(stuck_file: Path):
    async with stuck(decoder(), stuck_file) as pid:  # it has all of its imports by now
        for process in (fork_server(), pid):
            libraries = Path(f"/proc/{process}/maps").read_text()
            assert "sndfile" in libraries
            assert "tensorflow" not in libraries


async def test_a_decoder_receives_only_its_own_file(stuck_file: Path, tmp_path: Path):
    other = tmp_path / "other"
    os.mkfifo(other)
    shared = decoder(workers=2)

    async with stuck(shared, stuck_file) as one, stuck(shared, other) as another:
        assert one != another
        assert decoders_of(stuck_file) == [one]
        assert decoders_of(other) == [another]


def test_the_main_module_that_every_decoder_imports_is_nearly_empty():
    heavy = "{'tensorflow', 'keras', 'fastapi', 'typer', 'matplotlib'} & sys.modules.keys()"

    subprocess.run(
        [sys.executable, "-c", f"import app.cli, sys; assert not {heavy}"], timeout=300, check=True
    )


async def test_a_decoder_that_has_its_file_is_sandboxed(stuck_file: Path):
    async with stuck(decoder(), stuck_file) as pid:
        process = Path(f"/proc/{pid}")
        await wait_for_async(
            lambda: "Seccomp:\t2" in (process / "status").read_text(), "a filter of system calls"
        )
        limits = (process / "limits").read_text()
        held = psutil.Process(pid).memory_info().vms

    of = {
        name: (soft, hard)
        for name, soft, hard in re.findall(r"^Max (.+?) {2,}(\S+) +(\S+)", limits, re.MULTILINE)
    }
    assert of["cpu time"] == (str(DECODE_S), str(DECODE_S))
    assert of["open files"] == of["file size"] == of["core file size"] == ("0", "0")
    assert int(of["address space"][1]) <= held + MEMORY_BYTES


# decoders that break


async def test_a_decoder_killed_in_the_middle_makes_its_file_undecodable_and_no_other(
    good_file: Path, stuck_file: Path, log: pytest.LogCaptureFixture
):
    shared = decoder(workers=2)
    running = asyncio.create_task(decode(shared, stuck_file))
    os.kill(await decoder_of(stuck_file), signal.SIGKILL)

    error = await refusal(running)
    assert isinstance(error, BrokenDecoderError)
    assert error.kind is Kind.UNDECODABLE_AUDIO
    assert "exit code -9" in log.text
    await decode(shared, good_file)


@pytest.mark.usefixtures("pausing")
async def test_a_decoder_killed_after_it_sent_samples_makes_its_file_undecodable_too(
    long_file: Path,
):
    error = await refusal(decode_in_steps(long_file, psutil.Process.kill))

    assert isinstance(error, BrokenDecoderError)


async def test_a_decoder_that_finished_is_not_reported_as_failed(
    good_file: Path, log: pytest.LogCaptureFixture
):
    await decode(decoder(), good_file)

    assert "exit code" not in log.text


async def test_a_decoder_past_its_timeout_is_killed_and_the_next_file_works(
    good_file: Path, stuck_file: Path
):
    shared = decoder(timeout_s=0.2)

    error = await refusal(decode(shared, stuck_file))

    assert error.kind is Kind.UNDECODABLE_AUDIO
    assert "too long" in error.detail
    assert not decoders()
    shared._timeout_s = DECODE_S  # as a busy machine may need it
    await decode(shared, good_file)


@pytest.mark.usefixtures("pausing")
async def test_a_decoder_that_stops_in_the_middle_times_out(long_file: Path):
    with pytest.raises(RequestError, match="too long"):
        await decode(decoder(LONG, timeout_s=0.5), long_file)


async def test_a_killed_fork_server_is_replaced(good_file: Path):
    shared = decoder()
    await decode(shared, good_file)
    server = fork_server()
    os.kill(server, signal.SIGKILL)
    # Wait for its end, and leave it to multiprocessing to collect it.
    await asyncio.to_thread(os.waitid, os.P_PID, server, os.WEXITED | os.WNOWAIT)

    await decode(shared, good_file)


@pytest.mark.usefixtures("pausing")
async def test_a_killed_fork_server_is_restarted_and_files_are_refused_until_then(
    good_file: Path, long_file: Path
):
    shared = decoder(LONG, workers=2)
    kinds = set()
    async with decoding(shared, long_file) as running:
        await anext(parts := running.progress())
        await paused_decoder()
        os.kill(fork_server(), signal.SIGKILL)
        async with asyncio.timeout(DECODE_S):
            while True:
                try:
                    await decode(shared, good_file)
                    break
                except RequestError as error:
                    kinds.add(error.kind)
        with pytest.raises(RequestError):
            await anext(parts)

    assert kinds <= {Kind.OVERLOADED}


# callers that leave


async def test_a_caller_that_leaves_ends_its_decoder(stuck_file: Path):
    async with stuck(decoder(), stuck_file):
        pass

    assert not decoders()


@pytest.mark.usefixtures("pausing")
async def test_a_caller_that_fails_ends_its_decoder(long_file: Path):
    def fail(process: psutil.Process) -> None:
        raise ArithmeticError("of the caller")

    with pytest.raises(ArithmeticError):
        await decode_in_steps(long_file, fail)

    assert not decoders()


async def leave_while_its_decoder_starts(shared: Decoder, path: Path) -> None:
    """The thread that starts it goes on, and has it ended."""
    before = asyncio.all_tasks()
    running = asyncio.create_task(decode(shared, path))
    await asyncio.sleep(0)
    await cancel(running)
    await wait_for_async(lambda: asyncio.all_tasks() <= before, "the start of the decoder")
    await no_decoders()


async def test_a_caller_that_leaves_during_the_start_ends_its_decoder(
    good_file: Path, stuck_file: Path
):
    shared = decoder()

    await leave_while_its_decoder_starts(shared, stuck_file)

    await decode(shared, good_file)


@pytest.mark.parametrize("how", ["done", "refused", "left", "left before its turn"])
async def test_a_turn_is_released_exactly_once_however_decoding_ends(
    how: str, good_file: Path, short_file: Path, stuck_file: Path
):
    shared = decoder(workers=1)

    async def wait_for_turn() -> asyncio.Task[Waveform]:
        waiting = asyncio.create_task(decode(shared, good_file, clock := StageClock()))
        await asyncio.sleep(0)
        assert not clock.seconds, "its turn has not come"
        return waiting

    for _ in range(3):
        if how == "done":
            await decode(shared, good_file)
        elif how == "refused":
            await refusal(decode(shared, short_file))
        else:
            async with stuck(shared, stuck_file):
                if how == "left before its turn":
                    await cancel(await wait_for_turn())

    async with stuck(shared, stuck_file):
        waiting = await wait_for_turn()
    await waiting


# memory


async def test_shared_memory_is_released_after_decoding(good_file: Path):
    async def take() -> Sound:
        async with decoding(decoder(), good_file) as running:
            parts = [samples async for samples in running.progress()]
            assert shared_memory(), "else the next tests prove nothing"
            return parts[-1]

    samples = await take()
    gc.collect()

    assert not shared_memory()
    assert np.any(samples)


@pytest.mark.parametrize("how", ["done", "refused", "no audio", "left", "left at its start"])
async def test_no_descriptor_is_left_open_however_decoding_ends(
    how: str, good_file: Path, short_file: Path, stuck_file: Path, tmp_path: Path
):
    shared = decoder()
    text = tmp_path / "text"
    text.write_text("text")

    async def once() -> None:
        if how == "left":
            async with stuck(shared, stuck_file):
                pass
        elif how == "left at its start":
            await leave_while_its_decoder_starts(shared, stuck_file)
        else:
            path = {"done": good_file, "refused": short_file, "no audio": text}[how]
            with suppress(RequestError):
                await decode(shared, path)

    await once()
    before = descriptors()
    for _ in range(3):
        await once()
    assert descriptors() == before
