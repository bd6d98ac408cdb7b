"""A service keeps running where the environment limits the instructions of the CPU."""

from pathlib import Path

import pytest

from app.cpus import ISA_LIMITS, limits_instructions
from testing.server import serving


@pytest.mark.parametrize("limit", ISA_LIMITS)
@pytest.mark.parametrize(
    ("value", "expected"), [("AVX2", True), ("sse41", True), ("", False), ("default", False)]
)
def test_a_limit_is_seen(
    limit: str, value: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ISA_LIMITS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(limit, value)

    assert limits_instructions() == expected


def test_a_service_with_a_limit_computes_in_float32(tmp_path: Path, song: Path) -> None:
    """In bf16, which this CPU may have, OpenVINO ends the process."""
    settings = {"ONEDNN_MAX_CPU_ISA": "AVX2", "TAGGRAM_MODELS": '["mtt-vgg"]'}
    with serving(tmp_path / "log", settings) as server:
        with song.open("rb") as music:
            answer = server.http.post("/suggest-tags", files={"file": music})
        [model] = server.http.get("/models").raise_for_status().json()

    assert answer.is_success, answer.text
    assert model["precision"] == "float32"
