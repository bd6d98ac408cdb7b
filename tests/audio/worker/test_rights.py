"""What a decoder that a file has taken over still has, and that none outlives the service."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from app.audio.worker import decoder_process
from app.audio.worker.processes import Decoder
from app.errors import RequestError
from testing.decoder_processes import decoders_of, fork_server
from testing.processes import is_running, opened
from testing.sounds import LIMITS
from testing.waiting import wait_for, wait_for_async
from tests.audio import hostile
from tests.audio.decode_helpers import decode

pytestmark = pytest.mark.anyio

SECRET = "not for decoders"
CAP_SETPCAP = 8
"""The capability to drop capabilities."""

SERVICE = """
import asyncio, sys
from pathlib import Path
from app.audio.worker import decoder_process
from app.audio.worker.processes import Decoder
from testing.sounds import LIMITS
from tests.audio import hostile
from tests.audio.decode_helpers import decode

decoder_process.main = hostile.waits_for_its_file
asyncio.run(decode(Decoder(LIMITS, 1, 300), Path(sys.argv[1])))
"""


@pytest.fixture
def stuck_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A named pipe without a writer, which a decoder waits for."""
    monkeypatch.setattr(decoder_process, "main", hostile.waits_for_its_file)
    path = tmp_path / "stuck"
    os.mkfifo(path)
    return path


@asynccontextmanager
async def confined_decoder(path: Path) -> AsyncIterator[psutil.Process]:
    """A decoder that has a file that it never reads to its end."""
    decoding = asyncio.create_task(decode(Decoder(LIMITS, 1, 300), path))
    [pid] = await wait_for_async(lambda: decoders_of(path), "a decoder with the file")
    await wait_for_async(lambda: status(pid)["Seccomp"] == "2", "its confinement")
    yield psutil.Process(pid)
    decoding.cancel()
    with pytest.raises((asyncio.CancelledError, RequestError)):
        await decoding


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


async def test_decoders_and_their_fork_server_have_no_secrets(
    stuck_file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TAGGRAM_SECRET", SECRET)
    monkeypatch.setenv("LC_TIME", "C")
    Decoder(LIMITS, 1, 300)
    started = psutil.Process(fork_server())
    started.kill()  # later processes get the current environment
    await wait_for_async(lambda: not is_running(started), "its end")

    async with confined_decoder(stuck_file) as decoder:
        for process in (decoder, psutil.Process(fork_server())):
            seen = process.environ()
            assert SECRET not in str(seen) + str(process.cmdline())
            assert {"PATH", "LC_TIME"} <= seen.keys()


async def test_a_decoder_has_only_the_descriptors_it_needs(stuck_file: Path):
    async with confined_decoder(stuck_file) as decoder:
        paths = opened(decoder.pid)

    sockets = [path for path in paths if path.startswith("socket:")]
    assert len(sockets) == 1
    samples = "/memfd:taggram-samples (deleted)"
    assert set(paths) == {os.devnull, samples, str(stuck_file), *sockets}


async def test_a_decoder_has_no_root_capabilities(stuck_file: Path):
    async with confined_decoder(stuck_file) as decoder:
        has = status(decoder.pid)

    sets = {"CapInh", "CapPrm", "CapEff", "CapAmb"}
    if int(status(os.getpid())["CapEff"], 16) >> CAP_SETPCAP & 1:
        sets.add("CapBnd")  # others may not shrink it; of a program that runs none it means nothing
    assert {name: int(has[name], 16) for name in sets} == dict.fromkeys(sets, 0)
    assert has["NoNewPrivs"] == "1"


async def test_a_stopped_decoder_ends_with_its_fork_server(stuck_file: Path):
    async with confined_decoder(stuck_file) as decoder:
        decoder.suspend()
        await wait_for_async(lambda: decoder.status() == psutil.STATUS_STOPPED, "its stop")
        os.kill(fork_server(), signal.SIGKILL)

        await wait_for_async(lambda: not is_running(decoder), "its end")


def test_a_stopped_decoder_and_the_fork_server_end_with_the_service(stuck_file: Path):
    with subprocess.Popen([sys.executable, "-c", SERVICE, stuck_file]) as service:
        below = psutil.Process(service.pid).children
        decoder = wait_for(
            lambda: next(
                (each for each in below(recursive=True) if is_confined_with(each, stuck_file)), None
            ),
            "a decoder with the file",
        )
        processes = below(recursive=True)
        assert len(processes) == 3, "multiprocessing's tracker, the fork server, the decoder"
        decoder.suspend()
        wait_for(lambda: decoder.status() == psutil.STATUS_STOPPED, "its stop")
        service.kill()

    wait_for(lambda: not any(map(is_running, processes)), "the end of all")


def is_confined_with(process: psutil.Process, path: Path) -> bool:
    return status(process.pid)["Seccomp"] == "2" and str(path) in opened(process.pid)
