"""Every hostile file gets its own verdict from the decoder, in bounded memory."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from app.audio.limits import AudioLimits
from app.audio.worker.processes import Decoder
from app.errors import Kind, RequestError
from testing.corpus import CORPUS, ROOMS
from testing.decoder_processes import fork_server, main_module_hidden
from tests.audio.decode_helpers import decode

LIMITS = AudioLimits(sample_rate=16_000, min_duration_s=0.5, max_duration_s=600.0)
WORKERS = 2
SHORT_S = 60.0
"""The limit, in seconds, for files that are refused as too long: ten minutes of each cost much, and
the corpus over HTTP has the service's limit."""

EDGE = "601 s of silence"
"""The file that is too long by a second."""

TIMEOUT_S = 300

MOST_MIB = 256
"""What a decoder may hold, its interpreter and the samples of ten minutes included."""

EVERY_S = 0.02


@dataclass
class Outcome:
    """What came of all files: kinds of refusals, or seconds decoded; the largest decoder."""

    verdicts: dict[str, Kind | float] = field(default_factory=dict)
    peak_mib: float = 0.0


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """All files go through the decoder once, two at a time."""
    result = Outcome()
    with main_module_hidden(), _watched(result):
        asyncio.run(_decode_all(result, tmp_path_factory.mktemp("corpus")))
    return result


def test_a_hostile_file_gets_its_verdict(outcome: Outcome) -> None:
    wrong = {
        name: (outcome.verdicts[name], hostile.verdict)
        for name, hostile in CORPUS.items()
        if outcome.verdicts[name] != pytest.approx(hostile.verdict, abs=0.02)
    }
    assert wrong == {}


def test_no_hostile_file_exceeds_the_decoder_s_memory_limit(outcome: Outcome) -> None:
    assert 0 < outcome.peak_mib <= MOST_MIB


def test_hostile_files_have_unique_names() -> None:
    assert len(CORPUS) == sum(len(room.FILES) for room in ROOMS)


async def _decode_all(result: Outcome, folder: Path) -> None:
    decoder = Decoder(LIMITS, WORKERS, TIMEOUT_S)
    short = Decoder(replace(LIMITS, max_duration_s=SHORT_S), WORKERS, TIMEOUT_S)
    names = iter(CORPUS)

    async def work(path: Path) -> None:
        for name in names:
            await asyncio.to_thread(path.write_bytes, CORPUS[name].make())
            try:
                is_endless = CORPUS[name].verdict is Kind.AUDIO_TOO_LONG and name != EDGE
                used = short if is_endless else decoder
                result.verdicts[name] = (await decode(used, path)).duration_s
            except RequestError as error:
                result.verdicts[name] = error.kind

    await asyncio.gather(*(work(folder / str(worker)) for worker in range(WORKERS)))


@contextmanager
def _watched(result: Outcome) -> Iterator[None]:
    """Note the largest decoder; the kernel keeps each one's peak, so rare looks miss little."""
    done = threading.Event()

    def look() -> None:
        server = None
        while not done.wait(EVERY_S):
            server = server or fork_server()
            if server:
                result.peak_mib = max(result.peak_mib, *map(_peak_mib, _children(server)), 0.0)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield
    finally:
        done.set()
        looking.join(300)


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _peak_mib(pid: str) -> float:
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0
