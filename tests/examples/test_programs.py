"""The example clients and the token backend run against the service as users run them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.access.key_file import create_key
from testing.server import STUB, Server, free_port, serving
from testing.waiting import wait_for
from tests.conftest import REPOSITORY

EXAMPLES = REPOSITORY / "examples"
PAGE = "http://127.0.0.1:5501"

CLIENTS = {
    "python": [sys.executable, EXAMPLES / "clients" / "suggest_tags.py"],
    "node": ["node", EXAMPLES / "clients" / "suggest-tags.mjs"],
}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A file of keys, and the key in it."""
    file = tmp_path_factory.mktemp("keys") / "keys.json"
    return file, create_key(file, "signup", admin=False)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, key: tuple[Path, str]) -> Iterator[Server]:
    """A service with API keys."""
    settings = {
        "TAGGRAM_KEYS_FILE": str(key[0]),
        "TAGGRAM_SECRET": "a secret of tests, thirty-two or more characters",
        "TAGGRAM_ALLOWED_ORIGINS": json.dumps([PAGE]),
    }
    with serving(tmp_path_factory.mktemp("guarded") / "log", settings, STUB) as server:
        yield server


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> list[str | Path]:
    """The command of an example client."""
    command = CLIENTS[request.param]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    return command


def run(
    client: list[str | Path], service: Server, key: str, track: Path
) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "TAGGRAM_URL": str(service.http.base_url),
        "TAGGRAM_KEY": key,
    }
    return subprocess.run(
        [*client, track], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_client_prints_label_score_and_moments(
    client: list[str | Path], guarded: Server, key: tuple[Path, str], clip: Path
) -> None:
    ended = run(client, guarded, key[1], clip)

    assert ended.returncode == 0, ended.stderr
    first, *_ = ended.stdout.splitlines()
    label, score, moments = first.split("\t")
    assert label
    assert 0 <= float(score) <= 1
    assert moments.endswith(" s")


def test_a_client_prints_why_a_track_is_refused(
    client: list[str | Path], guarded: Server, key: tuple[Path, str], tmp_path: Path
) -> None:
    text = tmp_path / "song.mp3"
    text.write_text("not music")

    ended = run(client, guarded, key[1], text)

    assert ended.returncode == 1
    assert ended.stderr.startswith("This is not an audio file that we can read. Send MP3")


def test_the_token_backend_gives_a_token_that_uploads(
    guarded: Server, key: tuple[Path, str], clip: Path
) -> None:
    port = free_port()
    settings = {
        "TAGGRAM_URL": str(guarded.http.base_url),
        "TAGGRAM_KEY": key[1],
        "PAGE_ORIGIN": PAGE,
    }
    folder = EXAMPLES / "token-backend"
    command = [sys.executable, "-m", "uvicorn", "--app-dir", folder, "main:app", "--port"]
    backend = subprocess.Popen([*command, str(port)], env={**os.environ, **settings})
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
            wait_for(lambda: is_up(http), "the backend")
            token = http.get("/taggram-token").json()
    finally:
        backend.terminate()
        backend.wait(300)

    headers = {"Authorization": f"Bearer {token['token']}", "Origin": PAGE}
    with clip.open("rb") as file:
        answer = guarded.http.post("/suggest-tags", files={"file": file}, headers=headers)

    assert answer.status_code == 200, answer.text


def is_up(http: httpx.Client) -> bool:
    """Return whether the backend listens."""
    try:
        return http.get("/openapi.json").is_success
    except httpx.ConnectError:
        return False


@pytest.mark.thorough  # installs TypeScript and React's types
def test_the_react_example_has_no_type_errors(tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    folder = tmp_path / "react"
    shutil.copytree(EXAMPLES / "react", folder, ignore=shutil.ignore_patterns("node_modules"))
    installed = subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, check=False
    )
    if installed.returncode:
        pytest.skip("npm can't install React's types")

    checked = subprocess.run(
        ["npm", "run", "check"], cwd=folder, capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stdout


def test_the_react_example_names_the_fields_of_the_answer(
    guarded: Server, key: tuple[Path, str], clip: Path
) -> None:
    types = (EXAMPLES / "react" / "src" / "tag-suggest.d.ts").read_text()
    with clip.open("rb") as file:
        answer = guarded.http.post(
            "/suggest-tags", files={"file": file}, headers={"Authorization": f"Bearer {key[1]}"}
        ).json()

    for interface, shown in (("Analysis", answer), ("Suggestion", answer["suggestions"][0])):
        declared = types.partition(f"interface {interface} {{")[2].partition("}")[0]
        names = {line.split(":")[0].strip() for line in declared.splitlines() if ":" in line}
        assert names <= shown.keys(), json.dumps(shown)
