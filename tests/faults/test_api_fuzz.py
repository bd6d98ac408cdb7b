"""Requests generated from the OpenAPI document are answered as it says."""

import subprocess
import sys
from pathlib import Path

import pytest
import schemathesis
from hypothesis import settings

from testing.multipart import multipart
from testing.server import Server
from tests.support.client import answer, noise_file, post, post_body

SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"
TRACK = noise_file(4, seed=61)

CONFIG = """\
[[operations]]
include-path = "/suggest-tags"
# Bytes that the document admits need not be music.
checks.positive_data_acceptance.expected-statuses = [200, 404, 415, 422]

[[operations]]
include-path = "/suggest-tags/pooled"
checks.positive_data_acceptance.expected-statuses = [200, 404, 422]

[[operations]]
include-path = "/taggram"
parameters = {{ track_id = "{track_id}" }}
# Nor need the track last from `start_s` to `end_s`.
checks.positive_data_acceptance.expected-statuses = [200, 304, 404, 422]

[[operations]]
include-path = "/feedback"
# The words need not be different, nor the models know them.
checks.positive_data_acceptance.expected-statuses = [200, 201, 404, 422]

[[operations]]
include-path = "/recommendations"
# Nor need the recommender know the subgenres, nor the artist have any.
checks.positive_data_acceptance.expected-statuses = [200, 404, 422]

[[operations]]
include-path = "/identities/{{track_id}}"
checks.positive_data_acceptance.expected-statuses = [200, 404]
"""


@pytest.fixture(scope="module")
def track_id(stub: Server) -> str:
    """A track that the server knows by all of its models."""
    for vocabulary in ("subgenres", "alltags"):
        known: str = answer(post(stub, TRACK, vocabulary=vocabulary))["track_id"]
    return known


@pytest.mark.hypothesis  # the thorough run generates more requests
def test_any_request_is_answered_as_documented(stub: Server, track_id: str, tmp_path: Path) -> None:
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG.format(track_id=track_id))
    # Random requests come on top of those that cover each parameter and each limit.
    examples = settings().max_examples // 2
    arguments = ["--phases=examples,coverage,fuzzing", f"--max-examples={examples}"]
    arguments += ["--generation-deterministic", "--request-timeout=300", "--no-color"]
    url = str(stub.http.base_url.join("/openapi.json"))
    command = [SCHEMATHESIS, "--config-file", config, "run", url, *arguments]
    ran = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=1500, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    paths = stub.http.get("/openapi.json").json()["paths"].values()
    assert f"Tested: {sum(len(operations) for operations in paths)}" in ran.stdout


@pytest.mark.parametrize("accept", ["application/json", "image/png", "text/csv"])
def test_a_good_answer_is_as_documented(stub: Server, track_id: str, accept: str) -> None:
    document = schemathesis.openapi.from_dict(stub.http.get("/openapi.json").json())
    posted = post_body(stub, multipart(TRACK))
    document["/suggest-tags"]["POST"].validate_response(posted)
    forms = [("file", TRACK), ("file", b"text")]
    pooled = stub.http.post("/suggest-tags/pooled", files=forms)
    pooled.request.read()  # for the validation
    assert answer(pooled)["tracks_read"] == 1
    document["/suggest-tags/pooled"]["POST"].validate_response(pooled)
    shown = stub.http.get(answer(posted)["taggram_url"], headers={"Accept": accept})
    assert (shown.status_code, shown.headers["Content-Type"].partition(";")[0]) == (200, accept)
    document["/taggram"]["GET"].validate_response(shown)
