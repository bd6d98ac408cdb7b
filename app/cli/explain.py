"""`taggram explain`: show which moments of a track a network attended to."""

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.console import cell, err, log_to_stderr, out, plain_errors, say
from app.cli.store_option import StoreUrl, open_store
from app.errors import SetupError
from app.files import write_atomically
from app.paths import check_is_file
from app.store.manifest.manifest import manifests
from app.store.registry.aliases import resolve

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from app.front_ends import FrontEnd
    from app.probing.attention import Explanation, Moment

MOMENTS = 3
"""Moments shown of each window."""
TAGS = 3
"""Tags shown of each window."""


def explain(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An audio file.")],
    model: Annotated[str, typer.Option(help="NAME or NAME/VERSION of a model with attention.")],
    picture: Annotated[
        Path | None, typer.Option("--out", help="Write a PNG: attention over the taggram.")
    ] = None,
    top_k: Annotated[int, typer.Option(min=1, help="The tags in the picture.")] = 10,
    url: StoreUrl = None,
) -> None:
    """Show which moments of each window a transformer attended to for its scores."""
    log_to_stderr(logging.WARNING)
    with plain_errors():
        check_is_file(file)
        store = open_store(url)
        manifest = resolve(store, manifests(store), model)
        samples = _decode(file, manifest.front_end)  # before TensorFlow is imported
        from app.probing.attention import Explainer

        with err.status(cell(f"loading {model}")):
            explainer = Explainer(store, manifest)
        explanation = explainer.explain(samples)
        if picture:
            write_atomically(picture, _draw(explanation, top_k))
    for line in _lines(explanation):
        say(out, line)
    if picture:
        say(out, f"{picture}: attention over the taggram.")


def _decode(file: Path, front: "FrontEnd") -> "npt.NDArray[np.int16]":
    """Decode a file in a process of its own.

    Raises:
        SetupError: It can't be decoded.
    """
    from app.datasets.audio.decoded import DecodedTrack, decode_files, make_decoder

    async def decode() -> "npt.NDArray[np.int16]":
        decoder = make_decoder(front.sample_rate, 1, front.channels)
        async for outcome in decode_files(decoder, {"": file}, 1, lambda *_: None):
            if isinstance(outcome, DecodedTrack):
                return outcome.samples
            raise SetupError(f"{file}: {outcome.why}")
        raise AssertionError("one file has one outcome")

    return asyncio.run(decode())


def _draw(explanation: "Explanation", top_k: int) -> bytes:
    from app.probing.attention_picture import draw_attention

    best = (-explanation.scores.mean(axis=0)).argsort()[:top_k]
    names = [explanation.manifest.tags.names[tag] for tag in best]
    return draw_attention(explanation, names, explanation.scores[:, best])


def _lines(explanation: "Explanation") -> list[str]:
    """Return a line for each window: its time, its tags, and what was attended to most."""
    names, window_s = explanation.manifest.tags.names, explanation.manifest.window_spec.window_s
    lines = []
    for window, (start_s, scores) in enumerate(
        zip(explanation.times_s, explanation.scores, strict=True)
    ):
        tags = ", ".join(f"{names[tag]} {scores[tag]:.2f}" for tag in (-scores).argsort()[:TAGS])
        moments = ", ".join(map(_moment, explanation.moments(window)[:MOMENTS]))
        end_s = start_s + window_s
        lines.append(f"{_time(start_s)} to {_time(end_s)}: {tags}; attended to {moments}")
    return lines


def _moment(moment: "Moment") -> str:
    return f"{_time(moment.start_s)}-{_time(moment.end_s)} ({moment.attention:.1f} x even)"


def _time(seconds: float) -> str:
    """Return a time as minutes and seconds with hundredths, such as 1:07.32."""
    minutes, hundredths = divmod(round(seconds * 100), 6_000)
    return f"{minutes}:{hundredths / 100:05.2f}"
