"""The command behind `loadtests.fuzz.run`: runs both halves and prints the outcomes."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.progress import MofNCompleteColumn, Progress

from app.audio.worker.processes import Decoder
from loadtests.fuzz import decoding, http
from loadtests.fuzz.mutants import seeds
from loadtests.fuzz.replay import Replay, replayed
from loadtests.report import REPOSITORY, Row, out, publish
from loadtests.service import service

FINDINGS = REPOSITORY / ".cache" / "fuzz"
DECODE_WORKERS, DECODE_TIMEOUT_S = 2, 20
SETTINGS = {
    "TAGGRAM_MODELS": '["msd-musicnn"]',
    "TAGGRAM_MAX_BACKLOG_S": "1000",  # else many are refused unread
    "TAGGRAM_MAX_IN_FLIGHT": "64",
}

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@cli.command()
def main(
    mutants: Annotated[int, typer.Option(min=1, help="Files to decode.")] = 2_000,
    requests: Annotated[int, typer.Option(min=1, help="Requests to send.")] = 500,
    seed: Annotated[int | None, typer.Option(help="Repeats a run; random by default.")] = None,
) -> None:
    """Fuzz the decoders, then the service; end with status 1 if there is a finding."""
    seed = secrets.randbelow(2**32) if seed is None else seed
    out.print(f"seed {seed}")
    bad = _fuzz_files(seed, mutants) + _fuzz_requests(seed, requests)
    out.print(f"findings, if any, are in {FINDINGS}", highlight=False)
    raise typer.Exit(code=1 if bad else 0)


def _fuzz_files(seed: int, count: int) -> int:
    # First, as its fork server is the workers' too.
    decoder = Decoder(decoding.LIMITS, DECODE_WORKERS, DECODE_TIMEOUT_S)
    with _bar("mutants", count) as advance:
        report = decoding.fuzz(seed, count, advance)
    again = [*report.findings, *report.sample]
    with _bar("the service's way", len(again)) as advance:
        replay = replayed(decoder, again, advance)
    for finding in report.findings:
        _keep(
            f"{seed}-{finding.number}.audio", finding.data, f"{finding.seed_file}: {finding.output}"
        )
    for finding, output in replay.differing:
        _keep(
            f"{seed}-{finding.number}.audio",
            finding.data,
            f"{finding.output}; the service: {output}",
        )
    _publish_files(seed, count, report, replay)
    uncontained = [output for _, output in replay.differing if output not in decoding.VERDICTS]
    return (not replay.survived) + len(uncontained)


def _publish_files(seed: int, count: int, report: decoding.Report, replay: Replay) -> None:
    share = report.past_magic / count
    rows: list[Row] = [
        {"": "mutants", "count": count},
        {"": f"past the magic check ({share:.0%})", "count": report.past_magic},
        *_counted(report.output),
        {"": "decoded again the service's own way", "count": replay.count},
        {"": "with another verdict there", "count": len(replay.differing)},
        {"": "findings, contained", "count": len(report.findings)},
        {"": "deaths of the fork server", "count": int(not replay.survived)},
    ]
    rate = f"{count / report.seconds:.0f} mutants a second, {len(seeds())} good files, seed {seed}"
    publish("fuzz-files", f"Mutants: {rate}", rows)


def _fuzz_requests(seed: int, count: int) -> int:
    with service(SETTINGS) as server, _bar("requests", count) as advance:
        report = http.fuzz(server, seed, count, advance)
    for finding in report.findings:
        _keep(f"{seed}-{finding.number}.http", finding.data, finding.answer)
    rows: list[Row] = [
        {"": "requests", "count": count},
        *_counted(report.answers),
        {"": "5xx but 503, or no answer", "count": len(report.findings)},
        {"": "restarts", "count": report.restarts},
    ]
    publish("fuzz-requests", f"Requests: {count / report.seconds:.0f} a second, seed {seed}", rows)
    return report.restarts + len(report.findings)


@contextmanager
def _bar(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a progress bar; yield the function to call for each finished item."""
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=out, transient=True) as progress:
        bar = progress.add_task(what, total=total)
        yield lambda: progress.advance(bar)


def _counted(counter: Counter[str]) -> list[Row]:
    return [{"": f"- {what}", "count": number} for what, number in counter.most_common()]


def _keep(name: str, data: bytes, what: str) -> None:
    FINDINGS.mkdir(parents=True, exist_ok=True)
    path = FINDINGS / name
    path.write_bytes(data)
    how = f"nc -N 127.0.0.1 8000 < {path}" if name.endswith("http") else f"taggram tag {path}"
    path.with_suffix(".txt").write_text(f"{what}\n{how}\n")
