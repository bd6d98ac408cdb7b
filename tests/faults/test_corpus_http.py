"""Hostile files, uploaded to one service: each is answered, and nothing of them stays.

By default a file per container and verdict; all of them in the thorough run.
"""

import itertools
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from app.errors import Kind
from testing.corpus import CORPUS, ROOMS
from testing.corpus.wav import chunk, fmt, riff
from testing.process_usage import memory_mib, watched
from testing.processes import below, opened
from testing.server import STUB, Server, serving
from testing.sounds import noise
from testing.waiting import wait_for
from tests.support.client import answer, metric, post

AT_ONCE = 4
WORKERS = 2
_numbers = itertools.count()

EACH_NTH_IS_GOOD = 8
"""Uploads of the corpus between two of the good track."""

BOMBS = ("vorbis codebook of 2^22 words", "vorbis codebooks of 4 GiB")

GROWTH_MIB = 50
"""The most memory more than before that is kept."""

DECODER_MIB = 256

SETTINGS = {
    "TAGGRAM_MODELS": '["msd-musicnn"]',
    "TAGGRAM_DECODE_WORKERS": str(WORKERS),
    # Every file is to be decoded, however slow the machine is.
    "TAGGRAM_MAX_BACKLOG_S": "1000",
    "TAGGRAM_DECODE_TIMEOUT_S": "600",
    "TAGGRAM_DEADLINE_S": "600",
    "MALLOC_ARENA_MAX": "2",  # memory held by the allocator must not grow with the number of CPUs
}


@dataclass(frozen=True)
class Before:
    """A warm service before any hostile upload.

    Attributes:
        server: The running service.
        temporary_files: The folder for received files.
        kept: The files in it before the test.
        processes: Those below it.
        memory_mib: The private memory of its process.
        scores: Those of the valid track alone.
    """

    server: Server
    temporary_files: Path
    kept: set[Path]
    processes: set[int]
    memory_mib: float
    scores: dict[str, float]


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Before]:
    folder = tmp_path_factory.mktemp("corpus")
    temporary_files = folder / "tmp"
    temporary_files.mkdir()
    with serving(folder / "log", {**SETTINGS, "TMPDIR": str(temporary_files)}, STUB) as server:
        scores = scored(*uploaded(server, [good()]))
        # The longest track is not a leak, but raises the memory held by the allocators.
        uploaded(server, [CORPUS["600 s of silence"].make(), *(good() for _ in range(8))])
        pid = server.process.pid
        kept = set(temporary_files.iterdir())
        yield Before(server, temporary_files, kept, pids_below(pid), own_mib(pid), scores)


def one_of_each() -> list[str]:
    """The first file of each container with each verdict."""
    names: dict[tuple[int, str], str] = {}
    for number, room in enumerate(ROOMS):
        for name, file in room.FILES.items():
            kind = file.verdict if isinstance(file.verdict, Kind) else "accepted"
            names.setdefault((number, kind), name)
    return list(names.values())


@pytest.fixture(
    scope="module",
    params=[one_of_each(), pytest.param(list(CORPUS), marks=pytest.mark.thorough)],
    ids=["one of each", "all"],
)
def answers(
    request: pytest.FixtureRequest, before: Before
) -> tuple[dict[str, httpx.Response], list[httpx.Response]]:
    """What the hostile files were answered, and the good track between them."""
    names = [*request.param]
    for place in range(len(names), 0, -EACH_NTH_IS_GOOD):
        names.insert(place, "")
    files = [CORPUS[name].make() if name else good() for name in names]
    pairs = list(zip(names, uploaded(before.server, files), strict=True))
    return {name: outcome for name, outcome in pairs if name}, [
        outcome for name, outcome in pairs if not name
    ]


@pytest.fixture(autouse=True)
def unharmed(before: Before) -> Iterator[None]:
    """Afterwards the same processes are there, and no upload and no memory of them."""
    yield
    server, pid = before.server, before.server.process.pid
    assert server.process.poll() is None
    assert server.http.get("/health/live").status_code == httpx.codes.OK
    assert metric(server, "taggram_errors_total", kind="internal_error") == 0
    with suppress(AssertionError):  # the next line compares the rest
        wait_for(lambda: not leftovers(before, pid), "the hostile uploads to leave nothing")
    assert leftovers(before, pid) == []


def test_a_hostile_file_is_answered_with_its_verdict(answers: tuple[dict, list]) -> None:
    hostile, _ = answers
    wanted = {name: CORPUS[name].verdict for name in hostile}
    if "nothing" in wanted:
        wanted["nothing"] = Kind.INVALID_PARAMETER  # an empty part is refused before any decoder

    wrong = {
        name: (verdict(outcome), wanted[name])
        for name, outcome in hostile.items()
        if verdict(outcome) != pytest.approx(wanted[name], abs=0.02)
    }
    assert not wrong


def test_a_valid_track_scores_the_same_among_hostile_ones(
    answers: tuple[dict, list], before: Before
) -> None:
    _, good_ones = answers

    assert len(good_ones) > AT_ONCE
    for outcome in good_ones:
        assert scored(outcome) == pytest.approx(before.scores, abs=1e-5)


@pytest.mark.parametrize("times", [5, pytest.param(50, marks=pytest.mark.thorough)])
def test_bombs_are_refused_within_the_decoder_s_memory_limit(before: Before, times: int) -> None:
    bombs = [
        CORPUS[name].make() + number.to_bytes(4, "big")  # else they are one track, decoded once
        for number in range(times)
        for name in BOMBS
    ]

    pid = before.server.process.pid
    calm_mib = memory_mib(pid)
    with watched(pid, sample_s=0.1) as usage:
        answered = uploaded(before.server, bombs)

    assert {verdict(outcome) for outcome in answered} == {Kind.UNDECODABLE_AUDIO}
    assert usage.peak_mib <= calm_mib + GROWTH_MIB + WORKERS * DECODER_MIB


def good() -> bytes:
    """A track of 4 s with always the same samples that is never the same file."""
    samples = (noise(64_000) * 2**15).astype("<i2").tobytes()
    return riff(fmt(), chunk(b"data", samples), chunk(b"note", next(_numbers).to_bytes(4, "big")))


def uploaded(server: Server, files: Iterable[bytes]) -> list[httpx.Response]:
    """Upload some files at a time; all answers."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(lambda data: post(server, data, vocabulary="raw", top_k=20), files))


def scored(outcome: httpx.Response) -> dict[str, float]:
    """The scores of a track that was not answered from the cache."""
    body = answer(outcome)
    assert not body["cached"]
    return {tag["tag"]: tag["score"] for tag in body["suggestions"]}


def verdict(outcome: httpx.Response) -> str | float:
    """The kind of a refusal, or the seconds decoded."""
    body = outcome.json()
    if outcome.status_code == httpx.codes.OK:
        seconds: float = body["duration_s"]
        return seconds
    kind: str = body["type"].removeprefix("/problems/")
    return kind


def leftovers(before: Before, pid: int) -> list[str]:
    """What there is more than before: processes, open uploads, memory."""
    left = [f"process {child}" for child in pids_below(pid) - before.processes]
    left += map(str, set(before.temporary_files.iterdir()) - before.kept)
    left += [name for name in opened(pid) if name.startswith(str(before.temporary_files))]
    grown = own_mib(pid) - before.memory_mib
    return [*left, f"{grown:.0f} MiB"] if grown > GROWTH_MIB else left


def own_mib(pid: int) -> float:
    """The memory that ends with a process."""
    private: int = psutil.Process(pid).memory_full_info().uss
    return private / 2**20


def pids_below(pid: int) -> set[int]:
    """The processes that a process started."""
    return {child.pid for child in below(pid)}
