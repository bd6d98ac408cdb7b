"""The real service with stub networks appends what it infers to a catalogue."""

import json
from pathlib import Path

import httpx
import pyarrow.dataset as ds
import soundfile

from testing.server import STUB, serving
from testing.sounds import noise


def send(http: httpx.Client, path: Path, **parameters: str) -> dict[str, object]:
    with path.open("rb") as file:
        answer = http.post("/suggest-tags", files={"file": file}, params=parameters)
    answer.raise_for_status()
    return answer.json()


def read(out: Path, model: str) -> list[dict[str, object]]:
    return ds.dataset(out / "tracks" / model / "1").to_table().to_pylist()


def test_answers_are_appended_at_the_end_and_failures_of_the_disk_fail_no_request(
    tmp_path: Path,
) -> None:
    songs = [tmp_path / f"{number}.flac" for number in range(3)]
    for number, song in enumerate(songs):
        soundfile.write(song, noise(32_000, number), 16_000)
    out = tmp_path / "catalogue"
    settings = {
        "TAGGRAM_CATALOGUE": str(out),
        "TAGGRAM_MODELS": json.dumps(["msd-musicnn", "mtt-musicnn"]),
    }
    with serving(tmp_path / "log", settings, STUB) as server:
        ids = [send(server.http, song)["track_id"] for song in songs]
        assert send(server.http, songs[0])["cached"]
        send(server.http, songs[0], vocabulary="raw", model="msd-musicnn")
        assert send(server.http, songs[1])["cached"]
        assert server.http.post("/suggest-tags", files={"file": b"no audio"}).status_code == 415

    rows = read(out, "msd-musicnn")
    assert sorted(str(row["external_id"]) for row in rows) == sorted(map(str, ids))
    assert {row["uri"] for row in rows} == {f"upload:{id_}" for id_ in ids}
    assert [row["track_id"] for row in read(out, "mtt-musicnn")]
    assert not [path for path in out.rglob("*") if path.name.startswith(".")]

    with serving(tmp_path / "log", settings, STUB) as server:
        (out / "tracks").rename(out / "moved")
        (out / "tracks").write_text("in the way")
        send(server.http, songs[0])
    log = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    errors = [line["message"] for line in log if line["level"] == "ERROR"]
    assert any("can't be appended" in message for message in errors)
    assert any("dropped" in message for message in errors)
