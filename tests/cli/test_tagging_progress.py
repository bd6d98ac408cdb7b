"""Progress of a run over a catalogue: lines with the present rate, or a bar on a terminal."""

import io

import pytest
from rich.console import Console

from app.catalogue.summary import Summary
from app.cli.catalogue import tagging_progress as module
from app.cli.catalogue.tagging_progress import LINE_S, tagging_progress


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> io.StringIO:
    """What is printed, on a terminal if the test says so."""
    text = io.StringIO()
    console = Console(file=text, force_terminal=getattr(request, "param", False), width=120)
    monkeypatch.setattr(module, "err", console)
    return text


def test_lines_show_the_rate_and_the_time_left_without_what_was_known(
    printed: io.StringIO,
) -> None:
    now = 0.0
    summary = Summary(10_000)
    with tagging_progress(lambda: now) as on_progress:
        on_progress(summary)
        now, summary.known = LINE_S, 4_000
        on_progress(summary)
        now, summary.inferred = 2 * LINE_S, 300
        summary.fail("silent_audio", "a", "")
        on_progress(summary)
        now = 2.5 * LINE_S
        on_progress(summary)

    first, second = printed.getvalue().splitlines()
    assert first == "4,000 of 10,000 tracks, 0.0 tracks/s, 0:00:45 left"
    assert second == ("4,301 of 10,000 tracks, 10.0 tracks/s, 1 silent_audio, 0:09:28 left")


@pytest.mark.parametrize("printed", [True], indirect=True)
def test_a_terminal_shows_a_bar(printed: io.StringIO) -> None:
    summary = Summary(2, inferred=1)
    summary.fail("not_found", "a", "")

    with tagging_progress() as on_progress:
        on_progress(summary)

    assert "2/2" in printed.getvalue()
    assert "1 not_found" in printed.getvalue()
