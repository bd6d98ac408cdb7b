"""The programs that `loadtests.peers.compare` measures: each analyses one track at a time."""

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
from testing.server import serving

MODEL = "msd-musicnn"
PARAMETERS = {"vocabulary": "raw", "model": MODEL}
STOP_S = 30


@dataclass(frozen=True)
class Measured:
    """What came of one track.

    Attributes:
        total_s: From the file to the scores.
        load_s: Bringing the samples to the model's rate.
        model_s: From the samples to the scores.
        scores: (windows, tags), tags in the model's order.
    """

    total_s: float
    load_s: float
    model_s: float
    scores: npt.NDArray[np.float64]


Measure = Callable[[Path], Measured]


@contextmanager
def taggram(engine: str, precision: str) -> Iterator[Measure]:
    """The service as users start it, with one model."""
    settings = {
        "TAGGRAM_MODELS": json.dumps([MODEL]),
        "TAGGRAM_ENGINE": engine,
        "TAGGRAM_PRECISION": precision,
    }
    with ExitStack() as stack:
        try:
            log = _log(f"taggram-{engine}-{precision}")
            server = stack.enter_context(serving(log, settings))
        except AssertionError as error:
            raise CannotRunError(last_line(str(error))) from error
        yield lambda path: _uploaded(server.http, path)


@contextmanager
def musicnn(way: str) -> Iterator[Measure]:
    """Their own code, see `loadtests.peers.musicnn`."""
    command = (str(environment("musicnn")), "-m", "loadtests.peers.musicnn", way)
    with _process(command, _log(f"musicnn-{way}"), {"TF_USE_LEGACY_KERAS": "1"}) as infer:
        yield infer


@contextmanager
def essentia() -> Iterator[Measure]:
    """essentia-tensorflow, see `loadtests.peers.essentia`."""
    graph = str(frozen_graph())
    command = (str(environment("essentia")), "-m", "loadtests.peers.essentia", graph)
    with _process(command, _log("essentia"), {}) as infer:
        yield infer


CONTENDERS: dict[str, Callable[[], AbstractContextManager[Measure]]] = {
    "Taggram, openvino bf16": lambda: taggram("openvino", "bf16"),
    "Taggram, openvino float32": lambda: taggram("openvino", "float32"),
    "Taggram, tensorflow float32": lambda: taggram("tensorflow", "float32"),
    "musicnn, extractor": lambda: musicnn("extractor"),
    "musicnn, session kept": lambda: musicnn("kept"),
    "essentia-tensorflow": essentia,
}


def _uploaded(http: httpx.Client, path: Path) -> Measured:
    file = (path.name, path.read_bytes())
    started = time.perf_counter()
    answer = http.post("/suggest-tags", files={"file": file}, params={**PARAMETERS, "top_k": 5})
    total_s = time.perf_counter() - started
    if answer.is_error:
        raise CannotRunError(f"status {answer.status_code}: {answer.text}")
    body = answer.json()
    if body["cached"]:
        raise RuntimeError("a track that should be new was answered from the cache")
    stages = stage_seconds(answer.headers)
    scores = _scores(http, body["track_id"])
    return Measured(total_s, stages["receive"] + stages["decode"], stages["infer"], scores)


def _scores(http: httpx.Client, track_id: str) -> npt.NDArray[np.float64]:
    query = {**PARAMETERS, "track_id": track_id}
    shown = http.get("/taggram", params=query).raise_for_status().json()
    (model,) = http.get("/models").raise_for_status().json()
    columns = [shown["tags"].index(tag) for tag in model["tags"]]
    return np.array(shown["scores"])[:, columns]


@contextmanager
def _process(command: tuple[str, ...], log: Path, settings: Mapping[str, str]) -> Iterator[Measure]:
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
        yield infer
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
