"""Suggestions of the running service for labelled songs."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.progress import track

from loadtests.quality.metrics import Answer
from loadtests.report import out
from loadtests.service import service
from testing.server import Server

TOP_K = 20


def answer_songs(songs: Sequence[tuple[str, Path]], models: tuple[str, ...]) -> Iterator[Answer]:
    """Yield an answer for each song that the service accepts; the others are named."""
    settings = {"TAGGRAM_MODELS": json.dumps(models)} if models else {}
    with service(settings) as server:
        [vocabulary] = [
            each for each in server.http.get("/vocabularies").json() if each["name"] == "subgenres"
        ]
        for genre, path in track(songs, "tagging", console=out):
            response = server.http.post(
                "/suggest-tags", params={"top_k": TOP_K}, files={"file": path.read_bytes()}
            )
            if response.is_success:
                yield _answer(server, genre, response.json(), vocabulary)
            else:
                out.print(f"left out: {path.name}: {response.json()['detail']}", markup=False)


def _answer(
    server: Server, genre: str, answer: dict[str, Any], vocabulary: dict[str, Any]
) -> Answer:
    """The scores are requested from `GET /taggram`: suggestions stop at the twentieth."""
    shown = server.http.get(answer["taggram_url"]).json()
    raw = {
        model["name"]: _raw(server, answer["track_id"], model["name"]) for model in answer["models"]
    }
    meant = {
        entry["tag"]: [raw[model][name] for model, of in entry["heard_as"].items() for name in of]
        for entry in (*vocabulary["tags"], *vocabulary["genres"])
    }
    return Answer(
        genre,
        tuple(each["tag"] for each in answer["suggestions"]),
        tuple(each["level"] == "genre" for each in answer["suggestions"]),
        answer["confidence"] == "low",
        dict(zip(shown["tags"], shown["pooled_scores"], strict=True)),
        {tag: max(scores) for tag, scores in meant.items() if scores},
    )


def _raw(server: Server, track_id: str, model: str) -> dict[str, float]:
    query = {"track_id": track_id, "vocabulary": "raw", "model": model}
    answer = server.http.get("/taggram", params=query).json()
    return dict(zip(answer["tags"], answer["mean_scores"], strict=True))
