"""Each entry of the log is one line of JSON with any content; an invalid one raises nothing."""

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from app.logs import JsonLine, LineWriter


@contextmanager
def written() -> Iterator[tuple[logging.Logger, LineWriter, int]]:
    """A logger that writes to a pipe; the end to read from, and how many lines were dropped."""
    reader, descriptor = os.pipe()
    writer = LineWriter(descriptor)
    writer.setFormatter(JsonLine())
    log = logging.Logger("a log")  # noqa: LOG001 - of this test alone
    log.addHandler(writer)
    try:
        yield log, writer, reader
    finally:
        writer.close()
        os.close(reader)
        os.close(descriptor)


def formatted(message: str, **fields: object) -> str:
    record = logging.LogRecord("a log", logging.ERROR, "", 0, message, None, sys.exc_info())
    record.__dict__.update(fields)
    return JsonLine().format(record)


def test_an_exception_is_part_of_its_line() -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        line = formatted("it broke")
    assert "\n" not in line
    entry = json.loads(line)
    assert entry["message"] == "it broke"
    assert entry["exception"].startswith("Traceback")
    assert "first\nsecond" in entry["exception"]


def test_line_breaks_and_control_characters_are_escaped() -> None:
    unsafe = 'a\r\n\x1b[2J\u2028\x9b"}'
    line = formatted(unsafe, client=unsafe)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["client"] == json.loads(line)["message"] == unsafe


def test_lines_are_written_in_order_and_all_before_the_end() -> None:
    with written() as (log, writer, reader):
        for number in range(100):
            log.warning("line %d", number)
        writer.close()
        lines = os.read(reader, 2**20).splitlines()
    assert [json.loads(line)["message"] for line in lines] == [f"line {n}" for n in range(100)]


def test_a_wrong_log_call_raises_nothing_and_is_counted() -> None:
    dropped = []
    with written() as (log, writer, _):
        writer.on_drop = lambda: dropped.append(1)
        log.warning("two words: %s %s", "one")  # noqa: PLE1206 - on purpose
    assert len(dropped) == 1


def test_lines_that_cannot_be_written_are_counted() -> None:
    dropped = []
    reader, descriptor = os.pipe()
    os.close(reader)
    writer = LineWriter(descriptor)
    writer.on_drop = lambda: dropped.append(1)
    for _ in range(3):
        writer.handle(logging.makeLogRecord({"msg": "dropped"}))
    writer.close()
    os.close(descriptor)
    assert len(dropped) == 3
