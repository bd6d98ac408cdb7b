"""What the subcommands print with, and how they fail."""

import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError
from rich.console import Console
from rich.text import Text

from app.errors import SetupError, TaggramError
from app.logs import JsonLine, LineWriter, PlainLine
from app.masking import mask, remember
from app.paths import shortened
from app.settings import Settings, find_unknown_settings
from app.text import printable

log = logging.getLogger(__name__)

out = Console()
err = Console(stderr=True)

TRAINING_MODULES = {
    *("audiomentations", "cleanlab", "iterstrat", "jinja2", "pyroomacoustics", "sklearn"),
    *("tensorboard", "threadpoolctl"),
}
"""The modules of the extra `train`."""

UPGRADE_WARNINGS = ("Unsupported upgrade request", "No supported WebSocket library")
"""What uvicorn logs for each request that offers HTTP/2 (`Upgrade: h2c`), as Java's client does."""


@contextmanager
def plain_errors() -> Iterator[None]:
    """End with one line and status 1, not with a traceback, where it is the operator's to mend."""
    try:
        yield
    except TaggramError as error:
        say(err, f"taggram: {error}", style="red")
        raise typer.Exit(1) from error
    except OSError as error:  # of a path that was given, such as one that is too long
        place = f"{shortened(str(error.filename))}: " if error.filename else ""
        say(err, f"taggram: {place}{error.strerror or error}", style="red")
        raise typer.Exit(1) from error
    except ValueError as error:
        if "embedded null" not in str(error):
            raise
        say(err, "taggram: a path holds a NUL character; no file is named so", style="red")
        raise typer.Exit(1) from error
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in TRAINING_MODULES:
            raise
        needs = f"{missing} is not installed, which this command needs"
        say(err, f"taggram: {needs}: `pip install 'taggram[train]'`", style="red")
        raise typer.Exit(1) from error


def say(console: Console, text: str, style: str = "") -> None:
    """Print a line: not folded, nothing in it taken for markup or moving the cursor, no secrets."""
    console.print(
        shown(text), style=style, markup=False, emoji=False, highlight=False, soft_wrap=True
    )


def shown(text: str) -> str:
    """Return a line for terminals: without secrets, control and format characters replaced."""
    return printable(mask(text))


def cell(text: str) -> Text:
    """Return a cell of a table, or words of a progress bar, in which nothing is markup."""
    return Text(shown(text))


def ask(question: str, *, abort: bool = False) -> bool:
    """Ask on stderr for yes or no."""
    return typer.confirm(shown(question), abort=abort, err=True)


def read_settings() -> Settings:
    """The settings; the log is as detailed from now on as they say.

    Raises:
        SetupError: One of them is wrong; the message names it, and never its value.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"{Settings.model_config['env_prefix']}{first['loc'][0]}".upper()
        raise SetupError(f"{name}: {first['msg']}") from error
    except SettingsError as error:
        raise SetupError(f"{error}; lists are written as JSON") from error
    for name, alike in find_unknown_settings().items():
        hint = f"; did you mean {alike}?" if alike else ""
        log.warning("%s is not a setting of Taggram, so it has no effect%s", name, hint)
    for url in (settings.model_store, settings.redis_url or ""):
        remember(url)
    if settings.log_level == "debug":
        # Ours alone: libraries log secrets and what clients send at this level.
        logging.getLogger("app").setLevel(logging.DEBUG)
    return settings


def log_to_stderr(level: int) -> None:
    """Lines for people."""
    _quiet_tensorflow()
    handler = logging.StreamHandler()
    handler.setFormatter(PlainLine())
    logging.basicConfig(level=level, handlers=[handler])


def log_json_to_stderr(level: int) -> LineWriter:
    """Lines for machines, warnings and broken threads among them; who writes them."""
    _quiet_tensorflow()
    writer = LineWriter(sys.stderr.fileno())
    writer.setFormatter(JsonLine())
    logging.basicConfig(level=level, handlers=[writer])
    logging.captureWarnings(True)
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # it quotes what clients send
    logging.getLogger("uvicorn.error").addFilter(_is_no_upgrade_warning)
    threading.excepthook = _log_broken_thread
    return writer


def _quiet_tensorflow() -> None:
    """What it finds wrong it raises, besides printing much that is not."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def _is_no_upgrade_warning(record: logging.LogRecord) -> bool:
    """Drop warnings about offers that a server may ignore (RFC 9110, 7.8)."""
    return not record.getMessage().startswith(UPGRADE_WARNINGS)


def _log_broken_thread(broken: threading.ExceptHookArgs) -> None:
    logging.getLogger(__name__).critical("a thread broke", exc_info=broken.exc_value)
