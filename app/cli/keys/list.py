"""`taggram keys list`: list the API keys."""

from datetime import datetime

from rich.table import Table

from app.access.key_file import read_keys
from app.cli.console import out, plain_errors
from app.cli.keys.shared import find_key_file


def list_() -> None:
    """List the names and dates of the API keys; the keys themselves are not stored."""
    table = Table("name", "admin", "created", "revoked")
    with plain_errors():
        for key in read_keys(find_key_file()):
            admin = "yes" if key.admin else ""
            table.add_row(key.name, admin, _formatted(key.created), _formatted(key.revoked))
    out.print(table)


def _formatted(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else ""
