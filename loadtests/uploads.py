"""What an upload costs: a three-minute MP3 again and again, by stage, and the memory that stays.

`python -m loadtests.uploads [UPLOADS]` starts the service as users do, on loopback, uploads so many
different tracks (20 unless told otherwise) after one to warm up, and prints for each stage of
`Server-Timing` the minimum, median and maximum. Each track starts elsewhere in the same song, so
that none is answered from the cache.
"""

import io
import re
import statistics
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import soundfile
from rich.console import Console
from rich.progress import track
from rich.table import Table

from loadtests.audio_packages import fetch
from tests.server import Server, serving

UPLOADS = 20
SECONDS = 180
STAGE = re.compile(r"(\w+);dur=([\d.]+)")

out = Console()


def main() -> None:
    """Measure and print."""
    uploads = int(sys.argv[1]) if len(sys.argv) > 1 else UPLOADS
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "log") as server:
        loaded_mib = _resident_mib(server)
        for number, query in enumerate(({"model": "msd-musicnn"}, {})):
            tracks = _tracks(uploads + 1, first=number * (uploads + 1))
            server.http.post("/suggest-tags", files={"file": tracks[0]}, params=query)
            timings: dict[str, list[float]] = defaultdict(list)
            for mp3 in track(tracks[1:], "uploading", transient=True):
                answer = server.http.post("/suggest-tags", files={"file": mp3}, params=query)
                answer.raise_for_status()
                for stage, milliseconds in STAGE.findall(answer.headers["server-timing"]):
                    timings[stage].append(float(milliseconds))
            models = ", ".join(model["name"] for model in answer.json()["models"])
            _print(f"{SECONDS} s of MP3, 44.1 kHz stereo, heard by {models}", timings)
        out.print(
            f"resident memory: {loaded_mib:.0f} MiB once ready, "
            f"{_resident_mib(server):.0f} MiB after {2 * (uploads + 1)} uploads"
        )


def _tracks(count: int, first: int) -> list[bytes]:
    """So many different MP3s of the same song, repeated to fill three minutes.

    Track number n, counted from `first`, starts n seconds into the song.
    """
    song = fetch("fretsonfire-songs-sectoid") / "Metal madness" / "song.ogg"
    samples, rate = soundfile.read(song, dtype="float32")
    tracks = []
    for number in track(range(first, first + count), "encoding", transient=True):
        start = number * rate
        turned = np.resize(np.roll(samples, -start, axis=0), (SECONDS * rate, samples.shape[1]))
        mp3 = io.BytesIO()
        soundfile.write(mp3, np.clip(turned, -1, 1), rate, format="MP3")
        tracks.append(mp3.getvalue())
    return tracks


def _resident_mib(server: Server) -> float:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else float("nan")


def _print(title: str, timings: dict[str, list[float]]) -> None:
    table = Table(
        "stage", "min ms", "median ms", "max ms", title=title, title_justify="left", min_width=64
    )
    for stage, values in timings.items():
        figures = (min(values), statistics.median(values), max(values))
        table.add_row(stage, *(f"{figure:.0f}" for figure in figures))
    out.print(table)


if __name__ == "__main__":
    main()
