"""The time of `POST /recommendations`, over one connection, one request after the other.

`python -m loadtests.recommender.latency [REQUESTS]` publishes made-up recommenders for 3,000 and
for 100,000 curators, serves each with the real service, and asks it by a track that the recommender
knows, and by subgenres alone.
"""

import itertools
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from app.settings import Settings
from app.store.manifest.manifest import manifests
from app.store.manifest.recommender import Vectors
from app.store.storage.store import Store
from app.tagging.vocabulary_file import read_vocabularies
from loadtests.report import Row, argument, out, publish
from loadtests.service import service
from testing.made_recommender import known_track_id, publish_made
from testing.server import Server

REQUESTS = 200
WARM_UP = 10
CURATORS = (3_000, 100_000)
TRACKS = 10_000
MODEL = "msd-musicnn"
TARGETS_MS = {3_000: 20.0, 100_000: 50.0}
"""The medians that the service should stay below."""


def main() -> None:
    """Measure and print."""
    requests = argument(REQUESTS)
    rows = [row for curators in CURATORS for row in _measure(curators, requests)]
    title = f"POST /recommendations, {requests} of each, one after the other"
    publish("recommendations", title, rows)


def _measure(curators: int, requests: int) -> Iterator[Row]:
    """Yield a row for each kind of request to a service with this number of curators."""
    subgenres = tuple(read_vocabularies((), {})["subgenres"].tags)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "models")
        shutil.copytree(Path(Settings().model_store) / MODEL, Path(store.url) / MODEL)
        [model] = manifests(store)[MODEL]
        vectors = Vectors(models=(str(model.ref),))
        publish_made(
            *(store, "made", model.tags.names, vectors),
            subgenres=subgenres,
            curators=curators,
            tracks=TRACKS,
        )
        settings = {
            "TAGGRAM_MODEL_STORE": store.url,
            "TAGGRAM_MODELS": f'["{MODEL}"]',
            "TAGGRAM_RECOMMENDER": "made",
        }
        with service(settings) as server:
            pairs = itertools.cycle(itertools.pairwise(subgenres))
            tracks = itertools.cycle(range(TRACKS))
            artists: dict[str, Iterator[dict[str, Any]]] = {
                "a known track": ({"track_ids": [known_track_id(each)]} for each in tracks),
                "subgenres only": ({"subgenres": pair, "country": "DE"} for pair in pairs),
            }
            for name, made in artists.items():
                yield _row(server, f"{curators:,} curators, {name}", made, requests, curators)


def _row(
    server: Server, name: str, artists: Iterator[dict[str, Any]], requests: int, curators: int
) -> Row:
    """Return the times of requests for different artists."""
    times = []
    for _ in track(range(WARM_UP + requests), name, console=out, transient=True):
        body = {"artist": next(artists), "k": 10}
        begun = time.perf_counter()
        server.http.post("/recommendations", json=body).raise_for_status()
        times.append((time.perf_counter() - begun) * 1000)
    least, middle, p99 = np.percentile(times[WARM_UP:], (0, 50, 99))
    return {
        "request": name,
        "min ms": float(least),
        "median ms": float(middle),
        "p99 ms": float(p99),
        "target of the median": TARGETS_MS[curators],
    }


if __name__ == "__main__":
    main()
