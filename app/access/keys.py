"""API keys: creating, storing and recognising them."""

import hashlib
import hmac
import re
import secrets
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

KEY = re.compile(r"taggram_([0-9a-f]{12})_[0-9a-f]{64}")
"""A key: a prefix that scanners for leaked secrets can find, an id, and 256 random bits."""

KeyName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}$")]


class ApiKey(BaseModel):
    """The stored form of a key, which can recognise the key but not replace it.

    Attributes:
        name: The name of its user, which appears in the log.
        id: The part of the key that it is looked up by.
        sha256: SHA-256 of the whole key, in hex.
        admin: Whether the key may also reload the models.
        created: When it was created.
        revoked: When it was revoked; None while it is valid.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: KeyName
    id: Annotated[str, Field(pattern="^[0-9a-f]{12}$")]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    admin: bool = False
    created: AwareDatetime
    revoked: AwareDatetime | None = None

    def matches(self, key: str) -> bool:
        """Return whether this is the stored form of a key; compares in constant time."""
        return hmac.compare_digest(self.sha256, _sha256(key))


def make_key(name: str, *, admin: bool) -> tuple[str, ApiKey]:
    """Return a new key and its stored form.

    Raises:
        ValidationError: The name is not a valid `KeyName`.
    """
    key_id = secrets.token_hex(6)
    key = f"taggram_{key_id}_{secrets.token_hex(32)}"
    return key, ApiKey(
        name=name, id=key_id, sha256=_sha256(key), admin=admin, created=datetime.now(UTC)
    )


def _sha256(key: str) -> str:
    # A slow, salted hash is for passwords, which can be guessed. 256 random bits can't be guessed,
    # and this hash is computed for every request.
    return hashlib.sha256(key.encode()).hexdigest()
