import asyncio
import gc
import logging
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from app.audio.processes import Decoder
from app.domain import Waveform
from app.errors import Kind, RequestError
from app.stages import Stage, StageClock
from testing.decoder_processes import decoders, decoders_of, fork_server, opened
from testing.sounds import (
    LIMITS,
    Sound,
    decoded,
    encoded,
    noise,
    tone,
)
from tests.audio.asking import PATIENCE_S, decode, decoding, until

DECODE_S = 60
"""Longer, so that a decoder's own limit does not do what a test waits for."""
AN_HOUR = replace(LIMITS, max_duration_s=3600.0)


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
        gc.collect()  # pytest and asyncio.run hold on to an error in circles
    assert not shared_memory()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What the operator reads, down to how decoders end."""
    caplog.set_level(logging.INFO)
    return caplog


@pytest.fixture
def stuck_file(tmp_path: Path) -> Path:
    """A named pipe that nobody writes to: who reads it waits for ever, without using the CPU."""
    path = tmp_path / "stuck"
    os.mkfifo(path)
    return path


@pytest.fixture(scope="module")
def long_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten minutes at 192 kHz, which take seconds to decode; small, as most of it is silence."""
    path = tmp_path_factory.mktemp("long") / "long"
    with soundfile.SoundFile(path, "w", 192_000, 1, "PCM_16", format="FLAC") as file:
        for _ in range(600):
            file.write(np.zeros(192_000, np.float32))
    return path


@pytest.fixture(scope="module")
def noisy_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two minutes, no part of which is like another."""
    path = tmp_path_factory.mktemp("noisy") / "noisy"
    path.write_bytes(encoded(noise(120 * 48_000), 48_000, "FLAC"))
    return path


def descriptors() -> Counter[str]:
    """How many this process has open, by the kind of thing behind them."""
    return Counter(path.partition(":")[0] for path in opened(os.getpid()))


def shared_memory() -> list[str]:
    """The samples that this process could still reach by a descriptor."""
    return [path for path in opened(os.getpid()) if "taggram-samples" in path]


def holds_tensorflow(pid: int) -> bool:
    return "tensorflow" in Path(f"/proc/{pid}/maps").read_text()


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


# one file


def test_a_file_decodes_in_another_process_to_the_same_samples(good_file: Path):
    waveform = asyncio.run(decode(decoder(), good_file))

    assert waveform.sample_rate == LIMITS.sample_rate
    np.testing.assert_array_equal(waveform.samples, decoded(good_file))


def test_a_file_that_is_gone_by_then_decodes_as_long_as_it_is_open(good_file: Path):
    expected = decoded(good_file)

    async def scenario() -> Sound:
        with good_file.open("rb") as file:
            os.unlink(good_file)  # noqa: PTH108 - of a Path it would be said to block
            async with decoder().decoding(file, StageClock()) as running:
                return [samples.copy() async for samples in running.progress()][-1]

    np.testing.assert_array_equal(asyncio.run(scenario()), expected)


def test_a_limit_of_many_hours_does_not_take_the_room_to_decode_a_short_file(good_file: Path):
    a_day = Decoder(replace(LIMITS, max_duration_s=86_400.0), 1, DECODE_S)

    waveform = asyncio.run(decode(a_day, good_file))

    np.testing.assert_array_equal(waveform.samples, decoded(good_file))


def test_files_decoded_at_the_same_time_are_not_mixed_up(tmp_path: Path):
    paths = [tmp_path / str(seed) for seed in range(6)]
    for seed, path in enumerate(paths):
        path.write_bytes(encoded(noise(16_000 + seed, seed), 16_000))

    async def scenario() -> list[Waveform]:
        shared = decoder(workers=3)
        return await asyncio.gather(*(decode(shared, path) for path in paths))

    for path, waveform in zip(paths, asyncio.run(scenario()), strict=True):
        np.testing.assert_array_equal(waveform.samples, decoded(path))


def test_a_refusal_arrives_with_all_that_it_says(tmp_path: Path):
    path = tmp_path / "short"
    path.write_bytes(encoded(tone(44_100, 0.1), 44_100))

    error = asyncio.run(refusal(decode(decoder(), path)))

    assert error.kind is Kind.AUDIO_TOO_SHORT
    assert "0.10 s" in error.detail
    assert error.extra == {"duration_s": 0.1, "min_duration_s": 0.5}


def test_the_clock_is_told_of_waiting_and_of_decoding(good_file: Path):
    clock = StageClock()

    async def scenario() -> None:
        with good_file.open("rb") as file:
            async with decoder().decoding(file, clock) as running:
                assert set(clock.seconds) == {Stage.QUEUE}
                async for _ in running.progress():
                    pass

    asyncio.run(scenario())

    assert set(clock.seconds) == {Stage.QUEUE, Stage.DECODE}


# samples as they come


def test_samples_come_while_the_rest_is_being_decoded_each_time_more_of_them(noisy_file: Path):
    whole = decoded(noisy_file, AN_HOUR)

    async def scenario() -> list[Sound]:
        async with decoding(Decoder(AN_HOUR, 1, DECODE_S), noisy_file) as running:
            parts = []
            async for samples in running.progress():
                assert running.complete == (len(samples) == len(whole))
                parts.append(samples.copy())
            return parts

    parts = asyncio.run(scenario())

    counts = [len(part) for part in parts]
    assert len(parts) > 1
    assert counts == sorted(set(counts))
    for part in parts:
        np.testing.assert_array_equal(part, whole[: len(part)])
    assert counts[-1] == len(whole)


def test_samples_that_nobody_took_meanwhile_come_all_at_once(noisy_file: Path):
    async def scenario() -> list[Sound]:
        async with decoding(Decoder(AN_HOUR, 1, DECODE_S), noisy_file) as running:
            await until(lambda: not decoders())
            return [samples.copy() async for samples in running.progress()]

    [samples] = asyncio.run(scenario())

    np.testing.assert_array_equal(samples, decoded(noisy_file, AN_HOUR))


def test_a_decoder_that_says_more_than_anybody_listens_to_loses_no_sample(tmp_path: Path):
    # So long that not all of its messages find room at a time; zeros are full scale there.
    path, seconds = tmp_path / "very long", 3_000
    with soundfile.SoundFile(path, "w", 16_000, 1, "PCM_U8", format="WAV") as wav:
        for _ in range(seconds // 100):
            wav.write(np.full(100 * 16_000, 0.5, np.float32))
    size = path.stat().st_size

    async def scenario() -> list[tuple[int, float]]:
        with path.open("rb") as file:
            async with Decoder(AN_HOUR, 1, DECODE_S).decoding(file, StageClock()) as running:
                await until(lambda: os.lseek(file.fileno(), 0, os.SEEK_CUR) == size)
                return [(len(part), float(part.min())) async for part in running.progress()]

    parts = asyncio.run(scenario())

    assert parts[-1] == (seconds * 16_000, 0.5)


def test_who_is_slow_to_take_the_samples_does_not_use_up_the_decoders_time(noisy_file: Path):
    patience_s = 3.0

    async def scenario() -> Sound:
        async with decoding(Decoder(AN_HOUR, 1, patience_s), noisy_file) as running:
            progress = running.progress()
            await anext(progress)
            [pid] = decoders()
            os.kill(pid, signal.SIGSTOP)  # so that there is something to wait for afterwards
            await asyncio.sleep(patience_s)
            os.kill(pid, signal.SIGCONT)
            return [samples.copy() async for samples in progress][-1]

    np.testing.assert_array_equal(asyncio.run(scenario()), decoded(noisy_file, AN_HOUR))


def test_a_refusal_comes_after_samples_that_were_taken_before(long_file: Path):
    taken: list[int] = []

    async def scenario() -> None:
        async with decoding(Decoder(AN_HOUR, 1, DECODE_S), long_file) as running:
            async for samples in running.progress():
                taken.append(len(samples))
                assert not running.complete

    with pytest.raises(RequestError) as refused:
        asyncio.run(scenario())

    assert refused.value.kind is Kind.SILENT_AUDIO
    assert len(taken) > 1


def test_samples_outlive_their_decoding_where_somebody_holds_them(good_file: Path):
    async def scenario() -> Sound:
        async with decoding(decoder(), good_file) as running:
            return [samples async for samples in running.progress()][-1]

    np.testing.assert_array_equal(asyncio.run(scenario()), decoded(good_file))


# what a decoder has


def test_decoders_and_their_fork_server_hold_no_tensorflow(stuck_file: Path):
    async def scenario() -> list[int]:
        running = asyncio.create_task(decode(decoder(), stuck_file))
        await until(lambda: decoders_of(stuck_file))  # it has all of its imports by now
        found = [pid for pid in (fork_server(), *decoders()) if holds_tensorflow(pid)]
        assert len(decoders()) == 1
        await cancel(running)
        return found

    assert tf.__version__
    assert holds_tensorflow(os.getpid()), "else this test proves nothing"
    assert asyncio.run(scenario()) == []


def test_a_decoder_is_given_its_own_file_and_no_other(stuck_file: Path, tmp_path: Path):
    other = tmp_path / "other"
    os.mkfifo(other)

    async def scenario() -> tuple[list[int], list[int]]:
        shared = decoder()
        running = [asyncio.create_task(decode(shared, path)) for path in (stuck_file, other)]
        of_one = await until(lambda: decoders_of(stuck_file))
        of_other = await until(lambda: decoders_of(other))
        for each in running:
            await cancel(each)
        return of_one, of_other

    [one], [other_one] = asyncio.run(scenario())

    assert one != other_one


def test_the_commands_main_module_which_every_decoder_imports_is_next_to_empty():
    heavy = "{'tensorflow', 'keras', 'fastapi', 'typer', 'matplotlib'} & sys.modules.keys()"

    subprocess.run([sys.executable, "-c", f"import app.cli, sys; assert not {heavy}"], check=True)


def test_a_decoder_that_has_its_file_is_confined(stuck_file: Path):
    async def scenario() -> str:
        running = asyncio.create_task(decode(decoder(timeout_s=7), stuck_file))
        [pid] = await until(lambda: decoders_of(stuck_file))
        process = Path(f"/proc/{pid}")
        await until(lambda: "Seccomp:\t2" in (process / "status").read_text())
        limits = (process / "limits").read_text()
        await cancel(running)
        return limits

    limits = re.findall(r"^Max (.+?) {2,}(\S+) +(\S+)", asyncio.run(scenario()), re.MULTILINE)

    of = {name: (soft, hard) for name, soft, hard in limits}
    assert of["cpu time"] == ("7", "7")
    assert of["open files"] == of["file size"] == of["core file size"] == ("0", "0")
    assert int(of["address space"][1]) < 2**30, "its libraries and the samples, and a little more"


# decoders that break


def test_a_decoder_killed_in_the_middle_makes_its_file_undecodable_and_no_other(
    good_file: Path, long_file: Path, log: pytest.LogCaptureFixture
):
    async def scenario() -> RequestError:
        shared = Decoder(AN_HOUR, 2, DECODE_S)
        running = asyncio.create_task(decode(shared, long_file))
        [pid] = await until(lambda: decoders_of(long_file))
        os.kill(pid, signal.SIGKILL)
        error = await refusal(running)
        assert len((await decode(shared, good_file)).samples) == 2 * LIMITS.sample_rate
        return error

    assert asyncio.run(scenario()).kind is Kind.UNDECODABLE_AUDIO
    assert "exit code -9" in log.text


def test_a_decoder_killed_after_it_gave_samples_makes_its_file_undecodable_too(long_file: Path):
    async def scenario() -> None:
        async with decoding(Decoder(AN_HOUR, 1, DECODE_S), long_file) as running:
            async for _ in running.progress():
                for pid in decoders():
                    os.kill(pid, signal.SIGKILL)

    with pytest.raises(RequestError) as refused:
        asyncio.run(scenario())

    assert refused.value.kind is Kind.UNDECODABLE_AUDIO


def test_a_decoder_that_did_its_work_is_not_said_to_have_broken(
    good_file: Path, log: pytest.LogCaptureFixture
):
    asyncio.run(decode(decoder(), good_file))

    assert "exit code" not in log.text


def test_a_decoder_that_takes_too_long_is_ended_and_the_next_file_works(
    good_file: Path, stuck_file: Path
):
    async def scenario() -> RequestError:
        shared = decoder(workers=1, timeout_s=2.0)
        async with asyncio.timeout(PATIENCE_S):
            error = await refusal(decode(shared, stuck_file))
        assert not decoders()
        assert len((await decode(shared, good_file)).samples) == 2 * LIMITS.sample_rate
        return error

    error = asyncio.run(scenario())
    assert error.kind is Kind.UNDECODABLE_AUDIO
    assert "too long" in error.detail


def test_a_decoder_that_stops_in_the_middle_takes_too_long(noisy_file: Path):
    async def scenario() -> None:
        async with decoding(Decoder(AN_HOUR, 1, 2.0), noisy_file) as running:
            async for _ in running.progress():
                for pid in decoders():
                    os.kill(pid, signal.SIGSTOP)

    with pytest.raises(RequestError, match="too long"):
        asyncio.run(scenario())


def test_a_killed_fork_server_is_replaced(good_file: Path):
    async def scenario() -> Waveform:
        shared = decoder()
        await decode(shared, good_file)
        server = await until(fork_server)
        os.kill(server, signal.SIGKILL)
        # Wait for its end, and leave it to multiprocessing to collect it.
        await asyncio.to_thread(os.waitid, os.P_PID, server, os.WEXITED | os.WNOWAIT)
        return await decode(shared, good_file)

    assert len(asyncio.run(scenario()).samples) == 2 * LIMITS.sample_rate


def test_a_fork_server_killed_beside_files_is_back_soon_and_refuses_until_then(
    good_file: Path, noisy_file: Path
):
    async def scenario() -> list[RequestError]:
        shared = Decoder(AN_HOUR, 2, DECODE_S)
        async with decoding(shared, noisy_file) as running:
            os.kill(await until(fork_server), signal.SIGKILL)
            refusals = []
            async with asyncio.timeout(PATIENCE_S):
                while not await works(shared, refusals):
                    pass
            heard = [samples async for samples in running.progress()]
        assert len(heard[-1]) == 120 * LIMITS.sample_rate, "it had its decoder before"
        return refusals

    async def works(shared: Decoder, refusals: list[RequestError]) -> bool:
        try:
            return len((await decode(shared, good_file)).samples) == 2 * LIMITS.sample_rate
        except RequestError as error:
            refusals.append(error)
            return False

    assert all(error.kind is Kind.OVERLOADED for error in asyncio.run(scenario()))


# callers who leave


def test_a_caller_who_leaves_takes_its_decoder_along(stuck_file: Path):
    async def scenario() -> None:
        running = asyncio.create_task(decode(decoder(), stuck_file))
        await until(lambda: decoders_of(stuck_file))
        await cancel(running)
        assert not decoders()

    asyncio.run(scenario())


def test_a_caller_whose_own_work_fails_takes_its_decoder_along(long_file: Path):
    async def scenario() -> None:
        async with decoding(Decoder(AN_HOUR, 1, DECODE_S), long_file) as running:
            async for _ in running.progress():
                assert decoders()
                raise ArithmeticError("of the caller")

    with pytest.raises(ArithmeticError):
        asyncio.run(scenario())
    assert not decoders()


def test_a_caller_who_leaves_while_its_decoder_starts_takes_it_along_too(
    good_file: Path, stuck_file: Path
):
    async def scenario() -> None:
        shared = decoder(workers=1)
        running = asyncio.create_task(decode(shared, stuck_file))
        await asyncio.sleep(0)  # it is being started in a thread now
        await cancel(running)
        await decode(shared, good_file)  # by then the first has long started
        await until(lambda: not decoders())

    asyncio.run(scenario())


def test_a_caller_who_leaves_makes_room_for_the_next(good_file: Path, stuck_file: Path):
    async def scenario() -> Waveform:
        shared = decoder(workers=1)
        stuck = asyncio.create_task(decode(shared, stuck_file))
        await until(lambda: decoders_of(stuck_file))
        waiting = asyncio.create_task(decode(shared, good_file))
        await asyncio.wait({waiting}, timeout=0.5)
        assert not waiting.done(), "one at a time was asked for"
        await cancel(stuck)
        return await waiting

    assert len(asyncio.run(scenario()).samples) == 2 * LIMITS.sample_rate


def test_a_caller_who_leaves_before_its_turn_makes_room_for_nobody(
    good_file: Path, stuck_file: Path
):
    async def scenario() -> None:
        shared = decoder(workers=1)
        stuck = asyncio.create_task(decode(shared, stuck_file))
        await until(lambda: decoders_of(stuck_file))
        for _ in range(3):
            leaving = asyncio.create_task(decode(shared, good_file))
            await asyncio.sleep(0)
            await cancel(leaving)
        waiting = asyncio.create_task(decode(shared, good_file))
        await asyncio.wait({waiting}, timeout=0.5)
        assert not waiting.done(), "the one turn is taken"
        await cancel(stuck)
        await waiting

    asyncio.run(scenario())


@pytest.mark.parametrize("how", ["done", "refused", "cancelled"])
def test_a_turn_is_given_back_whatever_the_end_and_only_once(
    how: str, good_file: Path, stuck_file: Path, tmp_path: Path
):
    short = tmp_path / "short"
    short.write_bytes(encoded(tone(44_100, 0.1), 44_100))

    async def once(shared: Decoder) -> None:
        if how == "done":
            await decode(shared, good_file)
        elif how == "refused":
            await refusal(decode(shared, short))
        else:
            running = asyncio.create_task(decode(shared, stuck_file))
            await until(lambda: decoders_of(stuck_file))
            await cancel(running)

    async def scenario() -> None:
        shared = decoder(workers=1)
        async with asyncio.timeout(PATIENCE_S):
            for _ in range(3):
                await once(shared)
        stuck = asyncio.create_task(decode(shared, stuck_file))
        await until(lambda: decoders_of(stuck_file))
        waiting = asyncio.create_task(decode(shared, good_file))
        await asyncio.wait({waiting}, timeout=0.5)
        assert not waiting.done(), "the one turn is taken"
        await cancel(stuck)
        await waiting

    asyncio.run(scenario())


# memory


def test_shared_memory_goes_with_the_decoding_whoever_holds_the_samples(noisy_file: Path):
    async def scenario() -> Sound:
        async with decoding(Decoder(AN_HOUR, 1, DECODE_S), noisy_file) as running:
            samples = [samples async for samples in running.progress()][-1]
            assert shared_memory(), "else the next tests prove nothing"
            return samples

    samples = asyncio.run(scenario())
    gc.collect()

    assert not shared_memory()
    assert samples[-1] != 0


@pytest.mark.parametrize(
    "content",
    [encoded(tone(44_100), 44_100), encoded(tone(44_100, 0.1), 44_100), b"text"],
    ids=["decoded", "too short", "no audio"],
)
def test_nothing_is_left_open_whatever_the_end(content: bytes, tmp_path: Path):
    path = tmp_path / "upload"
    path.write_bytes(content)

    async def once(shared: Decoder) -> None:
        with suppress(RequestError):
            await decode(shared, path)

    async def scenario() -> None:
        shared = decoder()
        await once(shared)
        before = descriptors()
        for _ in range(3):
            await once(shared)
        assert descriptors() == before
        assert not shared_memory()

    asyncio.run(scenario())


@pytest.mark.parametrize("started", [False, True])
def test_nothing_is_left_open_where_a_caller_leaves(
    started: bool, good_file: Path, stuck_file: Path
):
    async def once(shared: Decoder) -> None:
        running = asyncio.create_task(decode(shared, stuck_file))
        if started:
            await until(lambda: decoders_of(stuck_file))
        else:
            await asyncio.sleep(0)
        await cancel(running)
        await decode(shared, good_file)
        await until(lambda: not decoders())

    async def scenario() -> None:
        shared = decoder(workers=1)
        await once(shared)
        before = descriptors()
        for _ in range(3):
            await once(shared)
        assert descriptors() == before
        gc.collect()
        assert not shared_memory()

    asyncio.run(scenario())
