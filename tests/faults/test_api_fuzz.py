"""What the OpenAPI document says is what is answered, to whatever one can think up from it."""

import subprocess
import sys
from pathlib import Path

import pytest
import schemathesis

from testing.server import Server
from tests.api.asking import answer, encoded, multipart, noise, post, post_body

SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"
EXAMPLES = 40
"""Of each operation, beside those that Schemathesis derives from each bound and example."""

CONFIG = """\
[[operations]]
include-path = "/suggest-tags"
# Bytes that the document admits need not be music.
checks.positive_data_acceptance.expected-statuses = [200, 404, 415, 422]

[[operations]]
include-path = "/taggram"
parameters = {{ track_id = "{track_id}" }}
# Nor need it last from `start_s` to `end_s`.
checks.positive_data_acceptance.expected-statuses = [200, 304, 404, 422]

[[operations]]
include-path = "/feedback"
# The words need not be different, nor the models know them.
checks.positive_data_acceptance.expected-statuses = [200, 201, 404, 422]
"""


@pytest.fixture(scope="module")
def track_id(server: Server) -> str:
    """A track that the server knows by all of its models."""
    audio = encoded(noise(4, seed=61))
    for vocabulary in ("subgenres", "alltags"):
        known: str = answer(post(server, audio, vocabulary=vocabulary))["track_id"]
    return known


def test_whatever_is_asked_is_answered_as_documented(
    server: Server, track_id: str, tmp_path: Path
) -> None:
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG.format(track_id=track_id))
    arguments = ["--phases=examples,coverage,fuzzing", f"--max-examples={EXAMPLES}"]
    arguments += ["--generation-deterministic", "--no-color"]
    url = str(server.http.base_url.join("/openapi.json"))
    command = [SCHEMATHESIS, "--config-file", config, "run", url, *arguments]
    ran = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    paths = server.http.get("/openapi.json").json()["paths"].values()
    assert f"Tested: {sum(len(operations) for operations in paths)}" in ran.stdout


@pytest.mark.parametrize("accept", ["application/json", "image/png", "text/csv"])
def test_a_good_answer_is_as_documented(server: Server, track_id: str, accept: str) -> None:
    document = schemathesis.openapi.from_dict(server.http.get("/openapi.json").json())
    heard = post_body(server, multipart(encoded(noise(4, seed=61))))
    document["/suggest-tags"]["POST"].validate_response(heard)
    shown = server.http.get(answer(heard)["taggram_url"], headers={"Accept": accept})
    assert (shown.status_code, shown.headers["Content-Type"].partition(";")[0]) == (200, accept)
    document["/taggram"]["GET"].validate_response(shown)
