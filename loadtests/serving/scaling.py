"""How time and memory grow with the track, with uploads at once, and with the models loaded.

`python -m loadtests.serving.scaling [--part length ...] [--repeats 3]` starts the service as users
do, once for each part. No track is sent twice, so that none is answered from the cache. Memory is
the peak of all processes (PSS); it is measured in a separate run, as sampling it costs time.
"""

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Annotated

import typer
from rich.progress import track

from loadtests.lookalikes import lookalikes
from loadtests.report import Row, out, publish
from loadtests.service import service
from loadtests.serving.waves import Wave, peak_of_wave, wave
from loadtests.tracks import encoded
from testing.process_usage import memory_mib
from testing.server import Server

LENGTHS_S = (10, 30, 60, 180, 300, 600, 3600)
AT_ONCE = (1, 2, 4, 8, 16, 32)
TRACK_S = 30
LONG_S = 600
LONG_AT_ONCE = 8
MODELS = {
    ("msd-musicnn",): ("msd-musicnn",),
    ("msd-musicnn", "mtt-musicnn"): ("msd-musicnn", None),
    ("msd-musicnn", "mtt-musicnn", "msd-vgg", "mtt-vgg"): ("msd-musicnn", "msd-vgg", None),
}
"""The loaded models, and the requested one: a model for its raw tags, or (none named) a vocabulary
that uses two of them."""

PATIENT = {"TAGGRAM_DEADLINE_S": "3600"}
"""So that a slow machine's figures are times and not refusals."""

FOR_A_DJ_SET = {
    **PATIENT,
    "TAGGRAM_MAX_DURATION_S": "3600",
    "TAGGRAM_MAX_UPLOAD_BYTES": str(128 * 2**20),
    "TAGGRAM_MAX_BACKLOG_S": "3600",
}
"""So that an hour is accepted."""

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def length(repeats: int) -> None:
    """Tracks of several lengths, one after the other."""
    with service(FOR_A_DJ_SET) as server:
        ready = _warmed_up(server)
        rows: list[Row] = []
        for seconds in track(LENGTHS_S, "length", console=out, transient=True):
            tracks = lookalikes(encoded(seconds))
            walls = [_one(server, next(tracks)).seconds[0] for _ in range(repeats)]
            peak, _ = peak_of_wave(server, [next(tracks)])
            rows.append(
                {
                    "track s": seconds,
                    **_spread(walls),
                    "ms a second": statistics.median(walls) / seconds * 1000,
                    "peak above ready MiB": round(peak - ready),
                }
            )
    notes = [f"{ready:.0f} MiB once ready. ms a second: the median, for each second of audio."]
    publish("scaling-length", f"MP3s of several lengths, {repeats} of each", rows, notes)


def concurrency(_repeats: int) -> None:
    """Waves of more and more uploads."""
    with service({**PATIENT, "TAGGRAM_MAX_IN_FLIGHT": str(max(AT_ONCE))}) as server:
        ready = _warmed_up(server)
        tracks = lookalikes(encoded(TRACK_S))
        rows: list[Row] = []
        for at_once in track(AT_ONCE, "concurrency", console=out, transient=True):
            timed = wave(server, list(islice(tracks, at_once)))
            peak, _ = peak_of_wave(server, list(islice(tracks, at_once)))
            rows.append({"at once": at_once, **_wave_row(timed, peak - ready)})
    notes = [f"{ready:.0f} MiB once ready. Each time counts from the wave's beginning."]
    publish("scaling-concurrency", f"{TRACK_S} s MP3s uploaded at once", rows, notes)


def memory(_repeats: int) -> None:
    """The longest tracks, several at once."""
    with service(PATIENT) as server:
        ready = _warmed_up(server)
        tracks = lookalikes(encoded(LONG_S))
        with out.status("memory"):
            peak, done = peak_of_wave(server, list(islice(tracks, LONG_AT_ONCE)))
            after = memory_mib(server.process.pid)
    row = {"at once": LONG_AT_ONCE, **_wave_row(done, peak - ready)}
    notes = [f"{ready:.0f} MiB once ready, {after:.0f} MiB afterwards. Slowed down by watching."]
    publish("scaling-memory", f"{LONG_S} s MP3s uploaded at once", [row], notes)


def models(repeats: int) -> None:
    """Services with one, two and four models."""
    mp3 = encoded(TRACK_S)
    rows: list[Row] = []
    for loaded, names in track(MODELS.items(), "models", console=out, transient=True):
        start = time.monotonic()
        with service({"TAGGRAM_MODELS": json.dumps(loaded)}) as server:
            start_s = time.monotonic() - start
            ready = _warmed_up(server)
            for name in names:
                row = _measured(server, name, mp3, repeats)
                rows.append(
                    {"loaded": len(loaded), "start s": start_s, "ready MiB": round(ready), **row}
                )
    notes = ["start s: from the command to ready, its Python's imports included."]
    publish("scaling-models", f"Models loaded and used, {TRACK_S} s of MP3", rows, notes)


def _measured(server: Server, name: str | None, mp3: bytes, repeats: int) -> Row:
    query = {"vocabulary": "genres"} if name is None else {"vocabulary": "raw", "model": name}
    waves = [_one(server, track, query) for track in islice(lookalikes(mp3), 1 + repeats)]
    models_used = ", ".join(waves[0].models)
    return {"models used": models_used, **_spread([done.seconds[0] for done in waves[1:]])}


def _warmed_up(server: Server) -> float:
    """The memory of the service once it is ready, in MiB; then it tags its first track."""
    ready = memory_mib(server.process.pid)
    _one(server, next(lookalikes(encoded(min(LENGTHS_S)))))
    return ready


def _one(server: Server, mp3: bytes, query: Mapping[str, str] | None = None) -> Wave:
    done = wave(server, [mp3], query)
    assert done.answers == "200: 1", f"answered {done.answers}"
    return done


def _wave_row(done: Wave, above_ready_mib: float) -> Row:
    return {
        "wave s": max(done.seconds),
        "p50 s": statistics.median(done.seconds),
        "tracks/s": len(done.seconds) / max(done.seconds),
        "peak above ready MiB": round(above_ready_mib),
        "answers": done.answers,
    }


def _spread(seconds: Sequence[float]) -> Mapping[str, float]:
    return {"min s": min(seconds), "median s": statistics.median(seconds), "max s": max(seconds)}


PARTS: dict[str, Callable[[int], None]] = {
    part.__name__: part for part in (length, concurrency, memory, models)
}


@cli.command()
def main(
    part: Annotated[
        list[str] | None, typer.Option(help=f"Of {', '.join(PARTS)}; all by default.")
    ] = None,
    repeats: Annotated[int, typer.Option(help="Uploads of each kind that are timed.")] = 3,
) -> None:
    """Measure and print."""
    for name in part or PARTS:
        PARTS[name](repeats)


if __name__ == "__main__":
    cli()
