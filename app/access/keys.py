"""API keys: how one is made, what is kept of it, and how it is known again."""

import hashlib
import hmac
import re
import secrets
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

KEY = re.compile(r"taggram_([0-9a-f]{12})_[0-9a-f]{64}")
"""A key as it is handed out: a word that scanners of leaked secrets can look for, an id, 256 random
bits."""

KeyName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}$")]


class ApiKey(BaseModel):
    """What is kept of a key: enough to know it again, too little to use it.

    Attributes:
        name: Whose it is; it stands in the log.
        id: The part by which the key is found.
        sha256: Of the whole key, in hex.
        admin: Whether it may also replace the models.
        created: When it was made.
        revoked: When it was revoked, if it was.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: KeyName
    id: Annotated[str, Field(pattern="^[0-9a-f]{12}$")]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    admin: bool = False
    created: AwareDatetime
    revoked: AwareDatetime | None = None

    def is_of(self, key: str) -> bool:
        """Whether that is this key; takes the same time however much of it is right."""
        return hmac.compare_digest(self.sha256, _sha256(key))


def make_key(name: str, *, admin: bool) -> tuple[str, ApiKey]:
    """A new key, which is nowhere else, and what to keep of it."""
    key_id = secrets.token_hex(6)
    key = f"taggram_{key_id}_{secrets.token_hex(32)}"
    return key, ApiKey(
        name=name, id=key_id, sha256=_sha256(key), admin=admin, created=datetime.now(UTC)
    )


def _sha256(key: str) -> str:
    # Slow hashes with salt are for passwords, which can be guessed. Nobody guesses 256 random bits,
    # and this one is computed for every request.
    return hashlib.sha256(key.encode()).hexdigest()
