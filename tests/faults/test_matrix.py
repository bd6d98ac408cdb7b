"""The table of faults is complete, and its tests exist."""

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
APP = HERE.parent.parent / "app"
ROWS = re.findall(r"^\| (\d+) \| .+? \| (.+) \|$", (HERE / "README.md").read_text(), re.MULTILINE)
NAMED = sorted({named for _, tests in ROWS for named in re.findall(r"`([\w./]+::\w+)`", tests)})

WALL_CLOCKS = {"time", "now", "utcnow", "today"}
MAY_USE_THE_DATE = {"tokens.py", "key_file.py", "keys.py"}
"""Dates of tokens and keys; no waiting depends on them."""


def test_the_table_has_a_row_for_each_fault() -> None:
    assert [int(number) for number, _ in ROWS] == list(range(1, 75))


@pytest.mark.parametrize("named", NAMED)
def test_a_test_that_the_table_names_exists(named: str) -> None:
    path, name = named.split("::")
    tree = ast.parse((HERE / path).read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    assert name in {node.name for node in tree.body if isinstance(node, functions)}


@pytest.mark.parametrize("path", sorted(APP.rglob("*.py")), ids=lambda path: path.name)
def test_no_timeout_uses_the_wall_clock(path: Path) -> None:
    if path.name in MAY_USE_THE_DATE:
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            asked = isinstance(node.func.value, ast.Name) and node.func.value.id
            assert not (asked in {"time", "datetime", "date"} and node.func.attr in WALL_CLOCKS)
