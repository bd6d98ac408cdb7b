"""The programs that `loadtests.peers` measures: each analyses one track at a time, or several."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import numpy.typing as npt

from loadtests.peers.environments import PEERS, CannotRunError, environment, frozen_graph, last_line
from loadtests.report import REPOSITORY
from loadtests.service import stage_seconds
from testing.server import Server, serving

MODEL = "msd-musicnn"
"""The model whose scores are compared, and that the peers use."""

STOP_S = 30

DEFAULT: Mapping[str, str] = {}
"""A request without parameters, which both default models answer."""

ONE_MODEL = {"vocabulary": "raw", "model": MODEL}
PATIENT = {
    "TAGGRAM_MAX_IN_FLIGHT": "1024",
    "TAGGRAM_MAX_BACKLOG_S": "600",
    "TAGGRAM_DEADLINE_S": "600",
}
"""So that saturation is measured, and no refusals."""


@dataclass(frozen=True)
class Measured:
    """What came of one track.

    Attributes:
        total_s: From the file to the scores.
        load_s: Bringing the samples to the model's rate.
        model_s: From the samples to the scores.
        scores: (windows, tags) of `MODEL`, tags in the model's order.
    """

    total_s: float
    load_s: float
    model_s: float
    scores: npt.NDArray[np.float64]


Measure = Callable[[Path], Measured]


@dataclass(frozen=True)
class Contender:
    """A program that is running.

    Attributes:
        infer: Have it analyse a file.
        pid: Its process, below which all others of it are.
    """

    infer: Measure
    pid: int


Start = Callable[[], AbstractContextManager[Contender]]
"""Start a contender, and end it with the body."""


@contextmanager
def taggram_server(query: Mapping[str, str]) -> Iterator[Server]:
    """The service as users start it; with one model if the query names one."""
    model = query.get("model")
    settings = PATIENT | ({"TAGGRAM_MODELS": json.dumps([model])} if model else {})
    with ExitStack() as stack:
        try:
            log = _log(f"taggram-{model or 'default'}")
            server = stack.enter_context(serving(log, settings))
        except AssertionError as error:
            raise CannotRunError(last_line(str(error))) from error
        yield server


@contextmanager
def taggram(query: Mapping[str, str]) -> Iterator[Contender]:
    """The service, asked over HTTP."""
    with taggram_server(query) as server:
        yield Contender(lambda path: _answered(server.http, path, query), server.process.pid)


@contextmanager
def musicnn(way: str) -> Iterator[Contender]:
    """Their own code, see `loadtests.peers.musicnn`."""
    command = (str(environment("musicnn")), "-m", "loadtests.peers.musicnn", way)
    with _process(command, _log(f"musicnn-{way}"), {"TF_USE_LEGACY_KERAS": "1"}) as contender:
        yield contender


@contextmanager
def essentia() -> Iterator[Contender]:
    """essentia-tensorflow, see `loadtests.peers.essentia`."""
    graph = str(frozen_graph())
    command = (str(environment("essentia")), "-m", "loadtests.peers.essentia", graph)
    with _process(command, _log("essentia"), {}) as contender:
        yield contender


def upload(http: httpx.Client, track: bytes, query: Mapping[str, str]) -> httpx.Response:
    """Have a track tagged that the service has not seen.

    Raises:
        CannotRunError: It was refused.
    """
    files = {"file": ("track", track)}
    answer = http.post("/suggest-tags", files=files, params=query)
    if answer.is_error:
        raise CannotRunError(f"status {answer.status_code}: {answer.text}")
    if answer.json()["cached"]:
        raise RuntimeError("a track that should be new was answered from the cache")
    return answer


def _answered(http: httpx.Client, path: Path, query: Mapping[str, str]) -> Measured:
    track = path.read_bytes()
    started = time.perf_counter()
    answer = upload(http, track, query)
    total_s = time.perf_counter() - started
    stages = stage_seconds(answer.headers)
    scores = _scores(http, answer.json()["track_id"])
    return Measured(total_s, stages["receive"] + stages["decode"], stages["infer"], scores)


def _scores(http: httpx.Client, track_id: str) -> npt.NDArray[np.float64]:
    query = {**ONE_MODEL, "track_id": track_id}
    shown = http.get("/taggram", params=query).raise_for_status().json()
    models = http.get("/models").raise_for_status().json()
    (tags,) = (model["tags"] for model in models if model["name"] == MODEL)
    columns = [shown["tags"].index(tag) for tag in tags]
    return np.array(shown["scores"])[:, columns]


@contextmanager
def _process(
    command: tuple[str, ...], log: Path, settings: Mapping[str, str]
) -> Iterator[Contender]:
    """A peer's process, which speaks as in `loadtests.peers.protocol`."""
    with log.open("w") as errors:
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env={**os.environ, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )

    def infer(path: Path) -> Measured:
        assert process.stdin
        assert process.stdout
        with suppress(BrokenPipeError):  # then it has ended, and its log has the reason
            print(json.dumps({"path": str(path)}), file=process.stdin, flush=True)
        line = process.stdout.readline()
        if not line:
            raise CannotRunError(last_line(log.read_text(errors="replace")))
        answer = json.loads(line)
        answer["scores"] = np.array(answer["scores"])
        return Measured(**answer)

    try:
        yield Contender(infer, process.pid)
    finally:
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """It ends when its standard input is closed."""
    try:
        process.communicate(timeout=STOP_S)
    except (subprocess.TimeoutExpired, BrokenPipeError):
        process.kill()
        process.wait()


def _log(name: str) -> Path:
    PEERS.mkdir(parents=True, exist_ok=True)
    return PEERS / f"{name}.log"
