"""How time and memory grow with the track, with uploads at once, and with the models loaded.

`python -m loadtests.serving.scaling [--part length ...] [--repeats 2]` starts the service as users
do, once for each part. No track is sent twice, so that none is answered from the cache. Memory is
the peak of the processes (PSS); it is measured in a separate run, as sampling it costs time.
"""

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Annotated

import numpy as np
import typer
from rich.progress import track

from loadtests.lookalikes import lookalikes
from loadtests.report import Row, out, publish
from loadtests.service import service
from loadtests.serving.waves import Wave, peak_of_wave, wave
from loadtests.tracks import encoded, repeated
from testing.process_usage import memory_mib, split_memory_mib
from testing.server import Server

LENGTHS_S = (10, 30, 180, 600, 3600)
LONG_FROM_S = 180
"""Below, what a request costs whatever its length can be seen."""

PIECE_S = 60
"""Longer MP3s repeat one of a minute."""

SERVER, DECODERS = "server's peak MiB", "decoders' peak MiB"

LINEAR = 0.1
"""Growth with a power of the length this close to 1 is called linear."""

AT_ONCE = (1, 2, 4, 8, 16)
TRACK_S = 30
LONG_S = 540
LONG_AT_ONCE = 8
MODELS = {
    ("msd-musicnn",): ("msd-musicnn",),
    ("msd-musicnn", "mtt-musicnn"): ("msd-musicnn", None),
    ("msd-musicnn", "mtt-musicnn", "msd-vgg", "mtt-vgg"): ("msd-musicnn", "msd-vgg", None),
}
"""The loaded models, and the requested one: a model for its raw tags, or (none named) a vocabulary
that uses two of them."""

PATIENT = {"TAGGRAM_DEADLINE_S": "3600", "TAGGRAM_MAX_BACKLOG_S": "3600"}
"""So that a slow machine's figures are times and not refusals."""

FOR_A_DJ_SET = {
    **PATIENT,
    "TAGGRAM_MAX_DURATION_S": "4000",
    "TAGGRAM_MAX_UPLOAD_BYTES": str(128 * 2**20),
    "TAGGRAM_DECODE_TIMEOUT_S": "600",
}
"""So that an hour is accepted."""

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def length(repeats: int) -> None:
    """Tracks of several lengths, one after the other."""
    with service(FOR_A_DJ_SET) as server:
        server_ready, decoders_ready = split_memory_mib(server.process.pid)
        _warm_up(server)
        rows: list[dict[str, float]] = []
        for seconds in track(LENGTHS_S, "length", console=out, transient=True):
            tracks = lookalikes(_mp3(seconds))
            walls = [_one(server, next(tracks)).seconds[0] for _ in range(repeats)]
            usage, _ = peak_of_wave(server, [next(tracks)])
            rows.append(
                {
                    "track s": seconds,
                    **_spread(walls),
                    "ms a second": statistics.median(walls) / seconds * 1000,
                    SERVER: round(usage.server_peak_mib - server_ready),
                    DECODERS: round(usage.decoder_peak_mib - decoders_ready),
                }
            )
    long = [row for row in rows if row["track s"] >= LONG_FROM_S]
    lengths = [row["track s"] for row in long]
    notes = [
        f"Once ready, the server takes {server_ready:.0f} MiB, the processes below it "
        f"{decoders_ready:.0f} MiB; the peaks are what comes on top. A decoder shares the samples "
        "with the server: each counts half of them.",
        "ms a second: the median, for each second of audio.",
        *(
            f"From {LONG_FROM_S} s on, {column}: {growth(lengths, [row[column] for row in long])}."
            for column in ("median s", SERVER, DECODERS)
        ),
    ]
    publish("scaling-length", f"MP3s of several lengths, {repeats} of each", rows, notes)


def growth(lengths: Sequence[float], values: Sequence[float]) -> str:
    """Describe how values grow with the length: the power of it that fits them best."""
    power = float(np.polyfit(np.log(lengths), np.log(np.maximum(values, 1e-3)), 1)[0])
    if abs(power - 1) <= LINEAR:
        return f"linear (the power of the length is {power:.2f})"
    return f"{'more' if power > 1 else 'less'} than linear (the power of the length is {power:.2f})"


def concurrency(_repeats: int) -> None:
    """Waves of more and more uploads."""
    with service({**PATIENT, "TAGGRAM_MAX_IN_FLIGHT": str(max(AT_ONCE))}) as server:
        ready = memory_mib(server.process.pid)
        _warm_up(server)
        tracks = lookalikes(encoded(TRACK_S))
        rows: list[Row] = []
        for at_once in track(AT_ONCE, "concurrency", console=out, transient=True):
            timed = wave(server, list(islice(tracks, at_once)))
            usage, _ = peak_of_wave(server, list(islice(tracks, at_once)))
            rows.append({"at once": at_once, **_wave_row(timed, usage.peak_mib - ready)})
    notes = [f"{ready:.0f} MiB once ready. Each time counts from the wave's beginning."]
    publish("scaling-concurrency", f"{TRACK_S} s MP3s uploaded at once", rows, notes)


def memory(_repeats: int) -> None:
    """The longest tracks, several at once."""
    with service(PATIENT) as server:
        ready = memory_mib(server.process.pid)
        _warm_up(server)
        tracks = lookalikes(_mp3(LONG_S))
        with out.status("memory"):
            usage, done = peak_of_wave(server, list(islice(tracks, LONG_AT_ONCE)))
            after = memory_mib(server.process.pid)
    assert done.answers == f"200: {LONG_AT_ONCE}", f"answered {done.answers}"
    row = {"at once": LONG_AT_ONCE, **_wave_row(done, usage.peak_mib - ready)}
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
            ready = memory_mib(server.process.pid)
            _warm_up(server)
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


def _warm_up(server: Server) -> None:
    _one(server, next(lookalikes(_mp3(min(LENGTHS_S)))))


def _mp3(seconds: int) -> bytes:
    if seconds <= PIECE_S:
        return encoded(seconds)
    return repeated(encoded(PIECE_S), seconds // PIECE_S)


def _one(server: Server, mp3: bytes, query: Mapping[str, str] | None = None) -> Wave:
    done = wave(server, [mp3], query)
    assert done.answers == "200: 1", f"answered {done.answers}"
    return done


def _wave_row(done: Wave, above_ready_mib: float) -> Row:
    return {
        "wave s": max(done.seconds),
        "p50 s": statistics.median(done.seconds),
        "tracks/s": len(done.seconds) / max(done.seconds),
        "core s a track": done.cpu_s / len(done.seconds),
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
    repeats: Annotated[int, typer.Option(help="Uploads of each kind that are timed.")] = 2,
) -> None:
    """Measure and print."""
    for name in part or PARTS:
        PARTS[name](repeats)


if __name__ == "__main__":
    cli()
