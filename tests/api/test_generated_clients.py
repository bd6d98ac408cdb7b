"""Clients that users generate from the OpenAPI document, with the programs that they use for it."""

import os
import shutil
import subprocess
import sys
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from testing.server import Server
from tests.conftest import REPOSITORY
from tests.docs.pages import block, doc
from tests.support.client import new_track

GENERATOR = REPOSITORY / ".venv-tools" / "bin" / "openapi-python-client"

TYPESCRIPT = ("openapi-typescript@7.13", "typescript@5.9")

TYPED_PROGRAM = """
import type { operations } from "./taggram";
type Answer = operations["suggest_tags"]["responses"][200]["content"]["application/json"];
type Refusal = operations["suggest_tags"]["responses"][415]["content"]["application/problem+json"];
export const best = (answer: Answer): string => answer.suggestions[0].label;
export const reason = (refusal: Refusal): string => refusal.detail;
"""


@pytest.fixture(scope="module")
def document(stub: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the served OpenAPI document."""
    file = tmp_path_factory.mktemp("openapi") / "openapi.json"
    file.write_text(stub.http.get("/openapi.json").text)
    return file


@pytest.fixture(scope="module")
def python_client(document: Path) -> Path:
    """The folder of the package that openapi-python-client generates, without a warning."""
    if not GENERATOR.exists():
        pytest.skip("openapi-python-client is not installed; `make .venv-tools/ready` does so")
    folder = document.parent / "client"
    options = ["--path", str(document), "--output-path", str(folder), "--fail-on-warning"]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # it runs ruff on the package
    ended = subprocess.run(
        [GENERATOR, "generate", *options],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": path},
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder


@pytest.fixture
def taggram_client(python_client: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The generated package, imported."""
    monkeypatch.syspath_prepend(python_client)
    return import_module("taggram_client")


@pytest.fixture
def song(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the documentation uploads, in the current folder."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "song.ogg"
    file.write_bytes(new_track())
    return file


def run_documented(stub: Server, variables: dict[str, object]) -> dict[str, object]:
    """Run the documentation's program against a service; return its variables."""
    program = block(doc("http-api"), "python", "taggram_client")
    program = program.replace("http://127.0.0.1:8000", str(stub.http.base_url))
    exec(compile(program, "docs/http-api.md", "exec"), variables)
    return variables


def test_the_generated_python_client_reads_the_suggestions(
    stub: Server, taggram_client: ModuleType, song: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    variables = run_documented(stub, {"key": "unused"})

    answer = stub.http.post("/suggest-tags", files={"file": song.read_bytes()}).json()
    assert variables["answer"].to_dict() == {**answer, "cached": False}  # type: ignore[attr-defined]
    first, *_ = capsys.readouterr().out.splitlines()
    best = answer["suggestions"][0]
    assert first == f"{best['label']} {best['score']}"


def test_the_generated_python_client_reads_an_error(
    stub: Server, taggram_client: ModuleType, song: Path
) -> None:
    song.write_text("not music")
    with pytest.raises(SystemExit, match="This is not an audio file that we can read"):
        run_documented(stub, {"key": "unused"})


def test_the_generated_python_client_sends_a_json_body(
    stub: Server, taggram_client: ModuleType
) -> None:
    models = import_module("taggram_client.models")
    api = import_module("taggram_client.api.tagging.create_upload_token")
    body = models.UploadTokenRequest(origin="https://signup.example")

    with taggram_client.Client(base_url=str(stub.http.base_url)) as client:
        answer = api.sync_detailed(client=client, body=body)

    assert answer.status_code == HTTPStatus.FORBIDDEN  # this service has no keys
    assert isinstance(answer.parsed, models.Problem)
    assert answer.parsed.type_ == "/problems/forbidden"


@pytest.mark.thorough  # installs TypeScript
def test_generated_typescript_types_describe_answers_and_errors(
    document: Path, tmp_path: Path
) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    install = ["npm", "install", "--no-audit", "--no-fund", *TYPESCRIPT]
    if subprocess.run(install, cwd=tmp_path, capture_output=True, check=False).returncode:
        pytest.skip(f"npm can't install {' and '.join(TYPESCRIPT)}")
    (tmp_path / "program.ts").write_text(TYPED_PROGRAM)
    binaries = tmp_path / "node_modules" / ".bin"

    for command in (
        ["openapi-typescript", str(document), "--output", "taggram.d.ts"],
        ["tsc", "--noEmit", "--strict", "--skipLibCheck", "false", "program.ts"],
    ):
        program = [str(binaries / command[0]), *command[1:]]
        ended = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert "warn" not in (ended.stdout + ended.stderr).lower()
