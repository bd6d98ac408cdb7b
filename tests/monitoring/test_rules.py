"""The rules of Prometheus, checked and tested with its own tool; each alert is in the runbook."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest

from app.catalogue.run_metrics import collect_run
from app.metrics import Metrics
from testing.grafana.dashboard import FILE, to_json
from testing.packages.prometheus import PROMTOOL
from tests.conftest import REPOSITORY
from tests.docs.pages import doc, sections

FOLDER = REPOSITORY / "docker" / "prometheus"
ALERTS = FOLDER / "alerts.yml"
RULE_FILES = (ALERTS, FOLDER / "rules.yml")
TESTS = FOLDER / "tests"
PARTS = ("**Meaning:**", "**Look:**", "**Do:**")
NAME = re.compile(r"\b(?:taggram_|process_)[a-z0-9_]+|\btaggram:\w+(?::\w+)?")


def promtool(*arguments: str | Path) -> None:
    """Run promtool in the folder of the rules; a failure shows what it prints."""
    if not PROMTOOL.is_file():
        pytest.skip(f"promtool is not at {PROMTOOL}; see `make test`")
    ran = subprocess.run(
        [PROMTOOL, *arguments], cwd=TESTS, capture_output=True, text=True, timeout=600, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def rules() -> list[dict[str, Any]]:
    """List all rules of both files."""
    files = [yaml.safe_load(path.read_text()) for path in RULE_FILES]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def alerts() -> list[str]:
    return [rule["alert"] for rule in rules() if "alert" in rule]


def exported() -> set[str]:
    """The names of all samples that a service and a run export, and of what rules record."""
    run = generate_latest(collect_run(None, is_success=True))
    exposition = (Metrics().exposition() + run).decode()
    names: set[str] = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)", exposition, re.MULTILINE):
        suffixes = ("_bucket", "_count", "_sum") if kind == "histogram" else ("",)
        names |= {name + suffix for suffix in suffixes}
    return names | {rule["record"] for rule in rules() if "record" in rule}


def test_the_rules_and_the_configuration_are_valid() -> None:
    promtool("check", "rules", *RULE_FILES)
    promtool("check", "config", FOLDER / "prometheus.yml")


@pytest.mark.parametrize(
    "name", ["alerts_test.yml", pytest.param("weeks_test.yml", marks=pytest.mark.thorough)]
)
def test_alerts_fire_when_they_should_and_only_then(name: str) -> None:
    promtool("test", "rules", name)


@pytest.mark.parametrize("alert", alerts())
def test_a_test_shows_that_the_alert_fires(alert: str) -> None:
    files = [yaml.safe_load(path.read_text()) for path in TESTS.glob("*_test.yml")]
    expected = [
        sample["labels"]
        for file in files
        for test in file["tests"]
        for each in test["promql_expr_test"]
        for sample in each["exp_samples"]
    ]
    assert [labels for labels in expected if f'alertname="{alert}"' in labels]


@pytest.mark.parametrize("alert", alerts())
def test_the_runbook_says_what_an_alert_means_how_to_look_and_what_to_do(alert: str) -> None:
    entry = sections(doc("runbook"), 3)[alert]
    assert [part for part in PARTS if part not in entry] == []


def test_each_alert_links_its_entry_of_the_runbook() -> None:
    links = {rule["alert"]: rule["annotations"]["runbook"] for rule in rules() if "alert" in rule}
    assert links == {alert: f"docs/runbook.md#{alert.lower()}" for alert in alerts()}


def test_the_runbook_has_no_entry_of_an_alert_that_is_gone() -> None:
    entries = {title for title in sections(doc("runbook"), 3) if title.startswith("Taggram")}
    assert entries == set(alerts())


@pytest.mark.parametrize("path", [*RULE_FILES, FILE, REPOSITORY / "docs" / "runbook.md"])
def test_every_metric_named_is_exported(path: Path) -> None:
    text = re.sub(r"(?m)^ *#.*$|- name: .*|- record: .*", "", path.read_text())
    assert set(NAME.findall(text)) - exported() == set()


def test_the_buckets_have_the_limit_of_slow_uploads() -> None:
    metrics = Metrics()
    metrics.request_done("POST", "/suggest-tags", 200, 1.0, NoStages())
    assert 'le="5.0"' in metrics.exposition().decode()


def test_the_dashboard_is_what_the_code_makes() -> None:
    assert FILE.read_text() == to_json(), "run `python -m testing.grafana.dashboard`"


class NoStages:
    """The clock of a request without stages."""

    seconds: dict[str, float] = {}  # noqa: RUF012
