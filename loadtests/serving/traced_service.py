"""The service, which writes when its melgrams and networks computed; `timeline` runs it.

`TIMELINE_FILE` names the file, of a line of JSON for each computation: its name, begin and end by
the monotonic clock, which is the same in all processes.
"""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import typer

from app.cli.serve import Host, Insecure, Port, start
from app.front_ends import FrontEnd
from app.inference.engine import Engine
from app.inference.features import FeatureExtractor
from app.inference.frozen_features import make_extractor
from app.inference.pool import EngineSpec
from app.inference.selection import AUTO, choose
from app.settings import Settings
from app.store.manifest.manifest import Manifest
from app.store.storage.store import Store

T = TypeVar("T")

app = typer.Typer()
_extractors: dict[FrontEnd, FeatureExtractor] = {}


@app.callback()
def traced_service() -> None:
    """Take `serve` as the name of a command, as `taggram` does."""


@app.command()
def serve(host: Host = "127.0.0.1", port: Port = 8000, insecure: Insecure = False) -> None:
    """Serve the API."""
    start(host, port, insecure=insecure, load_engine=load_traced_engine)


def load_traced_engine(manifest: Manifest, choice: EngineSpec | None) -> Engine:  # noqa: ARG001
    """Load an engine as the service does; it and its extractor then write their times."""
    if manifest.front_end not in _extractors:
        extractor = make_extractor(manifest.front_end)
        _extractors[manifest.front_end] = extractor
        extractor.frames = _traced("melgram", extractor.frames)  # type: ignore[method-assign]
    store = Store(Settings().model_store)
    engine = choose(store, manifest, _extractors[manifest.front_end], AUTO)
    engine.score = _traced(manifest.name, engine.score)  # type: ignore[method-assign]
    return engine


def _traced(name: str, compute: Callable[..., T]) -> Callable[..., T]:
    def traced(*arguments: object) -> T:
        begin = time.monotonic()
        try:
            return compute(*arguments)
        finally:
            with Path(os.environ["TIMELINE_FILE"]).open("a") as file:
                file.write(json.dumps([name, begin, time.monotonic()]) + "\n")

    return traced
