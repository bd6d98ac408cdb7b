"""Shared by the subcommands: output, errors, settings and logs."""

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

TRAINING_MODULES = (
    *("audiomentations", "cleanlab", "iterstrat", "jinja2", "pyroomacoustics", "sklearn"),
    *("tensorboard", "threadpoolctl"),
)
EXTRAS = {
    **dict.fromkeys(TRAINING_MODULES, "train"),
    **dict.fromkeys(("implicit", "sqlalchemy"), "recommender"),
    "pyloudnorm": "descriptors",
}
"""The extra that has each module which serving does not need."""

UPGRADE_WARNINGS = ("Unsupported upgrade request", "No supported WebSocket library")
"""Messages of uvicorn for requests that offer HTTP/2 (`Upgrade: h2c`), as Java's client does."""


@contextmanager
def plain_errors() -> Iterator[None]:
    """Report errors that the user can fix in one line, without a traceback; exit with status 1.

    Raises:
        typer.Exit: The body raised such an error.
    """
    try:
        yield
    except TaggramError as error:
        say(err, f"taggram: {error}", style="red")
        raise typer.Exit(1) from error
    except OSError as error:  # of a given path, such as one that is too long
        place = f"{shortened(str(error.filename))}: " if error.filename else ""
        say(err, f"taggram: {place}{error.strerror or error}", style="red")
        raise typer.Exit(1) from error
    except ValueError as error:
        if "embedded null" not in str(error):
            raise
        say(
            err,
            "taggram: a path contains a NUL character, which is not allowed in file names",
            style="red",
        )
        raise typer.Exit(1) from error
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in EXTRAS:
            raise
        hint = f"install it with `pip install 'taggram[{EXTRAS[missing]}]'`"
        say(err, f"taggram: this command needs {missing}; {hint}", style="red")
        raise typer.Exit(1) from error


def say(console: Console, text: str, style: str = "") -> None:
    """Print a line without wrapping, markup, control characters and secrets.

    Args:
        console: Standard output or error.
        text: The line.
        style: A style of rich.
    """
    console.print(
        shown(text), style=style, markup=False, emoji=False, highlight=False, soft_wrap=True
    )


def shown(text: str) -> str:
    """Return a line for terminals: secrets, control and format characters are replaced."""
    return printable(mask(text))


def cell(text: str) -> Text:
    """Return a cell of a table, or a text of a progress bar, without markup."""
    return Text(shown(text))


def ask(question: str, *, abort: bool = False) -> bool:
    """Ask a yes-or-no question on stderr, and return whether the answer is yes."""
    return typer.confirm(shown(question), abort=abort, err=True)


def read_settings() -> Settings:
    """Return the settings, and set the log level.

    Raises:
        SetupError: One is invalid; the message names it, but not its value.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"{Settings.model_config['env_prefix']}{first['loc'][0]}".upper()
        raise SetupError(f"{name}: {first['msg']}") from error
    except SettingsError as error:
        raise SetupError(f"{error}; write lists as JSON") from error
    for name, alike in find_unknown_settings().items():
        hint = f"; did you mean {alike}?" if alike else ""
        log.warning("%s is not a setting of Taggram, so it has no effect%s", name, hint)
    for url in (settings.model_store, settings.redis_url or "", settings.catalogue or ""):
        remember(url)
    if settings.log_level == "debug":
        # Only Taggram's log: libraries log secrets and clients' data at this level.
        logging.getLogger("app").setLevel(logging.DEBUG)
    return settings


def log_to_stderr(level: int) -> None:
    """Log readable lines to stderr."""
    _quiet_tensorflow()
    handler = logging.StreamHandler()
    handler.setFormatter(PlainLine())
    logging.basicConfig(level=level, handlers=[handler])


def log_json_to_stderr(level: int) -> LineWriter:
    """Log JSON lines to stderr, including warnings and failed threads; return the handler."""
    _quiet_tensorflow()
    writer = LineWriter(sys.stderr.fileno())
    writer.setFormatter(JsonLine())
    logging.basicConfig(level=level, handlers=[writer])
    logging.captureWarnings(True)
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # it logs clients' data
    logging.getLogger("uvicorn.error").addFilter(_is_not_upgrade_warning)
    threading.excepthook = _log_failed_thread
    return writer


def _quiet_tensorflow() -> None:
    """Silence TensorFlow's log, as it raises its errors too."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def _is_not_upgrade_warning(record: logging.LogRecord) -> bool:
    """Return False for warnings about upgrades, which a server may ignore (RFC 9110, 7.8)."""
    return not record.getMessage().startswith(UPGRADE_WARNINGS)


def _log_failed_thread(failure: threading.ExceptHookArgs) -> None:
    logging.getLogger(__name__).critical("a thread failed", exc_info=failure.exc_value)
