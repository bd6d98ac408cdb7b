"""The table of faults is complete, and its tests exist."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
APP = HERE.parent.parent / "app"
ROWS = re.findall(r"^\| (\d+) \| .+? \| (.+) \|$", (HERE / "README.md").read_text(), re.MULTILINE)
NAMED = sorted({named for _, tests in ROWS for named in re.findall(r"`([\w./]+::\w+)`", tests)})

WALL_CLOCKS = {"time", "now", "utcnow", "today"}
MAY_USE_THE_DATE = {
    *("access/tokens.py", "access/key_file.py", "access/keys.py"),
    *("catalogue/append.py", "catalogue/describing.py", "catalogue/manifest.py"),
    *("catalogue/run.py", "catalogue/run_metrics.py", "catalogue/tables.py"),
    "recommender/tables/reading.py",
}
"""Dates of tokens, of keys, of the rows and files of catalogues, and to refuse interactions in the
future; no waiting depends on them."""


def test_the_table_has_a_row_for_each_fault() -> None:
    assert [int(number) for number, _ in ROWS] == list(range(1, 81))


@cache
def functions_of(path: Path) -> set[str]:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.parse(path.read_text()).body if isinstance(node, functions)}


def test_the_tests_that_the_table_names_exist() -> None:
    named = [test.split("::") for test in NAMED]
    assert named
    assert [each for each in named if each[1] not in functions_of(HERE / each[0])] == []


def wall_clocks_of(path: Path) -> Iterator[str]:
    """Yield the calls of a file that ask for the time of day."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            asked = isinstance(node.func.value, ast.Name) and node.func.value.id
            if asked in {"time", "datetime", "date"} and node.func.attr in WALL_CLOCKS:
                yield f"{path}:{node.lineno}"


def test_no_timeout_uses_the_wall_clock() -> None:
    paths = [
        path
        for path in APP.rglob("*.py")
        if path.relative_to(APP).as_posix() not in MAY_USE_THE_DATE
    ]
    assert paths
    assert [call for path in paths for call in wall_clocks_of(path)] == []
