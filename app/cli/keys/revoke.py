"""`taggram keys revoke`: revoke an API key."""

from app.access.key_file import revoke_key
from app.cli.console import out, plain_errors, say
from app.cli.keys.shared import Name, find_key_file


def revoke(name: Name) -> None:
    """Revoke an API key and its upload tokens at once."""
    with plain_errors():
        revoke_key(find_key_file(), name)
    say(out, f"{name} is revoked.")
